package socket

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/socklab"
)

// serve starts a server and returns its URL.
func serve(t testing.TB, text string, o *ListenOptions) string {
	t.Helper()
	u := labtest.URL(t, text)
	s, err := Listen(t.Context(), u, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	if u.Scheme == "unix" {
		return text
	}
	return u.Scheme + "://" + s.Addr().String()
}

func TestHostForms(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "example.org": "example.org", "127.0.0.1": "127.0.0.1", "::1": "::1", "fe80::1%lo": "fe80::1%lo",
		"<broadcast>": "255.255.255.255", "<Broadcast>": "255.255.255.255",
		"2130706433": "127.0.0.1", "0x7f000001": "127.0.0.1", "127.1": "127.0.0.1", "0177.0.0.1": "127.0.0.1", "10.0x100": "10.0.1.0",
		"256.1.1.1": "256.1.1.1", "1.2.3.4.5": "1.2.3.4.5", "4294967296": "4294967296", "1_0": "1_0", "0b1": "0b1", "1.": "1.", "12a": "12a",
	} {
		if got := Host(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestUnixForms(t *testing.T) {
	for in, want := range map[string]string{
		"unix:///run/x.sock": "/run/x.sock", "unix:/run/x.sock": "/run/x.sock", "unix:rel/x.sock": "rel/x.sock",
		"unix:@name": "@name", "unix://@name": "@name", "unix://./x.sock": "./x.sock", "unix:///a%20b": "/a b",
	} {
		if got, err := unixPath(labtest.URL(t, in)); got != want || err != nil {
			t.Errorf("%s: got %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"unix://alice@host/x", "unix:///" + strings.Repeat("x", 200)} {
		if got, err := unixPath(labtest.URL(t, in)); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: got %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"tcp://h:1/path", "tcp://user@h:1", "udp://h:1?x"} {
		if _, err := noPath(labtest.URL(t, in)); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: got %v", in, err)
		}
	}
}

// TestJoin: what goes in comes out, for each kind of stream, from a file, a pipe
// and memory, and the end is passed on.
func TestJoin(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	inputs := map[string]func(t *testing.T) io.Reader{
		"memory": func(*testing.T) io.Reader { return bytes.NewReader(data) },
		"file": func(t *testing.T) io.Reader {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			return f
		},
		"pipe": func(t *testing.T) io.Reader {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close() })
			go func() { w.Write(data); w.Close() }()
			return r
		},
	}
	for _, at := range []string{"tcp://127.0.0.1:0", "tls://localhost:0", "unix:@netclients-join"} {
		cert, err := SelfSigned("localhost", "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		o := &ListenOptions{Echo: true}
		if strings.HasPrefix(at, "tls") {
			o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		}
		to := serve(t, at, o)
		pool := x509.NewCertPool()
		pool.AddCert(cert.Leaf)
		for name, input := range inputs {
			c := labtest.Open(t, New, to, &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: pool}}, Stats: new(protocols.Stats)})
			conn, err := c.Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			err = conn.Join(t.Context(), input(t), &out, &JoinOptions{HalfClose: true})
			conn.Close()
			if err != nil || !bytes.Equal(out.Bytes(), data) {
				t.Errorf("%s from %s: %d bytes of %d, %v", at, name, out.Len(), len(data), err)
			}
			if n := c.opts.Stats.Written.Load(); n != int64(len(data)) {
				t.Errorf("%s from %s: %d bytes counted", at, name, n)
			}
		}
	}
}

