package socklab

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
	labtest "github.com/netclients/netclients/protocols/lab/internal/kit"
)

// echo starts a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	c, err := frame.Listen("tcp", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Serve(func(conn net.Conn) { io.Copy(conn, conn) })
	t.Cleanup(func() { c.Close() })
	return c.Addr()
}

// roundTrip sends data, ends the direction and returns what comes back.
func roundTrip(conn net.Conn, data string) (string, error) {
	go func() {
		io.WriteString(conn, data)
		if h, ok := conn.(interface{ CloseWrite() error }); ok {
			h.CloseWrite()
		}
	}()
	return labtest.ReadUntilEnd(conn)
}

// proxied starts a proxy with faults before an echo server.
func proxied(t *testing.T, spec string) *Proxy {
	t.Helper()
	p, err := NewProxy(echo(t), labtest.Faults(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestProxyPasses(t *testing.T) {
	data := labtest.Pattern(1, 200_000)
	for _, spec := range []string{"", "split=1000", "stall=100k:20ms", "delay=1ms", "slow=4M"} {
		got, err := roundTrip(labtest.Dial(t, proxied(t, spec).Addr()), data)
		if got != data || err != nil {
			t.Errorf("%s: %d bytes, %v", spec, len(got), err)
		}
	}
}

func TestProxyCuts(t *testing.T) {
	got, err := roundTrip(labtest.Dial(t, proxied(t, "cut=50k").Addr()), labtest.Pattern(1, 60_000))
	if len(got) > 50<<10 || err == nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	p := proxied(t, "refuse*1")
	conn, err := net.Dial("tcp", p.Addr())
	if err == nil { // a very early RST is the error of the connect
		_, err = labtest.ReadUntilEnd(conn)
		conn.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
	if got, err := roundTrip(labtest.Dial(t, p.Addr()), "hello"); got != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	labtest.Equal(t, "connections", p.Connections(), 2)
}

// TestProxyFTP takes a server's control connection through a proxy that
// splits and cuts.
func TestProxyFTP(t *testing.T) {
	s := labtest.Start(t, ftplab.Start, ftplab.Options{})
	faults, _ := base.ParseFaults("split=1,cut=200")
	p, err := NewProxy(s.Addr(), faults)
	if err != nil {
		t.Fatal(err)
	}
	c := textproto.NewConn(labtest.Dial(t, p.Addr()))
	if _, _, err := c.ReadResponse(220); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if c.PrintfLine("NOOP") != nil {
			break
		}
		if _, _, err := c.ReadResponse(200); err != nil {
			break
		}
		if i == 99 {
			t.Error("never cut")
		}
	}
	p.Close()
	s.Close()
	labtest.NoServerGoroutines(t)
}

// exchange writes a request and reads a reply of n bytes.
func exchange(t *testing.T, conn net.Conn, request string, n int) string {
	t.Helper()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, request)
	p := make([]byte, n)
	if _, err := io.ReadFull(conn, p); err != nil {
		t.Fatalf("reply to %q: %v", request, err)
	}
	return string(p)
}

func portBytes(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	return string([]byte{byte(n >> 8), byte(n)})
}

func TestSOCKS5(t *testing.T) {
	target := echo(t)
	_, port, _ := net.SplitHostPort(target)
	p, err := StartSOCKS5(ProxyOptions{Resolve: func(want string) string {
		if strings.HasPrefix(want, "refused.example") {
			return ""
		}
		return target
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, address := range []string{"\x01\x7f\x00\x00\x01", "\x03\x0becho.sample", "\x04" + string(net.IPv6loopback)} {
		conn := labtest.Dial(t, p.Addr())
		labtest.Equal(t, "method", exchange(t, conn, "\x05\x01\x00", 2), "\x05\x00")
		reply := exchange(t, conn, "\x05\x01\x00"+address+portBytes(target), 10)
		labtest.Equal(t, "reply", reply[:2], "\x05\x00")
		got, err := roundTrip(conn, "hello")
		if got != "hello" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	want := []string{"127.0.0.1:" + port, "echo.sample:" + port, "[::1]:" + port}
	if got := p.Targets(); !slices.Equal(got, want) {
		t.Errorf("targets: %q", got)
	}
	conn := labtest.Dial(t, p.Addr())
	exchange(t, conn, "\x05\x01\x00", 2)
	labtest.Equal(t, "refused", exchange(t, conn, "\x05\x01\x00\x03\x0frefused.example\x00\x50", 10)[1], socksRefused)
	conn = labtest.Dial(t, p.Addr())
	exchange(t, conn, "\x05\x01\x00", 2)
	labtest.Equal(t, "BIND", exchange(t, conn, "\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50", 10)[1], socksUnsupported)
}

func TestSOCKS5Password(t *testing.T) {
	p, err := StartSOCKS5(ProxyOptions{User: "bob", Password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	labtest.Equal(t, "URL", p.URL(), "socks5://bob:pw@"+p.Addr()+"/")
	conn := labtest.Dial(t, p.Addr())
	labtest.Equal(t, "no method", exchange(t, conn, "\x05\x01\x00", 2), "\x05\xff")
	conn = labtest.Dial(t, p.Addr())
	labtest.Equal(t, "method", exchange(t, conn, "\x05\x02\x00\x02", 2), "\x05\x02")
	labtest.Equal(t, "wrong", exchange(t, conn, "\x01\x03bob\x02no", 2), "\x01\x01")
	conn = labtest.Dial(t, p.Addr())
	exchange(t, conn, "\x05\x02\x00\x02", 2)
	labtest.Equal(t, "right", exchange(t, conn, "\x01\x03bob\x02pw", 2), "\x01\x00")
	target := echo(t)
	labtest.Equal(t, "reply", exchange(t, conn, "\x05\x01\x00\x01\x7f\x00\x00\x01"+portBytes(target), 10)[1], 0)
	if got, err := roundTrip(conn, "hello"); got != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// connectTo asks an HTTP proxy for a tunnel.
func connectTo(t *testing.T, conn net.Conn, target, header string) int {
	t.Helper()
	io.WriteString(conn, "CONNECT "+target+" HTTP/1.1\r\nHost: "+target+"\r\n"+header+"\r\n")
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), &http.Request{Method: "CONNECT"})
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func TestConnectProxy(t *testing.T) {
	target := echo(t)
	a, err := base.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	p, err := StartConnectProxy(ProxyOptions{User: "bob", Password: "pw", Authority: a})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	labtest.Equal(t, "URL", p.URL(), "https://bob:pw@"+p.Addr()+"/")
	conn := tls.Client(labtest.Dial(t, p.Addr()), a.ClientConfig())
	labtest.Equal(t, "no password", connectTo(t, conn, target, ""), 407)
	login := func(s string) string {
		return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(s)) + "\r\n"
	}
	labtest.Equal(t, "wrong password", connectTo(t, conn, target, login("bob:no")), 407)
	labtest.Equal(t, "tunnel", connectTo(t, conn, target, login("bob:pw")), 200)
	if got, err := roundTrip(conn, "hello"); got != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got := p.Targets(); !slices.Equal(got, []string{target}) {
		t.Errorf("targets: %q", got)
	}
}

func TestConnectProxyRefuses(t *testing.T) {
	p, err := StartConnectProxy(ProxyOptions{Resolve: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	conn := labtest.Dial(t, p.Addr())
	labtest.Equal(t, "target", connectTo(t, conn, "no.example:1", ""), 502)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != 405 {
		t.Errorf("GET: %v, %v", resp, err)
	}
}
