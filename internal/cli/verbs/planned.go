package verbs

import (
	"context"
	"errors"
	"io/fs"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// plan is a copy in a dry run: both sides are looked at, and nothing is changed. A nil
// source is standard input, which is not read.
func plan(ctx context.Context, e *kit.Env, from, to *protocols.Target, o *transfer.Options) (transfer.Result, error) {
	r := transfer.Result{Protocol: to.Spec.Name, Source: "-", Destination: protocols.Redact(to.URL), Name: "-", Status: transfer.StatusPlanned, Would: "copy"}
	size := int64(-1)
	if from != nil {
		r.Source, r.Name = protocols.Redact(from.URL), treeName(from)
		if from.Spec.Name != "file" {
			r.Protocol = from.Spec.Name
		}
		source, err := look(ctx, e, from)
		if err == nil && isFolder(source) {
			err = kit.Usage("%s is a folder: -r copies it with its contents", r.Source)
		}
		if err == nil && o.MaxSize > 0 && source.Size > o.MaxSize {
			err = protocols.ProtocolError(r.Protocol, e.Verb, "larger than the limit of "+show.HumanBytes(o.MaxSize))
		}
		if err != nil {
			r.Status, r.Would, r.Err = transfer.StatusFailed, "", err
			return r, err
		}
		size = source.Size
	}
	r.Bytes = max(size, 0)
	there, err := look(ctx, e, to)
	switch {
	case err == nil && o.KeepOld && there.Type == protocols.TypeFile && !o.Append && !o.Unique:
		r.Status, r.Would, r.Bytes = transfer.StatusSkipped, "", 0
	case err == nil && o.Append:
		r.Would = "update"
	case err == nil && o.Continue && size >= 0 && there.Size == size:
		r.Status, r.Would, r.Bytes = transfer.StatusSkipped, "", 0
	case err == nil && there.Type == protocols.TypeFile && !o.Unique:
		r.Would = "replace"
	case err != nil && !missing(err):
		r.Status, r.Would, r.Err = transfer.StatusFailed, "", err
		return r, err
	}
	return r, nil
}

// missing reports whether an error says that something is not there, or that the server
// does not show it.
func missing(err error) bool {
	kind := protocols.KindOf(err)
	return kind == protocols.KindRefused || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errors.ErrUnsupported)
}

// look returns the entry of a target. What a client cannot show is an entry of which
// nothing is known.
func look(ctx context.Context, e *kit.Env, t *protocols.Target) (*protocols.Entry, error) {
	c, err := e.Dial(t)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if !kit.Is[protocols.Statter](c) && !kit.Is[protocols.Lister](c) {
		return &protocols.Entry{Size: -1}, nil
	}
	entry, err := protocols.Stat(ctx, c, t.Name)
	return &entry, err
}
