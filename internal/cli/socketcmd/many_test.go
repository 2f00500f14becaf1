package socketcmd

import (
	"context"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

// serving starts a server of TCP and returns its address.
func serving(t *testing.T, o *socket.ListenOptions) (addr string, done <-chan error, stop context.CancelCauseFunc) {
	t.Helper()
	s, err := socket.Listen(t.Context(), &url.URL{Scheme: "tcp", Host: "127.0.0.1:0"}, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() { cancel(nil); s.Close() })
	return s.Addr().String(), ended, cancel
}

func dialled(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

func hears(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	buf := make([]byte, len(want))
	if _, err := io.ReadFull(conn, buf); err != nil || string(buf) != want {
		t.Errorf("%q, %v; want %q", buf, err, want)
	}
}

// TestBroker: what one sends all others get, and one that does not read stops nobody.
func TestBroker(t *testing.T) {
	joined := make(chan struct{}, 10)
	addr, _, _ := serving(t, &socket.ListenOptions{
		Handle: (&broker{peers: map[*socket.Peer]chan []byte{}}).serve, Opened: func(*socket.Peer) { joined <- struct{}{} },
	})
	a, b, deaf := dialled(t, addr), dialled(t, addr), dialled(t, addr)
	for range 3 {
		<-joined
	}
	time.Sleep(100 * time.Millisecond) // a peer that has just come may miss what is said
	io.WriteString(a, "from a")
	io.WriteString(b, "from b")
	hears(t, a, "from b")
	hears(t, b, "from a")
	deaf.(*net.TCPConn).SetReadBuffer(4 << 10)
	const much = 32 << 20 // more than all buffers and the queue hold
	go func() {
		piece := []byte(strings.Repeat("x", 1<<20))
		for range much / len(piece) {
			a.Write(piece)
			time.Sleep(time.Millisecond)
		}
	}()
	if n, err := io.CopyN(io.Discard, b, much); err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestAppend: the lines of many peers stay whole, and a file that takes no more ends the
// server.
func TestAppend(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	a, err := openAppender(name, cancel)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{}, 10)
	addr, _, _ := serving(t, &socket.ListenOptions{Handle: a.serve, Closed: func(*socket.Peer, error) { ended <- struct{}{} }})
	one, two := dialled(t, addr), dialled(t, addr)
	io.WriteString(one, "one")
	io.WriteString(two, "two\n")
	time.Sleep(100 * time.Millisecond)
	io.WriteString(one, " more\nand no end")
	one.Close()
	two.Close()
	<-ended
	<-ended
	if b, err := os.ReadFile(name); err != nil || string(b) != "two\none more\nand no end" {
		t.Errorf("%q, %v", b, err)
	}
	a.f.Close()
	io.WriteString(dialled(t, addr), "lost\n")
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
	}
	if err := context.Cause(ctx); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("%v", err)
	}
}

// TestNetworks: who is taken, also as IPv4 in IPv6 and with a zone.
func TestNetworks(t *testing.T) {
	for _, c := range []struct {
		allow, deny string
		taken, not  string
	}{
		{"10.0.0.0/8", "10.1.0.0/16", "10.2.0.1 ::ffff:10.2.0.1", "10.1.0.1 192.0.2.1 ::1 ::ffff:10.1.0.1"},
		{"127.0.0.1 ::1", "", "127.0.0.1 ::1", "127.0.0.2"},
		{"", "fe80::/10", "192.0.2.1 2001:db8::1", "fe80::1%lo"},
		{"10.1.2.3/8", "", "10.9.9.9", "11.0.0.1"},
	} {
		n := &networks{allowed: strings.Fields(c.allow), denied: strings.Fields(c.deny)}
		takes, err := n.filter("tcp")
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]bool{c.taken: true, c.not: false} {
			for _, ip := range strings.Fields(text) {
				if got := takes(net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 9))); got != want {
					t.Errorf("%+v: %s: %v", c, ip, got)
				}
			}
		}
	}
	if _, err := (&networks{denied: []string{"example.org"}}).filter("tcp"); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("%v", err)
	}
	if _, err := (&networks{denied: []string{"::1"}}).filter("unix"); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("%v", err)
	}
	takes, _ := (&networks{denied: []string{"127.0.0.0/8"}}).filter("tcp")
	addr, _, _ := serving(t, &socket.ListenOptions{Greet: "hello", Takes: takes})
	if b, _ := io.ReadAll(dialled(t, addr)); len(b) > 0 {
		t.Errorf("a denied peer got %q", b)
	}
}
