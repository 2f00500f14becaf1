package mailstore

import (
	"context"
	"errors"
	"iter"
	"path/filepath"

	"github.com/netclients/netclients/protocols"
)

// stateName begins the names of files in which syncs remember things.
const stateName = ".netclients-"

// StatePath returns a hidden file in the maildir, which no mail program takes for a
// folder.
func (m *Maildir) StatePath(name, source string) (string, error) {
	return filepath.Join(name, stateName+source), nil
}

// OpenMailbox opens a maildir as a source: its messages are known by the unique
// part of their names.
func (m *Maildir) OpenMailbox(ctx context.Context, name string) (*protocols.Mailbox, error) {
	err := m.do(ctx, "sync", name, func(context.Context) error {
		if !isMaildir(name) {
			return &protocols.Error{Kind: protocols.KindLocal, Sentinel: errNotExist, Text: "not a maildir"}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m.source(name, m.list), nil
}

// lister lists a store, and returns errEnough when yield stops.
type lister func(ctx context.Context, name string, headers bool, yield func(protocols.Entry) bool) error

// listing returns what list lists, with headers.
func (p *parent) listing(ctx context.Context, name string, list lister) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) { p.each(ctx, "ls", name, true, list, yield) }
}

func (p *parent) each(ctx context.Context, op, name string, headers bool, list lister, yield func(protocols.Entry, error) bool) (complete bool) {
	ctx, leave, err := p.gate.Begin(ctx)
	if err != nil {
		yield(protocols.Entry{}, p.wrap(err, op, name))
		return false
	}
	defer leave()
	err = list(ctx, name, headers, func(e protocols.Entry) bool { return yield(e, nil) })
	if err != nil && !errors.Is(err, errEnough) {
		yield(protocols.Entry{}, p.wrap(err, op, name))
	}
	return err == nil
}

// source is a mailbox that is listed as a whole each time.
func (p *parent) source(name string, list lister) *protocols.Mailbox {
	box := &protocols.Mailbox{Account: protocols.AccountLocal, Name: name}
	box.Changes = func(ctx context.Context, _ string) iter.Seq2[protocols.Entry, error] {
		box.Complete = false
		return func(yield func(protocols.Entry, error) bool) {
			box.Complete = p.each(ctx, "sync", name, false, list, yield)
		}
	}
	return box
}
