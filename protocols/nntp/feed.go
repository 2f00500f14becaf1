package nntp

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/netclients/netclients/internal/line"
)

// Offer is an article for Feed. Open returns its content; it is called only if the
// peer wants the article.
type Offer struct {
	ID   string
	Open func() (io.ReadCloser, error)
}

// feedBatch is the number of articles offered at once: few enough that their replies
// fit into the buffers of any connection, so that neither side blocks the other.
const feedBatch = 50

// Feed offers articles to a peer and sends those that it wants, streamed (MODE
// STREAM, CHECK and TAKETHIS, RFC 4644). each is called for every article, with nil if
// the peer took it and an fs.ErrExist error if it did not want it. An error from
// each ends the feed and is returned.
func (c *Client) Feed(ctx context.Context, offers iter.Seq[Offer], each func(id string, err error) error) error {
	return c.do(ctx, "feed", "", nil, func(ctx context.Context, s *session) error {
		if _, err := s.need(ctx, []int{203}, "MODE", "STREAM"); err != nil {
			return err
		}
		f, most := feeder{session: s}, feedBatch
		if c.Settings.NoPipelining {
			most = 1
		}
		s.served = false // of TAKETHIS, from here on
		var batch []Offer
		for o := range offers {
			if err := checkID(o.ID); err != nil {
				if err := each(o.ID, err); err != nil {
					return err
				}
				continue
			}
			if batch = append(batch, o); len(batch) == most {
				if err := f.offer(batch, each); err != nil {
					return err
				}
				batch = batch[:0]
			}
		}
		return f.offer(batch, each)
	})
}

// feeder streams articles to a peer.
type feeder struct {
	*session
	trip time.Duration // from a CHECK to its reply
}

// offer sends CHECK for a batch, then the wanted articles, and then reads the
// replies to those.
func (f feeder) offer(batch []Offer, each func(id string, err error) error) error {
	for _, o := range batch {
		if err := f.Queue("CHECK", o.ID); err != nil {
			return err
		}
	}
	if err := f.Flush(); err != nil {
		return err
	}
	var wanted []Offer
	asked := time.Now()
	for i, o := range batch {
		r, err := f.Reply()
		if err != nil {
			return err
		}
		if i == 0 {
			f.trip = time.Since(asked)
		}
		if r.Code == 238 {
			wanted = append(wanted, o)
			continue
		}
		if err := each(o.ID, f.c.wrap(refusal(r), "feed", o.ID)); err != nil {
			if i < len(batch)-1 {
				f.Fail(line.ErrStop)
			}
			return err
		}
	}
	return f.takeThis(wanted, each)
}

// The first TAKETHIS of a session waits for a refusal before its article follows: a server
// that does not support it after all would take the content for commands. The wait is
// three times as long as the server took for a reply, within these bounds.
const (
	minProof = 100 * time.Millisecond
	maxProof = 10 * time.Second
)

// takeThis sends the articles and reads the replies as they come. An article that cannot
// be opened is skipped; each gets its error in turn.
func (f feeder) takeThis(wanted []Offer, each func(id string, err error) error) error {
	own := make([]error, len(wanted))
	next := 0 // whose reply is due
	for i, o := range wanted {
		r, err := o.Open()
		if err != nil {
			own[i] = localOr(err)
			continue
		}
		err = f.send(o, r)
		r.Close()
		if err != nil {
			return f.Fail(err)
		}
		for next <= i && (!f.served || (poster{f.session}).spoke()) {
			if err := f.took(wanted[next], own[next], each); err != nil {
				return err
			}
			next++
		}
	}
	for ; next < len(wanted); next++ {
		if err := f.took(wanted[next], own[next], each); err != nil {
			return err
		}
	}
	return nil
}

// send sends TAKETHIS and the article. The first one of a session has its reply before
// any other is sent.
func (f feeder) send(o Offer, r io.Reader) error {
	if err := f.Queue("TAKETHIS", o.ID); err != nil {
		return err
	}
	if !f.served {
		if err := f.Flush(); err != nil {
			return err
		}
		proof := min(max(minProof, 3*f.trip), maxProof)
		for end := time.Now().Add(proof); time.Now().Before(end) && !(poster{f.session}).spoke(); {
			time.Sleep(minProof / 20)
		}
	}
	if (poster{f.session}).spoke() && !f.served {
		r, err := f.Reply()
		if err != nil {
			return err
		}
		return refusal(r)
	}
	return poster{f.session}.write(&headerWatch{r: r})
}

// took reads the reply to TAKETHIS. One that is not about the article ends the session:
// the server has not read the content as one.
func (f feeder) took(o Offer, own error, each func(id string, err error) error) error {
	err := own
	if err == nil {
		r, bad := f.Reply()
		if bad != nil {
			return bad
		}
		if err = want(r, 239); err != nil && (r.Code < 430 || r.Code > 439) {
			return f.Fail(err)
		}
		f.served = true
	}
	if stop := each(o.ID, f.c.wrap(err, "feed", o.ID)); stop != nil {
		f.Fail(line.ErrStop)
		return stop
	}
	return nil
}
