package pop3

import (
	"context"
	"iter"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
)

// OpenMailbox logs in. name must be empty: there is one maildrop. The messages are
// listed anew each time, since the protocol cannot tell what has changed. A server
// without unique ids cannot be a source: the error has class
// [errors.ErrUnsupported].
func (c *Client) OpenMailbox(ctx context.Context, name string) (*protocols.Mailbox, error) {
	if name != "" {
		return nil, c.wrap(protocols.UsageError(proto, "sync", "a maildrop as a whole is what can be archived, not one message"), "sync", name)
	}
	m := &protocols.Mailbox{}
	m.Changes = func(ctx context.Context, _ string) iter.Seq2[protocols.Entry, error] {
		m.Complete = false
		return c.listing(ctx, "", func(s *session, yield func(protocols.Entry) bool) error {
			err := identified(s, false, yield)
			m.Complete = err == nil
			return err
		})
	}
	return m, c.do(ctx, "sync", "", nil, func(_ context.Context, s *session) error {
		m.Account = s.user + "@" + c.server()
		return nil
	})
}

// server names the server: with its port only where that is not the usual one, so
// that pop3 and pop3s give one name.
func (c *Client) server() string {
	host, port := protocols.HostPort(c.line.URL, c.line.Scheme)
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if port == strconv.Itoa(c.line.Scheme.Port) {
		return host
	}
	return net.JoinHostPort(host, port)
}

// defaultPoll is the pause between two looks of Watch.
const defaultPoll = time.Minute

// Watch reports messages that come in, until the context ends. POP3 shows a
// session only what was there when it began, so that each look is a session of its
// own; between them nobody is kept out of the maildrop.
func (c *Client) Watch(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		var known map[string]bool
		for {
			next, more, err := c.look(ctx, name, known, yield)
			if err != nil {
				yield(protocols.Entry{}, err)
			}
			if err != nil || !more {
				return
			}
			known = next
			if err := c.pause(ctx); err != nil {
				yield(protocols.Entry{}, c.wrap(err, "watch", ""))
				return
			}
		}
	}
}

// look lists the maildrop once. more is false when the reader has had enough.
func (c *Client) look(ctx context.Context, name string, known map[string]bool, yield func(protocols.Entry, error) bool) (next map[string]bool, more bool, err error) {
	next = map[string]bool{}
	list := func(s *session, yield func(protocols.Entry) bool) error {
		return identified(s, c.Settings.Headers, yield)
	}
	for e, err := range c.listing(ctx, name, list) {
		if err != nil {
			return nil, false, err
		}
		next[e.ID] = true
		if known != nil && !known[e.ID] && !yield(e, nil) {
			return nil, false, nil
		}
	}
	err = c.do(ctx, "watch", "", nil, func(_ context.Context, s *session) error { return s.commit() })
	return next, true, err
}

func (c *Client) pause(ctx context.Context) error {
	d := c.Settings.Poll
	if d <= 0 {
		d = defaultPoll
	}
	return retry.Sleep(ctx, d)
}
