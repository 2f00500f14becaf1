package imap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// errStop says that the reader of a listing has had enough.
var errStop = errors.New("stopped")

// List lists the account (name empty, or a pattern with * or %), with the counts
// of each mailbox, or the messages of a mailbox. "?QUERY" behind a mailbox lists
// what a search finds. Messages are streamed, with date, sender, recipients and
// subject; nothing is marked as seen.
func (c *Client) List(ctx context.Context, text string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "ls", text, func(s *session, n *imapwire.Name, yield func(protocols.Entry) error) error {
		switch {
		case n.Mailbox == "" || isPattern(n.Mailbox):
			return s.listMailboxes(n.Mailbox, false, yield)
		case n.Search != "":
			return s.listFound(ctx, n, n.Search, yield)
		}
		if err := s.refresh(n); err != nil {
			return err
		}
		if set := n.UIDs(); set != "" {
			return s.listNamed(ctx, n, yield)
		}
		return s.listAll(ctx, yield)
	})
}

// listing runs a listing as an iterator: the client is busy until the loop ends.
func (c *Client) listing(ctx context.Context, op, text string, run func(s *session, n *imapwire.Name, yield func(protocols.Entry) error) error, args ...string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		n, err := c.parse(text)
		if err == nil {
			err = c.do(ctx, op, text, func(s *session) error {
				return run(s, n, func(e protocols.Entry) error {
					if !yield(e, nil) {
						return errStop
					}
					return nil
				})
			}, args...)
		} else {
			err = c.wrap(err, op, text)
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(protocols.Entry{}, err)
		}
	}
}

// listSteps are how many messages the FETCH commands of a listing ask for, the last
// one again and again: the first entries come at once, leaving early costs little,
// and a large mailbox takes few turns. Commands do not overlap: some servers work
// on two at a time, and mix the answers.
var listSteps = []uint32{200, 2000, 20_000}

// steps cuts the sequence numbers of the mailbox into sets.
func (s *session) steps() []string {
	var sets []string
	for low := uint64(1); low <= uint64(s.box.exists); {
		step := listSteps[min(len(sets), len(listSteps)-1)]
		high := min(low+uint64(step)-1, uint64(s.box.exists))
		sets = append(sets, fmt.Sprintf("%d:%d", low, high))
		low = high + 1
	}
	return sets
}

// listItems are what a listing asks for.
func (s *session) listItems() string {
	items := "(UID FLAGS INTERNALDATE RFC822.SIZE "
	if s.box.modSeq != 0 {
		items = "(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ "
	}
	return items + imapwire.HeaderItem + ")"
}

// listAll lists the mailbox by sequence numbers.
func (s *session) listAll(ctx context.Context, yield func(protocols.Entry) error) error {
	return s.listSets(ctx, "FETCH", s.steps(), yield)
}

// listSets fetches one set after the other, with what a listing shows.
func (s *session) listSets(ctx context.Context, verb string, sets []string, yield func(protocols.Entry) error) error {
	return s.fetchSets(ctx, verb, sets, s.listItems(), func(r *imapwire.Response) error {
		m, err := imapwire.ParseFetch(r, s.c.limits)
		if err != nil {
			return s.fail(err)
		}
		if m.UID == 0 || m.Header == "" && m.Size < 0 {
			return nil // news of flags
		}
		return yield(s.entry(&m))
	})
}

// listNamed lists the messages that a name has. One that is named by itself must be
// there.
func (s *session) listNamed(ctx context.Context, n *imapwire.Name, yield func(protocols.Entry) error) error {
	found, lowest := false, n.Lowest()
	err := s.listSets(ctx, "UID FETCH", []string{n.UIDs()}, func(e protocols.Entry) error {
		if uid, err := strconv.ParseUint(e.UID, 10, 32); err != nil || uint32(uid) < lowest || n.UID != 0 && uint32(uid) != n.UID {
			return nil
		}
		found = true
		return yield(e)
	})
	if err == nil && !found && n.UID != 0 {
		err = imapwire.NotFound("no message with UID " + n.UIDs())
	}
	return err
}

// fetchSets runs one FETCH for each set and returns each response. After an error of
// each the rest of an answer is read and dropped.
func (s *session) fetchSets(ctx context.Context, verb string, sets []string, items string, each func(r *imapwire.Response) error) error {
	for _, set := range sets {
		var first error
		err := s.ask(func(r *imapwire.Response) error {
			if r.Name == "FETCH" && first == nil {
				first = each(r)
			}
			return s.broken()
		}, verb, set, items)
		if err = cmp.Or(first, err, context.Cause(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// Stat describes a mailbox (STATUS) or a message.
func (c *Client) Stat(ctx context.Context, text string) (protocols.Entry, error) {
	var found *protocols.Entry
	n, err := c.parse(text)
	if err != nil {
		return protocols.Entry{}, c.wrap(err, "stat", text)
	}
	err = c.do(ctx, "stat", text, func(s *session) error {
		if n.Mailbox == "" {
			found = &protocols.Entry{Protocol: proto, URL: c.urlOf(""), Type: protocols.TypeDir, Size: -1}
			return nil
		}
		if n.UIDs() == "" {
			e, err := s.statMailbox(n)
			found = &e
			return err
		}
		if err := s.open(n, false); err != nil {
			return err
		}
		err := s.listNamed(ctx, n, func(e protocols.Entry) error {
			found = &e
			return nil
		})
		if err == nil && found == nil {
			err = imapwire.NotFound("no message with UIDs " + n.UIDs())
		}
		return err
	})
	if err != nil {
		return protocols.Entry{}, err
	}
	return *found, nil
}
