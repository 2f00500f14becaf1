//go:build linux

package socket

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/urgent"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/socklab"
)

// option reads an option back.
func option(t *testing.T, c syscall.Conn, level, name int) (value int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) })
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestOptionsAreSet: what was asked for is what the kernel has, at both ends.
func TestOptionsAreSet(t *testing.T) {
	raw, err := ParseRawOption("tcp:USER_TIMEOUT=5000")
	if err != nil {
		t.Fatal(err)
	}
	set := Sockopts{KeepAlive: 7 * time.Second, Delay: true, Linger: 3 * time.Second, TTL: 9, TOS: 16, SendBuf: 50_000, RecvBuf: 60_000, Raw: []RawOption{raw}}
	check := func(who string, c syscall.Conn) {
		for name, want := range map[string][3]int{
			"keep-alive": {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1}, "idle": {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 7}, "interval": {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 7},
			"no delay": {unix.IPPROTO_TCP, unix.TCP_NODELAY, 0}, "TTL": {unix.IPPROTO_IP, unix.IP_TTL, 9}, "TOS": {unix.IPPROTO_IP, unix.IP_TOS, 16},
			"send buffer": {unix.SOL_SOCKET, unix.SO_SNDBUF, 100_000}, "receive buffer": {unix.SOL_SOCKET, unix.SO_RCVBUF, 120_000}, // the kernel doubles them
			"user timeout": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 5000},
		} {
			if got := option(t, c, want[0], want[1]); got != want[2] {
				t.Errorf("%s: %s is %d, want %d", who, name, got, want[2])
			}
		}
	}
	checked := make(chan struct{})
	to := serve(t, "tcp://127.0.0.1:0", &ListenOptions{Sockopts: set, Handle: func(_ context.Context, p *Peer) error {
		check("server", p.Conn.(*net.TCPConn))
		close(checked)
		return nil
	}})
	c := labtest.Open(t, New, to, nil)
	c.Settings.Sockopts = set
	conn, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	check("client", conn)
	<-checked
	d, err := NewDatagram(labtest.URL(t, labtest.Start(t, socklab.Start, socklab.Options{Network: "udp"}).URL()), nil)
	if err != nil {
		t.Fatal(err)
	}
	d.Settings.Sockopts = Sockopts{TTL: 5}
	packets, err := d.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	if got := option(t, packets.conn, unix.IPPROTO_IP, unix.IP_TTL); got != 5 {
		t.Errorf("TTL of datagrams: %d", got)
	}
	d.Settings.Sockopts = Sockopts{Linger: time.Second}
	packets.Close()
	if _, err := d.Connect(t.Context()); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("linger of datagrams: %v", err)
	}
}

