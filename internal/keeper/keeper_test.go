package keeper

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// session is a login that does as it is told.
type session struct {
	conn     *transport.Conn
	far      net.Conn // the server's end
	used     time.Time
	dead     bool // does not answer a question
	lost     bool
	asked    int
	goodbyes int
	mute     bool // the server does not answer the goodbye
}

func (s *session) Conn() *transport.Conn { return s.conn }
func (s *session) Used() time.Time       { return s.used }
func (s *session) Lives() bool           { s.asked++; return !s.dead }
func (s *session) Lost() bool            { return s.lost }

func (s *session) Goodbye() {
	s.goodbyes++
	if s.mute {
		s.conn.Read(make([]byte, 1))
	}
}

// closed reports whether the client's end is closed.
func (s *session) closed() bool {
	s.far.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := s.far.Read(make([]byte, 1))
	return err == io.EOF
}

// kept is a keeper with the sessions that it has made.
type kept struct {
	Keeper[*session]
	made   []*session
	refuse error         // of the next connects
	wait   chan struct{} // a connect takes until it is closed
}

// inBubble runs f with a keeper whose time is not the clock's.
func inBubble(t *testing.T, f func(t *testing.T, k *kept)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &kept{}
		k.Connect = func(ctx context.Context) (*session, error) {
			if k.wait != nil {
				<-k.wait
			}
			if k.refuse != nil {
				return nil, k.refuse
			}
			near, far := net.Pipe()
			dial := func(context.Context, string, string) (net.Conn, error) { return near, nil }
			conn, err := transport.NewDialer("test", &url.URL{Scheme: "test", Host: "127.0.0.1"}, &protocols.Options{Dial: dial}).Dial(ctx, "control", "tcp", "127.0.0.1", "1")
			if err != nil {
				return nil, err
			}
			s := &session{conn: conn, far: far, used: time.Now()}
			k.made = append(k.made, s)
			return s, nil
		}
		f(t, k)
		k.Close()
		for _, s := range k.made {
			if !s.closed() {
				t.Error("a connection is left open")
			}
			s.far.Close()
		}
	})
}

// use runs an operation that does nothing.
func (k *kept) use(t *testing.T) {
	t.Helper()
	if err := k.Do(t.Context(), nil, func(*session) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

func (k *kept) connects(t *testing.T, want int) {
	t.Helper()
	if len(k.made) != want {
		t.Fatalf("%d connects, want %d", len(k.made), want)
	}
}

func TestOneSessionForAllOperations(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		if k.Held() {
			t.Error("a session before the first operation")
		}
		for range 3 {
			k.use(t)
		}
		if k.connects(t, 1); !k.Held() || k.made[0].asked != 0 {
			t.Errorf("held %v, asked %d times", k.Held(), k.made[0].asked)
		}
	})
}

func TestNothingIsSentBeforeTheChecks(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		for _, bad := range []string{"a\r\nb", "a\nb", "a\x00b"} {
			if err := k.Do(t.Context(), []string{"good", bad}, nil); protocols.KindOf(err) != protocols.KindUsage {
				t.Errorf("%q: %v", bad, err)
			}
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		cancel(why)
		if err := k.Do(ctx, nil, nil); !errors.Is(err, why) {
			t.Errorf("a context that is over: %v", err)
		}
		k.connects(t, 0)
		k.use(t) // none of them has kept the gate
	})
}

func TestOneOperationAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		release, err := k.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Do(t.Context(), nil, nil); !errors.Is(err, protocols.ErrBusy) {
			t.Errorf("a second one: %v", err)
		}
		release()
		k.use(t)
	})
}

func TestErrorsPass(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		k.refuse = errors.New("no login")
		if err := k.Do(t.Context(), nil, nil); !errors.Is(err, k.refuse) || k.Held() {
			t.Errorf("connect: %v", err)
		}
		k.refuse = nil
		why := errors.New("the server says no")
		if err := k.Do(t.Context(), nil, func(*session) error { return why }); err != why {
			t.Errorf("the operation's: %v", err)
		}
		k.use(t)
		k.connects(t, 1) // a refusal is no reason for a new one
	})
}

func TestLostSessionsAreReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		k.Do(t.Context(), nil, func(s *session) error { s.lost = true; return nil })
		if k.Held() || !k.made[0].closed() {
			t.Error("a lost session is held")
		}
		k.use(t)
		k.connects(t, 2)
		// One whose I/O was cut off is out of step, whatever it says itself.
		ctx, cancel := context.WithCancel(t.Context())
		err := k.Do(ctx, nil, func(s *session) error {
			time.AfterFunc(time.Second, cancel)
			_, err := s.conn.Read(make([]byte, 1))
			return err
		})
		if !errors.Is(err, context.Canceled) || k.Held() {
			t.Errorf("cut off: %v, held %v", err, k.Held())
		}
		k.use(t)
		k.connects(t, 3)
	})
}

// TestRestedSessionsAreAsked: only those that were idle for long, and what does not
// answer is replaced before the operation.
func TestRestedSessionsAreAsked(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		k.use(t)
		time.Sleep(restsFor - time.Second)
		if k.use(t); k.made[0].asked != 0 {
			t.Error("asked too early")
		}
		time.Sleep(2 * time.Second)
		if k.use(t); k.made[0].asked != 1 {
			t.Errorf("asked %d times", k.made[0].asked)
		}
		k.connects(t, 1)
		k.made[0].dead = true
		if k.use(t); !k.made[0].closed() {
			t.Error("a dead session is open")
		}
		k.connects(t, 2)
	})
}

func TestDropForgetsThatSessionOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		k.use(t)
		old := k.made[0]
		k.Drop(old)
		k.use(t)
		k.Drop(old)
		if !k.Held() || k.made[1].closed() {
			t.Error("another session went with it")
		}
		k.Settle(k.made[1])
		if !k.Held() {
			t.Error("a good session was forgotten")
		}
	})
}

func TestCloseIsPolite(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		k.use(t)
		for range 2 {
			if err := k.Close(); err != nil {
				t.Error(err)
			}
		}
		if s := k.made[0]; s.goodbyes != 1 || !s.closed() || k.Held() {
			t.Errorf("%d goodbyes, closed %v", s.goodbyes, s.closed())
		}
		if err := k.Open(); !errors.Is(err, protocols.ErrClosed) {
			t.Errorf("Open: %v", err)
		}
		if err := k.Do(t.Context(), nil, nil); !errors.Is(err, protocols.ErrClosed) || protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("Do: %v", err)
		}
		k.connects(t, 1)
	})
}

func TestGoodbyeIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		k.use(t)
		k.made[0].mute = true
		start := time.Now()
		k.Close()
		if took := time.Since(start); took != goodbyeWithin {
			t.Errorf("it took %v, want %v", took, goodbyeWithin)
		}
	})
}

// TestCloseCutsOff: an operation that goes on ends at once, without a goodbye in
// the middle of it.
func TestCloseCutsOff(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		done := make(chan error, 1)
		go func() {
			done <- k.Do(context.Background(), nil, func(s *session) error {
				_, err := s.conn.Read(make([]byte, 1))
				return err
			})
		}()
		synctest.Wait() // it reads
		if err := k.Open(); err != nil {
			t.Error(err)
		}
		k.Close()
		if err := <-done; err == nil || k.made[0].goodbyes != 0 {
			t.Errorf("%v, %d goodbyes", err, k.made[0].goodbyes)
		}
	})
}

// TestCloseWhileConnecting: the session that comes too late is closed.
func TestCloseWhileConnecting(t *testing.T) {
	inBubble(t, func(t *testing.T, k *kept) {
		k.wait = make(chan struct{})
		done := make(chan error, 1)
		go func() { done <- k.Do(context.Background(), nil, nil) }()
		synctest.Wait() // it connects
		k.Close()
		close(k.wait)
		if err := <-done; !errors.Is(err, protocols.ErrClosed) || k.Held() {
			t.Errorf("%v, held %v", err, k.Held())
		}
		k.connects(t, 1)
	})
}
