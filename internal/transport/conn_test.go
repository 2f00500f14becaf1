package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

func dialPipe(t *testing.T, o protocols.Options) (*Conn, net.Conn) {
	t.Helper()
	opt, far := pipe(o)
	c := connect(t, dialer(opt), "server.test", "21")
	t.Cleanup(func() { far.Close() })
	return c, far
}

func TestIdleReadTimesOutExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := dialPipe(t, protocols.Options{})
		start := time.Now()
		_, err := c.Read(make([]byte, 1))
		e := wantKind(t, err, protocols.KindTimeout)
		if e.Message() != "timed out after 1m0s without data" || !e.Retryable || time.Since(start) != time.Minute {
			t.Errorf("%q after %v, retryable %v", e.Message(), time.Since(start), e.Retryable)
		}
		if !c.Broken() {
			t.Error("still usable")
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("later write: %v", err)
		}
	})
}

// Each byte arrives just within the idle timeout; the deadline is moved lazily.
func TestIdleIsFromTheLastByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := dialPipe(t, protocols.Options{IdleTimeout: time.Second})
		go func() {
			for range 10 {
				time.Sleep(990 * time.Millisecond)
				far.Write([]byte("x"))
			}
		}()
		for i := range 10 {
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatalf("byte %d: %v", i, err)
			}
			time.Sleep(time.Duration(i) * 10 * time.Millisecond)
		}
		start := time.Now()
		_, err := c.Read(make([]byte, 1))
		wantKind(t, err, protocols.KindTimeout)
		if d := time.Since(start); d != time.Second {
			t.Errorf("timed out after %v", d)
		}
	})
}

func TestSlowWriteIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := dialPipe(t, protocols.Options{IdleTimeout: time.Second})
		done := make(chan int)
		go func() {
			total := 0
			for buf := make([]byte, 100); total < 1000; {
				time.Sleep(900 * time.Millisecond)
				n, err := far.Read(buf)
				if total += n; err != nil {
					break
				}
			}
			done <- total
		}()
		if n, err := c.Write(make([]byte, 1000)); n != 1000 || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
		if got := <-done; got != 1000 {
			t.Errorf("%d bytes received", got)
		}
		start := time.Now()
		_, err := c.Write(make([]byte, 10))
		wantKind(t, err, protocols.KindTimeout)
		if d := time.Since(start); d != time.Second {
			t.Errorf("timed out after %v", d)
		}
	})
}

func TestCancelUnblocksAtOnce(t *testing.T) {
	myReason := errors.New("the user left")
	cases := []struct {
		name string
		end  func(context.Context) (context.Context, context.CancelFunc)
		kind protocols.Kind
		is   error
	}{
		{"cancel", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, protocols.KindInterrupted, context.Canceled},
		{"cause", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(myReason) })
			return ctx, func() { cancel(nil) }
		}, protocols.KindInterrupted, myReason},
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, protocols.KindTimeout, context.DeadlineExceeded},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, _ := dialPipe(t, protocols.Options{})
				ctx, cancel := c.end(t.Context())
				defer cancel()
				done := conn.Use(ctx)
				start := time.Now()
				_, err := conn.Read(make([]byte, 1))
				done()
				wantKind(t, err, c.kind)
				if !errors.Is(err, c.is) || time.Since(start) != time.Second || !conn.Broken() {
					t.Errorf("%v after %v, broken %v", err, time.Since(start), conn.Broken())
				}
				if _, err := conn.Write([]byte("x")); !errors.Is(err, c.is) {
					t.Errorf("later write: %v", err)
				}
				if err := conn.SetDeadline(time.Now().Add(time.Hour)); err != nil {
					t.Error(err)
				}
				if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, c.is) {
					t.Errorf("later read: %v", err)
				}
			})
		})
	}
}

func TestUseEndsWithDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := dialPipe(t, protocols.Options{})
		outer, endOuter := context.WithCancel(t.Context())
		defer endOuter()
		inner, endInner := context.WithCancel(t.Context())
		doneOuter := c.Use(outer)
		doneInner := c.Use(inner)
		doneInner()
		doneInner()
		endInner()
		synctest.Wait()
		if c.Broken() {
			t.Fatal("broken by a context after its Use had ended")
		}
		go far.Write([]byte("x"))
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		endOuter()
		doneOuter()
		if !c.Broken() {
			t.Error("the context ended during use, but the connection is not broken after done")
		}
	})
}

func TestUserDeadlineDoesNotBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := dialPipe(t, protocols.Options{})
		c.SetReadDeadline(time.Now().Add(time.Second))
		start := time.Now()
		if _, err := c.Read(make([]byte, 1)); !isDeadline(err) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		c.SetReadDeadline(time.Time{})
		go far.Write([]byte("x"))
		if _, err := c.Read(make([]byte, 1)); err != nil || c.Broken() {
			t.Errorf("%v, broken %v", err, c.Broken())
		}
		start = time.Now()
		if _, err := c.Read(make([]byte, 1)); time.Since(start) != time.Minute {
			t.Errorf("idle: %v after %v", err, time.Since(start))
		}
	})
}

func TestLimiterPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(8000)
		if l.Burst() != 1000 {
			t.Fatalf("burst %d", l.Burst())
		}
		c, far := dialPipe(t, protocols.Options{Limiter: l})
		go func() {
			far.Write(make([]byte, 9000))
			far.Close()
		}()
		start := time.Now()
		n, err := c.WriteTo(io.Discard)
		if n != 9000 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("8,000 bytes beyond the bucket at 8,000 a second took %v", d)
		}
	})
}

func TestLimiterWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1000)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := l.Wait(ctx, 1_000_000)
		wantKind(t, err, protocols.KindTimeout)
		if time.Since(start) != time.Second {
			t.Errorf("after %v", time.Since(start))
		}
		if err := l.Wait(t.Context(), 512); err != nil || time.Since(start) != time.Second {
			t.Errorf("unused bytes were not returned to the bucket: %v, %v", err, time.Since(start))
		}
		if NewLimiter(0) != nil {
			t.Error("got a limiter for rate 0")
		}
	})
}

// startFakeTLS puts a connection into the state after a handshake.
func startFakeTLS(c *Conn) { c.tls = tls.Client(c.sock, &tls.Config{InsecureSkipVerify: true}) }

func TestAllowSecret(t *testing.T) {
	tcp := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 21} }
	cases := []struct {
		name    string
		addr    net.Addr
		proxied bool
		tls     bool
		allowed bool // by option
		want    bool
	}{
		{"remote", tcp("192.0.2.1"), false, false, false, false},
		{"remote, TLS", tcp("192.0.2.1"), false, true, false, true},
		{"remote, option", tcp("192.0.2.1"), false, false, true, true},
		{"loopback", tcp("127.0.0.1"), false, false, false, true},
		{"loopback 6", tcp("::1"), false, false, false, true},
		{"loopback mapped", tcp("::ffff:127.0.0.1"), false, false, false, true},
		{"any address", tcp("0.0.0.0"), false, false, false, false},
		{"unix", &net.UnixAddr{Name: "/x", Net: "unix"}, false, false, false, true},
		{"proxy on loopback", tcp("127.0.0.1"), true, false, false, false},
		{"proxy, TLS", tcp("127.0.0.1"), true, true, false, true},
		{"proxy, option", tcp("127.0.0.1"), true, false, true, true},
		{"no address", nil, false, false, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			near, _ := net.Pipe()
			conn := &Conn{
				d: dialer(&protocols.Options{AllowPlaintextAuth: c.allowed}), sock: newSocket(addrConn{near, c.addr}, 0),
				to: target{host: "server.test", proxied: c.proxied},
			}
			if c.tls {
				startFakeTLS(conn)
			}
			err := conn.AllowSecret()
			if c.want != (err == nil) {
				t.Fatalf("%v", err)
			}
			if !c.want && (!errors.Is(err, protocols.ErrCleartext) || wantKind(t, err, protocols.KindAuth).Hint == "") {
				t.Errorf("%v", err)
			}
		})
	}
	c, _ := dialPipe(t, protocols.Options{})
	if err := c.AllowSecret(); err != nil {
		t.Errorf("pipe: %v", err)
	}
}

type addrConn struct {
	net.Conn
	addr net.Addr
}

func (a addrConn) RemoteAddr() net.Addr { return a.addr }

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	labtest.ServeOn(t, l, func(c net.Conn) { io.WriteString(c, "hello") })
	proxy := func(*url.URL) (*url.URL, error) { return url.Parse("socks5://127.0.0.1:1") }
	c, err := dialer(&protocols.Options{Proxy: proxy}).Dial(t.Context(), "control", "unix", path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := io.ReadAll(c); string(got) != "hello" || err != nil || c.AllowSecret() != nil {
		t.Errorf("%q, %v, %v", got, err, c.AllowSecret())
	}
}

