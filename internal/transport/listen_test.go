package transport

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

func TestListenTakesOnlyThePeer(t *testing.T) {
	host, port := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	d := dialer(nil)
	ctl := connect(t, d, host, port)
	l, err := d.Listen(ctl, ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if l.Addr().Addr().String() != "127.0.0.1" {
		t.Errorf("listens on %v", l.Addr())
	}
	stranger := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	s, err := stranger.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	data, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	if data.RemoteAddr().String() != server.LocalAddr().String() {
		t.Errorf("took %v", data.RemoteAddr())
	}
	if _, err := s.Read(make([]byte, 1)); err == nil {
		t.Error("the connection from another host is still open")
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

func TestListenEnds(t *testing.T) {
	host, port := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	d := dialer(&protocols.Options{ConnectTimeout: 50 * time.Millisecond})
	ctl := connect(t, d, host, port)
	l, err := d.Listen(ctl, ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Accept(t.Context())
	wantKind(t, err, protocols.KindTimeout)
	l, err = d.Listen(ctl, ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.Accept(ctx)
	wantKind(t, err, protocols.KindInterrupted)
}

func TestListenRange(t *testing.T) {
	host, port := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	d := dialer(nil)
	ctl := connect(t, d, host, port)
	busy, err := d.Listen(ctl, ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	n := int(busy.Addr().Port())
	_, err = d.Listen(ctl, ListenOptions{PortMin: n, PortMax: n})
	wantKind(t, err, protocols.KindConnect)
	for _, bad := range []ListenOptions{{5, 4}, {1, 70000}, {-1, 4}} {
		_, err := d.Listen(ctl, bad)
		wantKind(t, err, protocols.KindUsage)
	}
	pipes, _ := dialPipe(t, protocols.Options{})
	_, err = pipes.d.Listen(pipes, ListenOptions{})
	wantKind(t, err, protocols.KindUsage)
}

func TestDialPeer(t *testing.T) {
	host, port := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	_, dataPort := serve(t, func(c net.Conn) { io.WriteString(c, "data") })
	d := dialer(&protocols.Options{Resolve: map[string]string{"server.test:" + port: host}})
	ctl := connect(t, d, "server.test", port)
	n, _ := net.LookupPort("tcp", dataPort)
	c, err := d.DialPeer(t.Context(), ctl, n)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, _ := io.ReadAll(c); string(got) != "data" {
		t.Errorf("%q", got)
	}
	for _, bad := range []int{0, -1, 65536} {
		_, err := d.DialPeer(t.Context(), ctl, bad)
		wantKind(t, err, protocols.KindProtocol)
	}
}
