package nntp

import (
	"context"

	"github.com/netclients/netclients/protocols"
)

// filler reads articles that the server of c does not have from the servers of Fill.
type filler struct{ c *Client }

// instead tries the servers of Fill after the error missing.
func (f filler) instead(ctx context.Context, name string, part Part, o *protocols.GetOptions, missing error) (*protocols.Object, error) {
	if t, err := article(name); err == nil && *o == (protocols.GetOptions{}) {
		if obj, err := f.article(ctx, t, part, missing); err == nil {
			return obj, nil
		}
	}
	return nil, f.c.wrap(missing, "get", name)
}

// article asks the servers of Fill in turn for the message-id of the article. If
// none has it, it returns the error missing.
func (f filler) article(ctx context.Context, t target, part Part, missing error) (*protocols.Object, error) {
	err := f.each(ctx, t, part, missing, func(*protocols.Object) error { return nil })
	if found, ok := err.(*filled); ok {
		return found.Object, nil
	}
	return nil, err
}

// filled ends the search for an article with an object that is still open.
type filled struct{ *protocols.Object }

func (*filled) Error() string { return "found" }

// helps reports whether another server may have what this one failed to deliver: after
// any failure but one of the caller, of the local system, or of the login.
func (f filler) helps(ctx context.Context, missing error) bool {
	if len(f.c.Fill) == 0 || ctx.Err() != nil || f.c.line.Closed() != nil {
		return false
	}
	switch protocols.KindOf(missing) {
	case protocols.KindUsage, protocols.KindLocal, protocols.KindAuth, protocols.KindInterrupted:
		return false
	}
	return true
}

// each calls take with the article from each server of Fill that has it, until take
// returns nil. Then the object is open and in an error of type filled. Otherwise it
// returns the error missing.
func (f filler) each(ctx context.Context, t target, part Part, missing error, take func(*protocols.Object) error) error {
	if !f.helps(ctx, missing) {
		return missing
	}
	id := t.id
	if id == "" {
		id = f.idOf(ctx, t)
	}
	if id == "" {
		return missing
	}
	for _, other := range f.c.Fill {
		o, err := other.Part(ctx, id, part, nil)
		if err == nil {
			if err = take(o); err == nil {
				return &filled{o}
			}
			o.Body.Close()
			if protocols.KindOf(err) == protocols.KindLocal {
				return err
			}
		}
		if ctx.Err() != nil {
			return err
		}
	}
	return missing
}

// idOf returns the message-id of an article from the overview, which servers keep
// longer than the article, or an empty string. It uses a connection of its own:
// replies may be in flight on the client's.
func (f filler) idOf(ctx context.Context, t target) (id string) {
	c := f.c
	finder := c.finder.Load()
	if finder == nil {
		var err error
		if finder, err = New(c.line.URL, c.line.Opts); err != nil {
			return ""
		}
		finder.Settings = c.Settings
		c.finder.Store(finder)
	}
	if c.line.Closed() != nil {
		return "" // Close may have missed the new finder
	}
	for e, err := range finder.Overview(ctx, articleName(t.group, t.low)) {
		if err == nil && e.Parsed() && e.Number == t.low {
			id = e.MessageID
		}
	}
	if checkID(id) != nil {
		return ""
	}
	return id
}
