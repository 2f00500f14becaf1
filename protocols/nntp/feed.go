package nntp

import (
	"context"
	"io"
	"iter"

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
		f := feeder{s}
		var batch []Offer
		for o := range offers {
			if err := checkID(o.ID); err != nil {
				if err := each(o.ID, err); err != nil {
					return err
				}
				continue
			}
			if batch = append(batch, o); len(batch) == feedBatch {
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
type feeder struct{ *session }

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
	for i, o := range batch {
		r, err := f.Reply()
		if err != nil {
			return err
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

// takeThis sends the articles and then reads the replies. An article that cannot be
// opened is skipped; each gets its error in turn.
func (f feeder) takeThis(wanted []Offer, each func(id string, err error) error) error {
	own := make([]error, len(wanted))
	for i, o := range wanted {
		r, err := o.Open()
		if err != nil {
			own[i] = localOr(err)
			continue
		}
		err = f.Queue("TAKETHIS", o.ID)
		if err == nil {
			err = poster{f.session}.content(&headerWatch{r: r})
		}
		r.Close()
		if err != nil {
			return f.Fail(err)
		}
	}
	for i, o := range wanted {
		err := own[i]
		if err == nil {
			r, bad := f.Reply()
			if bad != nil {
				return bad
			}
			err = want(r, 239)
		}
		if stop := each(o.ID, f.c.wrap(err, "feed", o.ID)); stop != nil {
			f.Fail(line.ErrStop)
			return stop
		}
	}
	return nil
}
