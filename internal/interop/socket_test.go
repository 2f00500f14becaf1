//go:build linux

package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/socket"
)

// served starts a server of ours for other programs, and returns its host and
// port.
func served(t *testing.T, text string, o *socket.ListenOptions) (host, port string) {
	t.Helper()
	s, err := socket.Listen(t.Context(), labtest.URL(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	host, port, _ = net.SplitHostPort(s.Addr().String()) // a UNIX socket has neither
	return host, port
}

// program runs a program with an input, and returns its output.
func program(t *testing.T, in []byte, name string, args ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, requireProgram(t, name), args...)
	cmd.Stdin = bytes.NewReader(in)
	return cmd.Output()
}

// openBSDNetcat returns OpenBSD's nc: other programs of that name support neither
// -N nor -U.
func openBSDNetcat(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"nc.openbsd", "nc"} {
		usage, _ := exec.Command(name, "-h").CombinedOutput() // it exits with 1, and prints its origin
		if bytes.Contains(usage, []byte("OpenBSD")) {
			return name
		}
	}
	absent(t, "OpenBSD's nc is not installed; run: internal/interop/servers.sh install")
	return ""
}

// TestSocketPeers: other programs send to our echo server and receive everything
// back.
func TestSocketPeers(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	path := filepath.Join(t.TempDir(), "socket")
	host, port := served(t, "tcp://127.0.0.1:0", &socket.ListenOptions{Echo: true})
	served(t, "unix:"+path, &socket.ListenOptions{Echo: true})
	served(t, "unix:@netclients-interop", &socket.ListenOptions{Echo: true})
	for name, argv := range map[string][]string{
		"nc": {"", "-N", host, port}, "nc unix": {"", "-N", "-U", path},
		"ncat": {"ncat", host, port}, "ncat unix": {"ncat", "-U", path},
		"socat": {"socat", "-t", "10", "-", "TCP:" + host + ":" + port}, "socat unix": {"socat", "-t", "10", "-", "UNIX-CONNECT:" + path},
		"socat abstract": {"socat", "-t", "10", "-", "ABSTRACT-CONNECT:netclients-interop"},
	} {
		t.Run(name, func(t *testing.T) {
			if argv[0] == "" {
				argv[0] = openBSDNetcat(t)
			}
			if out, err := program(t, data, argv[0], argv[1:]...); err != nil || !bytes.Equal(out, data) {
				t.Errorf("%d bytes of %d, %v", len(out), len(data), err)
			}
		})
	}
}

// TestTLSPeers: other programs' TLS with our server, which uses a new
// certificate.
func TestTLSPeers(t *testing.T) {
	cert, err := socket.SelfSigned("localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1<<14)
	_, port := served(t, "tls://127.0.0.1:0", &socket.ListenOptions{
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}},
		Handle: func(_ context.Context, p *socket.Peer) error {
			_, err := io.CopyN(p, p, int64(len(data)))
			p.SetReadDeadline(time.Now().Add(time.Second)) // the peer's close_notify must not turn the end into a reset
			io.Copy(io.Discard, p)
			return err
		},
	})
	for name, args := range map[string][]string{
		"ncat":    {"--ssl", "127.0.0.1", port},
		"socat":   {"-t", "10", "-", "OPENSSL:127.0.0.1:" + port + ",verify=0"},
		"openssl": {"s_client", "-quiet", "-connect", "127.0.0.1:" + port},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := program(t, data, name, args...); !bytes.Equal(out, data) {
				t.Errorf("%d bytes of %d, %v", len(out), len(data), err)
			}
		})
	}
}

// freePort returns an unused port, for a program that cannot choose one.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// background starts a program, and stops it when the test ends.
func background(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(requireProgram(t, name), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // socat has children
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); cmd.Wait() })
}

