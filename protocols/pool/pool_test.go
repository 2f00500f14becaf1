package pool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/pool"
)

// fake is a client that only counts.
type fake struct {
	of     *maker
	closed atomic.Bool
}

func (f *fake) Probe(context.Context) (*protocols.Report, error) { return &protocols.Report{}, nil }

func (f *fake) Close() error {
	if !f.closed.Swap(true) {
		f.of.live.Add(-1)
	}
	return nil
}

// maker opens fakes.
type maker struct {
	live, most, made atomic.Int64
	err              error
}

func (m *maker) open(context.Context) (protocols.Client, error) {
	if m.err != nil {
		return nil, m.err
	}
	m.made.Add(1)
	for n := m.live.Add(1); ; {
		most := m.most.Load()
		if n <= most || m.most.CompareAndSwap(most, n) {
			return &fake{of: m}, nil
		}
	}
}

// settled fails the test unless all clients are closed and no goroutine of a pool is left.
func settled(t *testing.T, m *maker) {
	t.Helper()
	if n := m.live.Load(); n != 0 {
		t.Errorf("%d clients are still open", n)
	}
	for range 100 {
		buf := make([]byte, 1<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "pool.(*Pool)") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a goroutine of the pool is left")
}

func temporary(code int) error {
	return &protocols.Error{Kind: protocols.KindTemporary, Code: code, Retryable: true}
}

func TestManyGoroutinesWait(t *testing.T) {
	m := &maker{}
	p := pool.New(m.open, pool.Config{Max: 3})
	var busy, most atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			err := p.Do(t.Context(), func(protocols.Client) error {
				n := busy.Add(1)
				defer busy.Add(-1)
				for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
				}
				time.Sleep(time.Millisecond)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s := p.Stats(); most.Load() > 3 || m.most.Load() > 3 || s.Opened > 3 || s.Opened+s.Reused != 64 || s.InUse != 0 || s.Idle != int(s.Opened) || s.Waiting != 0 {
		t.Errorf("at most %d at once, %d open: %+v", most.Load(), m.most.Load(), s)
	}
	p.Close()
	settled(t, m)
}

func TestGoroutinesGetTheirTurn(t *testing.T) {
	m := &maker{}
	p := pool.New(m.open, pool.Config{Max: 1})
	c, err := p.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var order []int
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			_ = p.Do(t.Context(), func(protocols.Client) error { order = append(order, i); return nil })
		})
		for p.Stats().Waiting != i+1 {
			time.Sleep(time.Millisecond)
		}
	}
	p.Put(c, nil)
	all.Wait()
	if fmt.Sprint(order) != "[0 1 2 3 4]" {
		t.Errorf("order %v", order)
	}
	p.Close()
	settled(t, m)
}

func TestWhatBecomesOfAClient(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		kept bool
	}{
		{"success", nil, true},
		{"a plain no", &protocols.Error{Kind: protocols.KindRefused, Code: 550}, true},
		{"a busy file", temporary(450), false},
		{"the disk", &protocols.Error{Kind: protocols.KindLocal}, true},
		{"the caller's own", errors.New("enough"), true},
		{"out of step", &protocols.Error{Kind: protocols.KindProtocol}, false},
		{"cut off", io.ErrUnexpectedEOF, false},
		{"cancelled", context.Canceled, false},
		{"silence", &protocols.Error{Kind: protocols.KindTimeout}, false},
		{"closed", &protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}, false},
		{"left open", &protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrBusy}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &maker{}
			p := pool.New(m.open, pool.Config{})
			err := p.Do(t.Context(), func(protocols.Client) error { return c.err })
			if err != c.err {
				t.Errorf("error %v", err)
			}
			if kept := p.Stats().Idle == 1; kept != c.kept {
				t.Errorf("kept %v", kept)
			}
			p.Close()
			settled(t, m)
		})
	}
}

func TestAPanicFreesThePlace(t *testing.T) {
	m := &maker{}
	p := pool.New(m.open, pool.Config{Max: 1})
	func() {
		defer func() { _ = recover() }()
		_ = p.Do(t.Context(), func(protocols.Client) error { panic("a fault of the caller") })
	}()
	if err := p.Do(t.Context(), func(protocols.Client) error { return nil }); err != nil || m.made.Load() != 2 {
		t.Errorf("%v, %d made", err, m.made.Load())
	}
	p.Close()
	settled(t, m)
}

func TestTheLimitOfAServer(t *testing.T) {
	m := &maker{}
	var notes atomic.Int64
	p := pool.New(m.open, pool.Config{Max: 8, Regrow: 20 * time.Millisecond, Note: func(string) { notes.Add(1) }})
	first, _ := p.Get(t.Context())
	second, _ := p.Get(t.Context())
	third, _ := p.Get(t.Context())
	if p.Put(third, temporary(421)) != true || p.Stats().Limit != 2 || notes.Load() != 1 {
		t.Errorf("after a fresh client's 421: %+v", p.Stats())
	}
	if p.Put(second, temporary(450)) || p.Stats().Limit != 2 {
		t.Errorf("a busy file has lowered the limit: %+v", p.Stats())
	}
	p.Put(first, nil)
	again, _ := p.Get(t.Context())
	if p.Put(again, temporary(421)) || p.Stats().Limit != 2 {
		t.Errorf("a 421 to a client that worked has lowered the limit: %+v", p.Stats())
	}
	time.Sleep(30 * time.Millisecond)
	if err := p.Do(t.Context(), func(protocols.Client) error { return nil }); err != nil || p.Stats().Limit != 3 {
		t.Errorf("%v: the limit does not rise again: %+v", err, p.Stats())
	}
	if last, _ := p.Get(t.Context()); p.Put(last, &protocols.Error{Kind: protocols.KindTemporary, Sentinel: protocols.ErrTooMany}) {
		t.Error("nobody else goes on, and the only client is to wait for others")
	}
	p.Close()
	settled(t, m)
}

