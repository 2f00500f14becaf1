package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
)

// network fakes the system: the behaviour of each address, and what was dialed
// when.
type network struct {
	mu     sync.Mutex
	start  time.Time
	dialed []string
	at     []time.Duration
	does   map[string]func(context.Context) (net.Conn, error)
	closed int
}

type countedConn struct {
	net.Conn
	n *network
}

func (c countedConn) Close() error {
	c.n.mu.Lock()
	c.n.closed++
	c.n.mu.Unlock()
	return c.Conn.Close()
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, address)
	n.at = append(n.at, time.Since(n.start))
	do := n.does[address]
	n.mu.Unlock()
	return do(ctx)
}

func (n *network) answers(after time.Duration) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		time.Sleep(after)
		near, _ := net.Pipe()
		return countedConn{near, n}, nil
	}
}

func hangs(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func refuses(ctx context.Context) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// fakeDialer resolves every name to ips and dials with n.
func fakeDialer(o *protocols.Options, n *network, ips ...string) *Dialer {
	d := dialer(o)
	n.start = time.Now()
	d.dial = n.dial
	d.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		var out []netip.Addr
		for _, ip := range ips {
			out = append(out, netip.MustParseAddr(ip))
		}
		return out, nil
	}
	return d
}

func TestRace(t *testing.T) {
	const six, four, other = "[2001:db8::1]:21", "192.0.2.1:21", "[2001:db8::2]:21"
	ips := []string{"192.0.2.1", "2001:db8::1", "2001:db8::2"}
	cases := []struct {
		name         string
		six, four    func(*network) func(context.Context) (net.Conn, error)
		dialed       []string
		at           []time.Duration
		took         time.Duration
		closed       int // connections that lost the race
		wantFamily   int
		wantErr      string
		wantKind     protocols.Kind
		contextEnds  time.Duration
		allAddresses bool
	}{
		{name: "first wins", six: answersAfter(0), four: hang, dialed: []string{six}, at: []time.Duration{0}},
		{
			name: "second after the delay", six: hang, four: answersAfter(0), dialed: []string{six, four},
			at: []time.Duration{0, 250 * time.Millisecond}, took: 250 * time.Millisecond,
		},
		{name: "second at once after a refusal", six: refuse, four: answersAfter(0), dialed: []string{six, four}, at: []time.Duration{0, 0}},
		{
			name: "loser is closed", six: answersAfter(300 * time.Millisecond), four: answersAfter(60 * time.Millisecond),
			dialed: []string{six, four}, at: []time.Duration{0, 250 * time.Millisecond}, took: 310 * time.Millisecond, closed: 1,
		},
		{
			name: "all refuse", six: refuse, four: refuse, dialed: []string{six, four, other}, at: []time.Duration{0, 0, 0},
			wantErr: "connection refused by [2001:db8::1]:21; connection refused by 192.0.2.1:21", wantKind: protocols.KindConnect,
		},
		{
			name: "no answer", six: hang, four: hang, dialed: []string{six, four, other},
			at: []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond}, took: 15 * time.Second,
			wantErr: "connection to server.test:21 timed out after 15s", wantKind: protocols.KindTimeout,
		},
		{
			name: "cancelled", six: hang, four: hang, dialed: []string{six}, at: []time.Duration{0},
			contextEnds: 100 * time.Millisecond, took: 100 * time.Millisecond, wantErr: "interrupted", wantKind: protocols.KindInterrupted,
		},
		{name: "only IPv4", six: hang, four: answersAfter(0), dialed: []string{four}, at: []time.Duration{0}, wantFamily: 4},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{}
				n.does = map[string]func(context.Context) (net.Conn, error){six: c.six(n), four: c.four(n), other: refuses}
				if c.name == "no answer" {
					n.does[other] = hangs
				}
				d := fakeDialer(&protocols.Options{Family: c.wantFamily}, n, ips...)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.contextEnds > 0 {
					time.AfterFunc(c.contextEnds, cancel)
				}
				conn, err := d.Dial(ctx, "control", "tcp", "server.test", "21")
				if took := time.Since(n.start); c.name != "loser is closed" && took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				checkRace(t, n, conn, err, c.wantErr, c.wantKind)
				if !slices.Equal(n.dialed, c.dialed) || !slices.Equal(n.at, c.at) {
					t.Errorf("dialed %v at %v, want %v at %v", n.dialed, n.at, c.dialed, c.at)
				}
				if n.closed != c.closed {
					t.Errorf("%d late connections closed, want %d", n.closed, c.closed)
				}
			})
		})
	}
}

