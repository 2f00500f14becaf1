package labapi

import (
	"net/http"
	"slices"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// Bounds of notices.
const (
	noticePause = 20 * time.Millisecond // in which changes are taken together
	noticeMany  = 200                   // deleted messages, beyond which the client is to ask again
)

// feed are the notices of an interface.
type feed struct{ *API }

// socket is GET /api/events as a web socket: Mailpit's notices of messages that are new,
// changed or deleted.
func (a feed) socket(w http.ResponseWriter, r *http.Request) error {
	s, err := upgrade(w, r)
	if s == nil {
		return err
	}
	if !a.admit() {
		s.end(closeAway)
		return nil
	}
	defer a.sockets.Done()
	left := make(chan struct{})
	go func() {
		defer close(left)
		s.listen()
	}()
	a.notify(s, left)
	s.end(closeAway)
	<-left
	return nil
}

// admit counts an open web socket; false means that the interface has ended.
func (a feed) admit() bool {
	a.socketMu.Lock()
	defer a.socketMu.Unlock()
	if !a.ended {
		a.sockets.Add(1)
	}
	return !a.ended
}

// Wait returns when the web sockets have ended; call it when Done is closed.
func (a *API) Wait() {
	a.socketMu.Lock()
	a.ended = true
	a.socketMu.Unlock()
	a.sockets.Wait()
}

// notify sends notices until the client has left, or the interface ends.
func (a feed) notify(s *socket, left <-chan struct{}) {
	known := a.marks()
	if s.send("stats", a.stats()) != nil {
		return
	}
	ping := time.NewTicker(socketPing)
	defer ping.Stop()
	for {
		changed := a.Mail.Changed() // before looking: nothing is missed
		now := a.marks()
		if a.tell(s, known, now) != nil {
			return
		}
		known = now
		select {
		case <-changed:
			time.Sleep(noticePause)
		case <-ping.C:
			if s.write(framePing, nil) != nil {
				return
			}
		case <-left:
			return
		case <-a.Done:
			return
		}
	}
}

// marks are what may change of the messages.
type marks struct {
	list []maillab.Mark
	byID map[string]maillab.Mark
}

func (a feed) marks() marks {
	m := marks{maillab.Marks(a.Mail), map[string]maillab.Mark{}}
	for _, x := range m.list {
		m.byID[x.ID] = x
	}
	return m
}

// stats are the counts of a notice.
func (a feed) stats() any {
	t := a.Mail.Totals()
	return struct {
		Total, Unread int
		Version       string
	}{t.Messages, t.Unread, a.Version}
}

// tell sends what has changed.
func (a feed) tell(s *socket, before, now marks) error {
	sent := false
	send := func(kind string, data any) error {
		sent = true
		return s.send(kind, data)
	}
	if err := a.tellGone(send, before, now); err != nil {
		return err
	}
	for _, x := range now.list {
		old, known := before.byID[x.ID]
		var err error
		switch {
		case !known:
			err = a.tellNew(send, x.ID)
		case old.Read != x.Read:
			err = send("update", struct {
				ID   string
				Read bool
			}{x.ID, x.Read})
		}
		if err == nil && known && !slices.Equal(old.Tags, x.Tags) {
			err = send("update", struct {
				ID   string
				Tags []string
			}{x.ID, append([]string{}, x.Tags...)})
		}
		if err != nil {
			return err
		}
	}
	if !sent {
		return nil
	}
	return s.send("stats", a.stats())
}

func (a feed) tellNew(send func(string, any) error, id string) error {
	l, found := a.Mail.Letter(id)
	if !found {
		return nil
	}
	summary, err := a.Summary(l)
	if err != nil {
		return nil // it is gone
	}
	return send("new", summary)
}

// tellGone sends which messages were deleted.
func (a feed) tellGone(send func(string, any) error, before, now marks) error {
	var gone []string
	for _, x := range before.list {
		if _, there := now.byID[x.ID]; !there {
			gone = append(gone, x.ID)
		}
	}
	switch {
	case len(gone) > 0 && len(now.list) == 0:
		return send("truncate", nil)
	case len(gone) > noticeMany:
		return send("prune", nil)
	}
	for _, id := range gone {
		if err := send("delete", struct{ ID string }{id}); err != nil {
			return err
		}
	}
	return nil
}
