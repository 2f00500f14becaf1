package imap

import (
	"time"

	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// maxIdle is how long one IDLE lasts: servers end a session after 30 minutes.
const maxIdle = 28 * time.Minute

// idle waits with IDLE (RFC 2177). IDLE is re-issued before the idle timeout; this
// also detects a dead server.
func (w *watcher) idle() error {
	s := w.s
	tag, refusal, err := s.Send("IDLE")
	if err == nil && refusal == nil {
		refusal, err = s.Consent(tag)
	}
	if err == nil && refusal != nil {
		err = refusal.Err()
	}
	if err != nil {
		return err
	}
	end := newIdleEnd(s, w.c.line.Opts.IdleWithin())
	defer end.stop()
	if len(w.news) > 0 { // reported together with the consent
		end.now()
	}
	w.wake = end.now
	st, err := s.Wait(tag, false, nil)
	w.wake = nil
	if err != nil {
		return err
	}
	return st.Err()
}

// idleEnd sends DONE, once: when something has happened, or when it is time.
type idleEnd struct {
	s     *session.Session
	timer *time.Timer
	ended chan struct{}
	once  bool
}

func newIdleEnd(s *session.Session, silence time.Duration) *idleEnd {
	wait := maxIdle
	if silence > 0 {
		wait = min(wait, silence*3/4)
	}
	e := &idleEnd{s: s, ended: make(chan struct{})}
	e.timer = time.AfterFunc(wait, func() {
		defer close(e.ended)
		e.done()
	})
	return e
}

func (e *idleEnd) done() {
	if e.s.SendLine("DONE") == nil {
		_ = e.s.Flush()
	}
}

// now ends the wait. The goroutine of the timer has ended when it returns.
func (e *idleEnd) now() {
	if e.stop() {
		e.done()
	}
}

// stop reports whether DONE is still to be sent.
func (e *idleEnd) stop() bool {
	if e.once {
		return false
	}
	e.once = true
	if e.timer.Stop() {
		return true
	}
	<-e.ended
	return false
}