// TestListenersOptions: a port for several listeners, and one for IPv6 alone
// beside one for IPv4.
func TestListenersOptions(t *testing.T) {
	first, err := Listen(t.Context(), labtest.URL(t, "tcp://127.0.0.1:0"), &ListenOptions{Sockopts: Sockopts{ReusePort: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	again := labtest.URL(t, "tcp://"+first.Addr().String())
	second, err := Listen(t.Context(), again, &ListenOptions{Sockopts: Sockopts{ReusePort: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if third, err := Listen(t.Context(), again, nil); protocols.KindOf(err) != protocols.KindConnect {
		t.Errorf("without the option: %v, %v", third, err)
	}
	p, err := ListenPackets(t.Context(), labtest.URL(t, "udp://127.0.0.1:0"), &PacketOptions{Sockopts: Sockopts{ReusePort: true, TTL: 4}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := option(t, p.conn.(*net.UDPConn), unix.IPPROTO_IP, unix.IP_TTL); got != 4 {
		t.Errorf("TTL %d", got)
	}
	q, err := ListenPackets(t.Context(), labtest.URL(t, "udp://"+p.Addr().String()), &PacketOptions{Sockopts: Sockopts{ReusePort: true}})
	if err != nil {
		t.Errorf("second: %v", err)
	} else {
		q.Close()
	}
	six, err := Listen(t.Context(), labtest.URL(t, "tcp://[::]:0"), &ListenOptions{Family: 6})
	if err != nil {
		t.Skip("this machine has no IPv6: " + err.Error())
	}
	defer six.Close()
	if got := option(t, six.ln.(*net.TCPListener), unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); got != 1 {
		t.Errorf("IPv6 alone: %d", got)
	}
	both, err := Listen(t.Context(), labtest.URL(t, "tcp://:0"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer both.Close()
	if got := option(t, both.ln.(*net.TCPListener), unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); got != 0 {
		t.Errorf("both: %d", got)
	}
}

func TestParseRawOption(t *testing.T) {
	for in, want := range map[string]RawOption{
		"socket:SO_PRIORITY=6": {unix.SOL_SOCKET, unix.SO_PRIORITY, 6, ""}, "Socket:mark=1": {unix.SOL_SOCKET, unix.SO_MARK, 1, ""},
		"tcp:CONGESTION=reno": {unix.IPPROTO_TCP, unix.TCP_CONGESTION, 0, "reno"}, "6:18=-1": {6, 18, -1, ""}, "ipv6:v6only=1": {unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1, ""},
	} {
		if got, err := ParseRawOption(in); got != want || err != nil {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "tcp", "tcp:CORK", "CORK=1", "sctp:X=1", "tcp:NONSENSE=1", "x:1=2"} {
		if got, err := ParseRawOption(in); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: got %+v, %v", in, got, err)
		}
	}
	c := labtest.Open(t, New, serve(t, "tcp://127.0.0.1:0", &ListenOptions{Echo: true}), nil)
	c.Settings.Sockopts.Raw = []RawOption{{Level: unix.IPPROTO_TCP, Name: 9999, Value: 1}}
	if _, err := c.Connect(t.Context()); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("an option that the kernel does not know: %v", err)
	}
}

// TestUrgent: urgent data arrives in the stream of a peer that wants it there.
func TestUrgent(t *testing.T) {
	got := make(chan string, 1)
	to := serve(t, "tcp://127.0.0.1:0", &ListenOptions{Handle: func(_ context.Context, p *Peer) error {
		urgent.Inline(p.Conn.(*net.TCPConn))
		io.WriteString(p, "ready")
		b, err := io.ReadAll(p)
		got <- string(b)
		return err
	}})
	conn, err := labtest.Open(t, New, to, nil).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.ReadFull(conn, make([]byte, 5))
	io.WriteString(conn, "plain ")
	if err := conn.SendUrgent([]byte("urgent")); err != nil {
		t.Fatal(err)
	}
	conn.CloseWrite()
	if s := <-got; s != "plain urgent" {
		t.Errorf("got %q", s)
	}
	other, err := labtest.Open(t, New, serve(t, "unix:@netclients-urgent", &ListenOptions{Echo: true}), nil).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.SendUrgent([]byte("x")); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("over a UNIX socket: %v", err)
	}
}

// TestProbeGreeting: a banner is told, and silence is not a failure.
func TestProbeGreeting(t *testing.T) {
	for name, c := range map[string]struct {
		o    ListenOptions
		want string
	}{
		"greeting": {ListenOptions{Greet: "220 mail ready\r\nmore"}, "220 mail ready"},
		"silence":  {ListenOptions{Echo: true}, ""},
		"the end":  {ListenOptions{}, ""},
	} {
		r, err := labtest.Open(t, New, serve(t, "tcp://127.0.0.1:0", &c.o), nil).Probe(t.Context())
		if err != nil || !r.Up || r.Banner != c.want || (r.Greeting > 0) != (c.want != "") {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	a, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	to := strings.Replace(serve(t, "tls://localhost:0", &ListenOptions{Greet: "hi\n", TLS: a.ServerConfig()}), "127.0.0.1", "localhost", 1)
	r, err := labtest.Open(t, New, to, &protocols.Options{TLS: protocols.TLS{Config: a.ClientConfig()}}).Probe(t.Context())
	if err != nil || r.Banner != "hi" || r.TLSVersion != "TLS 1.3" || r.CertNotAfter.IsZero() || r.TLS == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := labtest.Open(t, New, to, nil).Probe(t.Context()); protocols.KindOf(err) != protocols.KindTLS || r.Up || r.Phase != "tls" {
		t.Errorf("unknown certificate: %+v, %v", r, err)
	}
}

// TestIdleConnectionsAreSmall: a connection that says nothing holds no buffer.
func TestIdleConnectionsAreSmall(t *testing.T) {
	const many = 1000
	to := strings.TrimPrefix(serve(t, "tcp://127.0.0.1:0", &ListenOptions{Echo: true}), "tcp://")
	used := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before := used()
	conns := make([]net.Conn, 0, many)
	for range many {
		c, err := net.Dial("tcp", to)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	line, buf := []byte("hello\n"), make([]byte, 6)
	for _, c := range conns { // each was served once
		c.Write(line)
		if _, err := io.ReadFull(c, buf); err != nil || !bytes.Equal(buf, line) {
			t.Fatalf("%q, %v", buf, err)
		}
	}
	if each := (used() - before) / many; each > 24<<10 {
		t.Errorf("%d bytes a connection, of both ends", each)
	}
}

// TestNoProxyForDatagrams: datagrams do not go around a proxy that was set, and
// the error says what to do.
func TestNoProxyForDatagrams(t *testing.T) {
	t.Setenv("all_proxy", "socks5://127.0.0.1:1")
	d, err := NewDatagram(labtest.URL(t, labtest.Start(t, socklab.Start, socklab.Options{Network: "udp"}).URL()), &protocols.Options{Proxy: transport.EnvProxy(nil)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Connect(t.Context()); protocols.KindOf(err) != protocols.KindUsage || !strings.Contains(err.Error(), "no_proxy") {
		t.Errorf("got %v", err)
	}
	t.Setenv("no_proxy", "127.0.0.1")
	conn, err := d.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
