package ftplab

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	labtest "github.com/netclients/netclients/protocols/lab/internal/kit"
)

// ftpClient drives a server by hand.
type ftpClient struct {
	*textproto.Conn
	t    testing.TB
	raw  net.Conn
	data *tls.Config // set when data connections use TLS
}

// faulty is the server options with a fault spec.
func faulty(t *testing.T, spec string) Options {
	t.Helper()
	return Options{ServerOptions: base.ServerOptions{Faults: labtest.Faults(t, spec)}}
}

// dialFTP connects and reads nothing.
func dialFTP(t testing.TB, addr string) *ftpClient {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return clientOn(t, conn)
}

func clientOn(t testing.TB, conn net.Conn) *ftpClient {
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	c := &ftpClient{Conn: textproto.NewConn(conn), t: t, raw: conn}
	t.Cleanup(func() { conn.Close() })
	return c
}

// loginFTP connects and logs alice in, in binary mode.
func loginFTP(t testing.TB, addr string) *ftpClient {
	t.Helper()
	c := dialFTP(t, addr)
	c.expect(220)
	c.login()
	return c
}

func (c *ftpClient) login() {
	c.t.Helper()
	c.cmd(331, "USER alice")
	c.cmd(230, "PASS secret")
	c.cmd(200, "TYPE I")
}

func (c *ftpClient) expect(code int) string {
	c.t.Helper()
	_, text, err := c.ReadResponse(code)
	if err != nil {
		c.t.Fatalf("want %d: %v", code, err)
	}
	return text
}

func (c *ftpClient) cmd(code int, format string, args ...any) string {
	c.t.Helper()
	if err := c.PrintfLine(format, args...); err != nil {
		c.t.Fatalf("%s: %v", format, err)
	}
	_, text, err := c.ReadResponse(code)
	if err != nil {
		c.t.Fatalf("%s: want %d: %v", fmt.Sprintf(format, args...), code, err)
	}
	return text
}

// open opens a data connection with EPSV.
func (c *ftpClient) open() net.Conn {
	c.t.Helper()
	text := c.cmd(229, "EPSV")
	port := strings.Trim(text[strings.Index(text, "("):], "(|)")
	host, _, _ := net.SplitHostPort(c.raw.RemoteAddr().String())
	conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		c.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	c.t.Cleanup(func() { conn.Close() })
	if c.data != nil {
		return tls.Client(conn, c.data)
	}
	return conn
}

// get runs a command that sends data and returns the data; it expects 226.
func (c *ftpClient) get(format string, args ...any) string {
	c.t.Helper()
	data, err := c.fetch(format, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.expect(226)
	return data
}

// fetch is get without the last reply.
func (c *ftpClient) fetch(format string, args ...any) (string, error) {
	c.t.Helper()
	conn := c.open()
	defer conn.Close()
	c.cmd(150, format, args...)
	data, err := io.ReadAll(conn)
	return string(data), err
}

// put runs a command that takes data and returns the code of the last reply.
func (c *ftpClient) put(data, format string, args ...any) int {
	c.t.Helper()
	conn := c.open()
	c.cmd(150, format, args...)
	io.WriteString(conn, data)
	conn.Close()
	code, _, err := c.ReadResponse(0)
	if err != nil && code == 0 {
		c.t.Fatal(err)
	}
	return code
}

// file reads a file of the server's tree.
func file(t *testing.T, s *Server, name string) string {
	t.Helper()
	data, err := s.Tree().ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// listenLocal is a listener for active mode and the PORT argument for it.
func listenLocal(t *testing.T, host string) (net.Listener, string, int) {
	t.Helper()
	ln, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	port := ln.Addr().(*net.TCPAddr).Port
	arg := strings.ReplaceAll(host, ".", ",") + "," + strconv.Itoa(port>>8) + "," + strconv.Itoa(port&255)
	return ln, arg, port
}