func checkRace(t *testing.T, n *network, conn *Conn, err error, wantErr string, kind protocols.Kind) {
	t.Helper()
	switch {
	case wantErr == "" && (err != nil || conn == nil):
		t.Errorf("error %v", err)
	case wantErr != "":
		if e := wantKind(t, err, kind); !strings.Contains(e.Error(), wantErr) {
			t.Errorf("error %q, want %q in it", e, wantErr)
		}
	}
}

func answersAfter(after time.Duration) func(*network) func(context.Context) (net.Conn, error) {
	return func(n *network) func(context.Context) (net.Conn, error) { return n.answers(after) }
}

func hang(*network) func(context.Context) (net.Conn, error) { return hangs }

func refuse(*network) func(context.Context) (net.Conn, error) { return refuses }

func TestInterleaveTakesTurns(t *testing.T) {
	var in []netip.Addr
	for _, s := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2"} {
		in = append(in, netip.MustParseAddr(s))
	}
	var got []string
	for _, ip := range interleave(in) {
		got = append(got, ip.String())
	}
	want := []string{"2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "192.0.2.3"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if n := len(interleave(make([]netip.Addr, 100))); n != maxAddresses {
		t.Errorf("%d addresses, want at most %d", n, maxAddresses)
	}
}

func TestResolveErrors(t *testing.T) {
	d := dialer(nil)
	dns := &net.DNSError{Err: "no such host", Name: "nowhere.test", IsNotFound: true}
	d.lookup = func(context.Context, string, string) ([]netip.Addr, error) { return nil, dns }
	_, err := d.Dial(t.Context(), "control", "tcp", "nowhere.test", "21")
	e := wantKind(t, err, protocols.KindConnect)
	if e.Error() != "cannot resolve nowhere.test: no such host" || e.Retryable || !errors.Is(err, dns) {
		t.Errorf("%q, retryable %v", e, e.Retryable)
	}
}

func TestMaps(t *testing.T) {
	cases := []struct {
		name       string
		o          protocols.Options
		host, want string
	}{
		{"resolve", protocols.Options{Resolve: map[string]string{"server.test:21": "192.0.2.7"}}, "server.test", "192.0.2.7:21"},
		{"resolve to IPv6", protocols.Options{Resolve: map[string]string{"server.test:21": "[2001:db8::7]"}}, "SERVER.test", "[2001:db8::7]:21"},
		{"resolve other port", protocols.Options{Resolve: map[string]string{"server.test:22": "192.0.2.7"}}, "server.test", "192.0.2.1:21"},
		{"resolve any host", protocols.Options{Resolve: map[string]string{"*:21": "192.0.2.7"}}, "server.test", "192.0.2.7:21"},
		{"connect-to", protocols.Options{ConnectTo: map[string]string{"server.test:21": "192.0.2.8:2121"}}, "server.test", "192.0.2.8:2121"},
		{"connect-to keeps port", protocols.Options{ConnectTo: map[string]string{"server.test:21": "192.0.2.8:"}}, "server.test", "192.0.2.8:21"},
		{"connect-to then resolve", protocols.Options{
			ConnectTo: map[string]string{"server.test:21": "b.test:2121"},
			Resolve:   map[string]string{"b.test:2121": "192.0.2.9"},
		}, "server.test", "192.0.2.9:2121"},
		{"literal", protocols.Options{}, "192.0.2.5", "192.0.2.5:21"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n := &network{does: map[string]func(context.Context) (net.Conn, error){c.want: refuses}}
			n.does[c.want] = n.answers(0)
			d := fakeDialer(&c.o, n, "192.0.2.1")
			conn, err := d.Dial(t.Context(), "control", "tcp", c.host, "21")
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
			if !slices.Equal(n.dialed, []string{c.want}) {
				t.Errorf("dialed %v, want %s", n.dialed, c.want)
			}
		})
	}
}
