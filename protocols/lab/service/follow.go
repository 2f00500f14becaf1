package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/internal/labapi"
	"github.com/netclients/netclients/protocols/lab/journal"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

func now() time.Time { return time.Now() }

// backend is what the interface works on.
func (s *Service) backend() labapi.Backend {
	b := labapi.Backend{
		Mail: s.mail, Journal: s.journal, News: s.news, Tree: s.tree, Servers: s.described, SetFaults: s.SetFaults,
		Version: s.opt.Version, RelayTo: nil, MaxSize: s.opt.MaxMessage, Done: s.done,
	}
	if s.authority != nil {
		b.CA = s.authority.CAPEM()
	}
	if s.opt.Relay != nil {
		b.Relay = s.relay
	}
	return b
}

// Bounds of what is done with messages in the background.
const (
	followPause = 20 * time.Millisecond // in which messages are taken together
	followMany  = 256
	sendTimeout = 30 * time.Second
)

// follow does what is to be done with each message that came, until the end.
func (s *Service) follow(ctx context.Context) {
	last, gone := s.last, 0
	for ctx.Err() == nil {
		changed := s.mail.Changed()
		news := s.mail.LettersAfter(last, followMany)
		for _, l := range news {
			last = l.Number
			s.journal.Tell(journal.Event{Kind: "mail", ID: l.ID})
			s.sendOn(ctx, l)
		}
		if n := s.mail.Deleted(); n != gone {
			gone = n
			s.journal.Tell(journal.Event{Kind: "gone", Data: "mail"})
		}
		if len(news) == followMany {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(followPause):
		case <-ctx.Done():
		}
	}
}

// sendOn calls the webhook and relays, as the options say.
func (s *Service) sendOn(ctx context.Context, l maillab.Letter) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if s.opt.Webhook != nil {
		summary, err := s.api.Summary(l)
		if err == nil {
			var text []byte
			if text, err = json.Marshal(summary); err == nil {
				err = s.opt.Webhook(ctx, text)
			}
		}
		s.log("webhook", err)
	}
	if s.opt.Relay == nil || s.opt.RelayTo == nil {
		return
	}
	to := slices.DeleteFunc(slices.Clone(l.To), func(a string) bool { return !s.opt.RelayTo.MatchString(a) })
	if len(to) > 0 {
		s.log("relay to "+strings.Join(to, ", "), s.relay(ctx, l.From, to, l.ID))
	}
}

// relay sends one message on.
func (s *Service) relay(ctx context.Context, from string, to []string, id string) error {
	c, err := s.mail.OpenLetter(id)
	if err != nil {
		return err
	}
	defer c.Close()
	return s.opt.Relay(ctx, from, to, c)
}

func (s *Service) log(what string, err error) {
	if err != nil && s.opt.Log != nil {
		s.opt.Log(fmt.Sprintf("%s: %v", what, err))
	}
}