func TestRetries(t *testing.T) {
	m := &maker{}
	p := pool.New(m.open, pool.Config{Retries: 2, RetryWait: time.Millisecond})
	calls := 0
	err := p.Do(t.Context(), func(protocols.Client) error {
		if calls++; calls < 3 {
			return &protocols.Error{Kind: protocols.KindConnect, Retryable: true}
		}
		return nil
	})
	if err != nil || calls != 3 {
		t.Errorf("%v after %d calls", err, calls)
	}
	p.Close()
	if err := p.Do(t.Context(), func(protocols.Client) error { return nil }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	settled(t, m)
}

func TestIdleClientsAreClosed(t *testing.T) {
	m := &maker{}
	p := pool.New(m.open, pool.Config{IdleFor: 10 * time.Millisecond, MaxIdle: 1})
	a, _ := p.Get(t.Context())
	b, _ := p.Get(t.Context())
	p.Put(a, nil)
	p.Put(b, nil)
	if n := m.live.Load(); n > 1 {
		t.Errorf("%d clients are kept, at most 1", n)
	}
	for range 500 {
		if m.live.Load() == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	settled(t, m)
	p.Close()
}

func TestWaitingEnds(t *testing.T) {
	m := &maker{}
	p := pool.New(m.open, pool.Config{Max: 1})
	c, _ := p.Get(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := p.Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a deadline: %v", err)
	}
	ended := make(chan error)
	go func() {
		_, err := p.Get(t.Context())
		ended <- err
	}()
	for p.Stats().Waiting != 1 {
		time.Sleep(time.Millisecond)
	}
	p.Close()
	if err := <-ended; !errors.Is(err, protocols.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if !c.(*fake).closed.Load() {
		t.Error("a client that is lent is not closed")
	}
	p.Put(c, nil)
	p.Close()
	settled(t, m)
}

func TestShutdownWaits(t *testing.T) {
	m := &maker{}
	p := pool.New(m.open, pool.Config{Max: 1})
	started, free := make(chan bool), make(chan bool)
	var all sync.WaitGroup
	var done atomic.Int64
	work := func() {
		if err := p.Do(t.Context(), func(protocols.Client) error { started <- true; <-free; done.Add(1); return nil }); err != nil {
			t.Error(err)
		}
	}
	all.Go(work)
	<-started
	all.Go(work)
	for p.Stats().Waiting != 1 {
		time.Sleep(time.Millisecond)
	}
	ended := make(chan error)
	go func() { ended <- p.Shutdown(t.Context()) }()
	for !refuses(p) {
		time.Sleep(time.Millisecond)
	}
	free <- true
	<-started
	free <- true
	if err := <-ended; err != nil || done.Load() != 2 {
		t.Errorf("%v, %d done", err, done.Load())
	}
	all.Wait()
	settled(t, m)

	p = pool.New(m.open, pool.Config{})
	c, _ := p.Get(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Shutdown(ctx); !errors.Is(err, context.Canceled) || !c.(*fake).closed.Load() {
		t.Errorf("cut short: %v", err)
	}
	p.Put(c, nil)
	settled(t, m)
}

// refuses reports whether a pool that is all lent takes no new work.
func refuses(p *pool.Pool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := p.Get(ctx)
	return errors.Is(err, protocols.ErrClosed)
}

func TestOpenFails(t *testing.T) {
	m := &maker{err: errors.New("no such server")}
	p := pool.New(m.open, pool.Config{Max: 1})
	for range 2 { // the place comes free again
		if err := p.Do(t.Context(), func(protocols.Client) error { return nil }); err == nil || err.Error() != "no such server" {
			t.Errorf("error %v", err)
		}
	}
	none := pool.New(func(context.Context) (protocols.Client, error) { return nil, nil }, pool.Config{})
	if _, err := none.Get(t.Context()); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("a nil client: %v", err)
	}
	p.Close()
	none.Close()
	settled(t, m)
}

// TestWithAServer: 64 goroutines over a server that allows two connections, which it
// loses now and then.
func TestWithAServer(t *testing.T) {
	s := labtest.Start(t, ftplab.Start, ftplab.Options{ServerOptions: base.ServerOptions{MaxClients: 2}})
	p := pool.New(func(context.Context) (protocols.Client, error) {
		c, _, err := protocols.Open[*ftp.Client](ftp.Spec(), labtest.WithUser(s.URL()), nil)
		return c, err
	}, pool.Config{Max: 8, Retries: 20, RetryWait: 10 * time.Millisecond})
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			name := fmt.Sprintf("incoming/%d.txt", i)
			err := p.Do(t.Context(), func(c protocols.Client) error {
				_, err := protocols.Put(t.Context(), c, name, strings.NewReader(name), nil)
				return err
			})
			if err == nil {
				err = p.Do(t.Context(), func(c protocols.Client) error {
					o, err := protocols.Get(t.Context(), c, name, nil)
					if err != nil {
						return err
					}
					defer o.Body.Close()
					if got, err := io.ReadAll(o.Body); err != nil || string(got) != name {
						return fmt.Errorf("%s holds %q, %w", name, got, err)
					}
					return nil
				})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := p.Stats(); got.Limit > 2 || got.Crowded == 0 {
		t.Errorf("the server allows 2: %+v", got)
	}
	p.Close()
	settled(t, &maker{})
}