func TestResetIsConnectAndRetryable(t *testing.T) {
	host, port := serve(t, func(c net.Conn) {
		c.Read(make([]byte, 1))
		c.(*net.TCPConn).SetLinger(0)
	})
	c := connect(t, dialer(nil), host, port)
	io.WriteString(c, "x")
	_, err := io.Copy(io.Discard, c)
	e := wantKind(t, err, protocols.KindConnect)
	if runtime.GOOS == "linux" && e.Error() != "connection reset by the peer" || !e.Retryable || !c.Broken() {
		t.Errorf("%q, retryable %v, broken %v", e, e.Retryable, c.Broken())
	}
}

func TestRefusedNamesTheAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	host, port, _ := net.SplitHostPort(address)
	_, err = dialer(nil).Dial(t.Context(), "control", "tcp", host, port)
	if e := wantKind(t, err, protocols.KindConnect); e.Error() != "connection refused by "+address || !e.Retryable {
		t.Errorf("%q", e)
	}
}

func TestStatsAndTrace(t *testing.T) {
	host, port := serve(t, func(c net.Conn) { io.Copy(c, c) })
	var stats protocols.Stats
	var mu sync.Mutex
	var kinds []protocols.EventKind
	o := &protocols.Options{Stats: &stats, Trace: func(e protocols.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Protocol != "test" || e.Channel != "control" || e.Conn != 1 || e.Time.IsZero() {
			t.Errorf("event %+v", e)
		}
		kinds = append(kinds, e.Kind)
	}}
	c := connect(t, dialer(o), host, port)
	io.WriteString(c, "12345")
	io.ReadFull(c, make([]byte, 5))
	c.Event(protocols.EventNote, "note", 0)
	c.Close()
	c.Close()
	if stats.Read.Load() != 5 || stats.Written.Load() != 5 || stats.Conns.Load() != 1 || c.ID() != 1 {
		t.Errorf("read %d, written %d, conns %d, id %d", stats.Read.Load(), stats.Written.Load(), stats.Conns.Load(), c.ID())
	}
	if len(kinds) != 3 || kinds[0] != protocols.EventConnect || kinds[2] != protocols.EventClose {
		t.Errorf("events %v", kinds)
	}
}

func TestBind(t *testing.T) {
	host, port := serve(t, func(c net.Conn) { io.WriteString(c, c.RemoteAddr().String()) })
	for _, bind := range []string{"127.0.0.2", "127.0.0.2:0"} {
		c := connect(t, dialer(&protocols.Options{Bind: bind}), host, port)
		got, err := io.ReadAll(c)
		if from, _, _ := net.SplitHostPort(string(got)); from != "127.0.0.2" || err != nil {
			t.Errorf("%s: from %s, %v", bind, got, err)
		}
	}
	_, err := dialer(&protocols.Options{Bind: "no-such-card"}).Dial(t.Context(), "control", "tcp", host, port)
	wantKind(t, err, protocols.KindUsage)
	if runtime.GOOS == "linux" {
		connect(t, dialer(&protocols.Options{Bind: "lo"}), host, port)
	}
}

func TestHost(t *testing.T) {
	cases := []struct{ in, want string }{
		{"Example.ORG", "example.org"},
		{"example.org.", "example.org"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"my_host", "my_host"},
		{"127.0.0.1", "127.0.0.1"},
		{"fe80::1%eth0", "fe80::1%eth0"},
		{"", ""},
		{"a..b", ""},
		{"-a.example", ""},
		{"a b", ""},
		{"xn--a", ""},
		{"a/b", ""},
	}
	for _, c := range cases {
		got, err := Host(c.in)
		if got != c.want || (c.want == "") != (err != nil) {
			t.Errorf("Host(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
		if c.want == "" {
			wantKind(t, err, protocols.KindUsage)
		}
	}
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"example.org", "bücher.example", "xn--a", "::1", "a..b", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Host(s)
		if err != nil {
			return
		}
		if again, err := Host(got); err != nil || again != got {
			t.Errorf("Host(%q) = %q, and of that %q, %v", s, got, again, err)
		}
	})
}