// TestJoinTellsLostBytes: a peer that goes away while there is more to send is
// an error, not a success.
func TestJoinTellsLostBytes(t *testing.T) {
	to := serve(t, "tcp://127.0.0.1:0", &ListenOptions{Handle: func(_ context.Context, p *Peer) error {
		io.ReadFull(p, make([]byte, 1000))
		return nil
	}})
	conn, err := labtest.Open(t, New, to, nil).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Join(t.Context(), io.LimitReader(endless{}, 64<<20), io.Discard, nil)
	if protocols.KindOf(err) != protocols.KindConnect {
		t.Errorf("got %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestIdle(t *testing.T) {
	to := serve(t, "tcp://127.0.0.1:0", &ListenOptions{Echo: true})
	conn, err := labtest.Open(t, New, to, &protocols.Options{IdleTimeout: -1, Stats: new(protocols.Stats)}).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r, w := io.Pipe()
	defer w.Close()
	if err := conn.Join(t.Context(), r, io.Discard, &JoinOptions{Idle: 50 * time.Millisecond}); protocols.KindOf(err) != protocols.KindTimeout {
		t.Errorf("got %v", err)
	}
}

func TestGreetAndGet(t *testing.T) {
	to := serve(t, "tcp://127.0.0.1:0", &ListenOptions{Greet: "Thank you for connecting"})
	c := labtest.Open(t, New, to, nil)
	for range 2 {
		o, err := c.Get(t.Context(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Get(t.Context(), "", nil); !errors.Is(err, protocols.ErrBusy) {
			t.Errorf("second: %v", err)
		}
		b, err := io.ReadAll(o.Body)
		o.Body.Close()
		if string(b) != "Thank you for connecting" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	}
	if r, err := c.Probe(t.Context()); err != nil || !r.Up || r.Address == "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestOnceAndMaxConns(t *testing.T) {
	var open, most atomicMax
	to := serve(t, "tcp://127.0.0.1:0", &ListenOptions{MaxConns: 2, Handle: func(_ context.Context, p *Peer) error {
		most.max(open.add(1))
		defer open.add(-1)
		_, err := io.Copy(p, p)
		return err
	}})
	done := make(chan error)
	for range 6 {
		go func() { done <- exchange(to, "hello") }()
	}
	for range 6 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := most.add(0); n > 2 {
		t.Errorf("%d at the same time", n)
	}
	s, err := Listen(t.Context(), labtest.URL(t, "tcp://127.0.0.1:0"), &ListenOptions{Greet: "x", Once: true})
	if err != nil {
		t.Fatal(err)
	}
	go exchange("tcp://"+s.Addr().String(), "")
	if err := s.Serve(t.Context()); err != nil {
		t.Errorf("once: %v", err)
	}
}

// exchange sends a text and wants it back.
func exchange(to, text string) error {
	conn, err := net.Dial("tcp", strings.TrimPrefix(to, "tcp://"))
	if err != nil {
		return err
	}
	defer conn.Close()
	io.WriteString(conn, text)
	conn.(*net.TCPConn).CloseWrite()
	b, err := io.ReadAll(conn)
	if err == nil && string(b) != text && text != "" {
		err = errors.New("got " + string(b))
	}
	return err
}

func TestDo(t *testing.T) {
	c := labtest.Open(t, New, labtest.Start(t, socklab.Start, socklab.Options{}).URL(), nil)
	for _, cmd := range []string{"one", "two words"} {
		if r, err := c.Do(t.Context(), cmd); err != nil || r.Text() != cmd {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if _, err := c.Do(t.Context(), "a\r\nb"); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("got %v", err)
	}
}

func TestServices(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		addr := ""
		if network == "unix" {
			addr = filepath.Join(t.TempDir(), "s")
		}
		s := labtest.Start(t, socklab.Start, socklab.Options{ServerOptions: lab.ServerOptions{Addr: addr}, Service: socklab.Chargen, Network: network, Limit: 300_000})
		o, err := labtest.Open(t, New, s.URL(), nil).Get(t.Context(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, o.Body); n != 300_000 || err != nil {
			t.Errorf("%s: %d bytes, %v", network, n, err)
		}
		o.Body.Close()
	}
}

// TestDatagrams: a connected socket sees its peer only; broadcast and multicast
// go out; UNIX datagrams get answers.
func TestDatagrams(t *testing.T) {
	s := labtest.Start(t, socklab.Start, socklab.Options{Network: "udp"})
	c, err := NewDatagram(labtest.URL(t, s.URL()), nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stranger, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if _, err := stranger.WriteTo([]byte("forged"), conn.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat([]byte("x"), MaxDatagram)
	for _, data := range [][]byte{[]byte("hello"), big} {
		conn.Write(data)
		buf := make([]byte, 64<<10)
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := conn.Read(buf); !bytes.Equal(buf[:n], data) {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	if _, err := conn.Write(append(big, 'x')); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("too big: %v", err)
	}
	if r, err := c.Probe(t.Context()); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestUnixDatagrams(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d")
	p, err := ListenPackets(t.Context(), labtest.URL(t, "unix:"+path), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := labtest.Open(t, New, "unix:"+path, nil)
	c.Settings.Type = "datagram"
	conn, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "ping")
	buf := make([]byte, 100)
	n, from, err := p.Receive(t.Context(), buf)
	if string(buf[:n]) != "ping" || from == nil || err != nil {
		t.Fatalf("%q from %v, %v", buf[:n], from, err)
	}
	if err := p.SendTo([]byte("pong"), from); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(buf); string(buf[:n]) != "pong" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	p.Close()
	p.Close()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file is left: %v", err)
	}
}

func TestMulticast(t *testing.T) {
	p, err := ListenPackets(t.Context(), labtest.URL(t, "udp://:0"), &PacketOptions{Join: []string{"239.1.2.3"}, Interface: "lo", Family: 4})
	if err != nil {
		t.Skip("this machine has no multicast on lo: " + err.Error())
	}
	defer p.Close()
	out, err := ListenPackets(t.Context(), labtest.URL(t, "udp://127.0.0.1:0"), &PacketOptions{Interface: "lo", Hops: 1, Family: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	to := &net.UDPAddr{IP: net.IPv4(239, 1, 2, 3), Port: p.Addr().(*net.UDPAddr).Port}
	if err := out.SendTo([]byte("to all"), to); err != nil {
		t.Skip("this machine sends no multicast: " + err.Error())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	buf := make([]byte, 100)
	if n, _, err := p.Receive(ctx, buf); string(buf[:n]) != "to all" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if _, err := ListenPackets(t.Context(), labtest.URL(t, "udp://:0"), &PacketOptions{Join: []string{"10.0.0.1"}}); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("no group: %v", err)
	}
}

func TestErrors(t *testing.T) {
	for text, kind := range map[string]protocols.Kind{
		"tcp://127.0.0.1:1": protocols.KindConnect, "tcp://127.0.0.1": protocols.KindUsage, "tcp://:9": protocols.KindUsage,
		"unix:/no/such/socket": protocols.KindConnect, "tls://127.0.0.1:1": protocols.KindConnect,
	} {
		_, err := labtest.Open(t, New, text, nil).Connect(t.Context())
		if protocols.KindOf(err) != kind {
			t.Errorf("%s: %v", text, err)
		}
	}
	c := labtest.Open(t, New, "tcp://127.0.0.1:1", nil)
	c.Close()
	c.Close()
	if _, err := Listen(t.Context(), labtest.URL(t, "tls://127.0.0.1:0"), nil); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("no certificate: %v", err)
	}
}

// TestServerIdle: a server cuts a connection on which nothing moves, and only that:
// one direction is enough, and a peer that has ended its own counts as well.
func TestServerIdle(t *testing.T) {
	const idle = 300 * time.Millisecond
	closed := make(chan error, 1)
	stream := func(ctx context.Context, p *Peer) error {
		for range 6 {
			if _, err := p.Write([]byte("x")); err != nil {
				return err
			}
			time.Sleep(idle / 3)
		}
		return nil
	}
	silent := func(ctx context.Context, p *Peer) error { <-ctx.Done(); return ctx.Err() }
	listening := func(ctx context.Context, p *Peer) error { _, err := io.Copy(io.Discard, p); return err }
	for _, c := range []struct {
		name   string
		handle func(context.Context, *Peer) error
		kind   protocols.Kind
		said   string
	}{
		{"one direction moves", func(ctx context.Context, p *Peer) error { go p.Read(make([]byte, 1)); return stream(ctx, p) }, 0, "xxxxxx"},
		{"nothing moves", listening, protocols.KindTimeout, ""},
		{"a handler that waits", silent, protocols.KindTimeout, ""},
	} {
		to := serve(t, "tcp://127.0.0.1:0", &ListenOptions{Handle: c.handle, Idle: idle, Closed: func(_ *Peer, err error) { closed <- err }})
		conn, err := net.Dial("tcp", strings.TrimPrefix(to, "tcp://"))
		if err != nil {
			t.Fatal(err)
		}
		said, _ := io.ReadAll(conn)
		conn.Close()
		if err := <-closed; string(said) != c.said || (c.kind == 0) != (err == nil) || err != nil && protocols.KindOf(err) != c.kind {
			t.Errorf("%s: %q, %v", c.name, said, err)
		}
	}
}

// TestSendFile sends parts of a file, and leaves the file after them.
func TestSendFile(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 300_000
	content := bytes.Repeat([]byte("0123456789"), size/10)
	f.Write(content)
	for _, c := range []struct{ offset, count, want int64 }{{0, 0, size}, {7, 0, size - 7}, {5, 100_000, 100_000}, {size - 3, 10, 3}, {size + 5, 0, 0}} {
		got := make(chan []byte, 1)
		to := serve(t, "tcp://127.0.0.1:0", &ListenOptions{Handle: func(_ context.Context, p *Peer) error {
			all, err := io.ReadAll(p)
			got <- all
			return err
		}})
		conn, err := labtest.Open(t, New, to, nil).Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n, err := conn.SendFile(f, c.offset, c.count)
		conn.Close()
		at, _ := f.Seek(0, io.SeekCurrent)
		if n != c.want || at != c.offset+n || err != nil {
			t.Errorf("%+v: sent %d, file at %d, %v", c, n, at, err)
		}
		if all := <-got; !bytes.Equal(all, content[min(c.offset, size):min(c.offset, size)+c.want]) {
			t.Errorf("%+v: %d bytes came", c, len(all))
		}
		if _, err := conn.SendFile(f, -1, 0); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("offset -1: %v", err)
		}
		if _, err := conn.SendFile(f, 0, 10); err == nil {
			t.Error("sent on a closed connection")
		}
	}
}