// connected connects to a program that may not be listening yet.
func connected(t *testing.T, text string, set socket.Settings, o *protocols.Options) *socket.Conn {
	t.Helper()
	c, err := socket.New(labtest.URL(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	c.Settings = set
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := c.Connect(t.Context())
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		if protocols.KindOf(err) != protocols.KindConnect || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestSocketServers: our client with other programs' echo servers.
func TestSocketServers(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1<<10) // with more, ncat and its command deadlock
	path, port, tlsPort, socatPort := filepath.Join(t.TempDir(), "socket"), freePort(t), freePort(t), freePort(t)
	for name, c := range map[string]struct {
		url  string
		argv []string
	}{
		"ncat":           {"tcp://127.0.0.1:" + port, []string{"ncat", "-l", "127.0.0.1", port, "--exec", "/bin/cat"}},
		"ncat TLS":       {"tls://127.0.0.1:" + tlsPort, []string{"ncat", "-l", "--ssl", "127.0.0.1", tlsPort, "--exec", "/bin/cat"}},
		"socat":          {"tcp://127.0.0.1:" + socatPort, []string{"socat", "TCP-LISTEN:" + socatPort + ",bind=127.0.0.1", "EXEC:cat"}},
		"socat unix":     {"unix:" + path, []string{"socat", "UNIX-LISTEN:" + path, "EXEC:cat"}},
		"socat abstract": {"unix:@netclients-interop-2", []string{"socat", "ABSTRACT-LISTEN:netclients-interop-2", "EXEC:cat"}},
	} {
		t.Run(name, func(t *testing.T) {
			background(t, c.argv[0], c.argv[1:]...)
			conn := connected(t, c.url, socket.Settings{}, &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{InsecureSkipVerify: true}}})
			out := make([]byte, len(data))
			conn.Write(data)
			if n, err := io.ReadFull(conn, out); err != nil || !bytes.Equal(out, data) {
				t.Errorf("%d bytes of %d, %v", n, len(data), err)
			}
		})
	}
}

// datagramEcho starts a program that sends datagrams back, once for each port that
// another process was faster to take, and returns a connection on which it has
// answered.
func datagramEcho(t *testing.T, start func(port string), open func(port string) (datagrams, error)) datagrams {
	t.Helper()
	var last error
	for range 5 {
		port := freeUDPPort(t)
		start(port)
		conn, err := open(port)
		if err != nil {
			t.Fatal(err)
		}
		if last = echoes(conn); last == nil {
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		conn.Close()
	}
	t.Fatal(last)
	return nil
}

type datagrams interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
}

// echoes waits until a datagram comes back: the program may still be starting.
func echoes(conn datagrams) error {
	buf := make([]byte, 100)
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		conn.Write([]byte("hello"))
		conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		var n int
		if n, err = conn.Read(buf); err == nil && string(buf[:n]) == "hello" {
			return nil
		}
		if errors.Is(err, syscall.ECONNREFUSED) { // reported at once, while the program starts
			time.Sleep(100 * time.Millisecond)
		}
	}
	return fmt.Errorf("no datagram came back: %w", err)
}

// freeUDPPort returns a port that no other program listens on for datagrams.
func freeUDPPort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	return port
}

// TestDatagramServers: datagrams to socat, over UDP and UNIX sockets, and back.
func TestDatagramServers(t *testing.T) {
	t.Run("udp", func(t *testing.T) {
		datagramEcho(t, func(port string) {
			background(t, "socat", "UDP-RECVFROM:"+port+",bind=127.0.0.1,fork", "EXEC:cat")
		}, func(port string) (datagrams, error) {
			d, err := socket.NewDatagram(labtest.URL(t, "udp://127.0.0.1:"+port), nil)
			if err != nil {
				return nil, err
			}
			return d.Connect(t.Context())
		})
	})
	t.Run("unix", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "socket")
		background(t, "socat", "UNIX-RECVFROM:"+path+",fork", "EXEC:cat")
		if err := echoes(connected(t, "unix:"+path, socket.Settings{Type: "datagram"}, nil)); err != nil {
			t.Error(err)
		}
	})
}

// TestStartTLSServers: the upgrade of each protocol with its real servers, and
// the refusal of one without TLS.
func TestStartTLSServers(t *testing.T) {
	addrs := Require(t, "SMTP", "SUBMISSION", "LMTP", "IMAP", "POP3", "FTP", "FTP_PRO", "NNTP", "NNTP_FEED")
	pool := Pool(t)
	for service, name := range map[string]string{
		"SMTP": "smtp", "SUBMISSION": "smtp", "LMTP": "lmtp", "IMAP": "imap", "POP3": "pop3", "FTP": "ftp", "FTP_PRO": "ftp", "NNTP": "nntp",
	} {
		c, err := socket.New(labtest.URL(t, "tcp://"+addrs[service]), &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: pool}}})
		if err != nil {
			t.Fatal(err)
		}
		c.Settings.StartTLS = name
		if r, err := c.Probe(t.Context()); err != nil || r.TLSVersion == "" || r.CertNotAfter.IsZero() {
			t.Errorf("%s: %+v, %v", service, r, err)
		}
	}
	c, err := socket.New(labtest.URL(t, "tcp://"+addrs["NNTP_FEED"]), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Settings.StartTLS = "nntp"
	if _, err := c.Probe(t.Context()); protocols.KindOf(err) != protocols.KindTLS {
		t.Errorf("a server without TLS: %v", err)
	}
}
