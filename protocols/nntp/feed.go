package nntp

import (
	"context"
	"io"
	"iter"

	"github.com/netclients/netclients/internal/line"
)

// Offer is an article for Feed. Open gives its content, and is called only when
// the peer wants it.
type Offer struct {
	ID   string
	Open func() (io.ReadCloser, error)
}

// feedBatch is how many articles are offered at once: their answers fit into the
// buffers of any connection, so that neither side ever waits for the other.
const feedBatch = 50

// Feed offers articles to a peer and sends those that it wants, streamed (MODE
// STREAM, CHECK and TAKETHIS, RFC 4644). each is told of every article: nil when
// the peer took it, an error of class fs.ErrExist when it did not want it. When
// each returns an error the work stops with it.
func (c *Client) Feed(ctx context.Context, offers iter.Seq[Offer], each func(id string, err error) error) error {
	return c.do(ctx, "feed", "", nil, func(ctx context.Context, s *session) error {
		if _, err := s.need(ctx, []int{203}, "MODE", "STREAM"); err != nil {
			return err
		}
		var batch []Offer
		for o := range offers {
			if err := checkID(o.ID); err != nil {
				if err := each(o.ID, err); err != nil {
					return err
				}
				continue
			}
			if batch = append(batch, o); len(batch) == feedBatch {
				if err := s.feed(batch, each); err != nil {
					return err
				}
				batch = batch[:0]
			}
		}
		return s.feed(batch, each)
	})
}

// feed does one batch: all CHECKs, then all articles that are wanted, then the
// replies to those.
func (s *session) feed(batch []Offer, each func(id string, err error) error) error {
	for _, o := range batch {
		if err := s.Queue("CHECK", o.ID); err != nil {
			return err
		}
	}
	if err := s.Flush(); err != nil {
		return err
	}
	var wanted []Offer
	for i, o := range batch {
		r, err := s.Reply()
		if err != nil {
			return err
		}
		if r.Code == 238 {
			wanted = append(wanted, o)
			continue
		}
		if err := each(o.ID, s.c.wrap(refusal(r), "feed", o.ID)); err != nil {
			if i < len(batch)-1 {
				s.Fail(line.ErrStop)
			}
			return err
		}
	}
	return s.takeThis(wanted, each)
}

// takeThis sends articles one behind the other and reads the replies. One that
// cannot be opened is not sent, and its error is told in its turn.
func (s *session) takeThis(wanted []Offer, each func(id string, err error) error) error {
	own := make([]error, len(wanted))
	for i, o := range wanted {
		r, err := o.Open()
		if err != nil {
			own[i] = localOr(err)
			continue
		}
		err = s.Queue("TAKETHIS", o.ID)
		if err == nil {
			err = s.sendArticle(&headerWatch{r: r})
		}
		r.Close()
		if err != nil {
			return s.Fail(err)
		}
	}
	for i, o := range wanted {
		err := own[i]
		if err == nil {
			r, bad := s.Reply()
			if bad != nil {
				return bad
			}
			err = want(r, 239)
		}
		if stop := each(o.ID, s.c.wrap(err, "feed", o.ID)); stop != nil {
			s.Fail(line.ErrStop)
			return stop
		}
	}
	return nil
}
