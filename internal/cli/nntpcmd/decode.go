package nntpcmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/nntp"
	"github.com/netclients/netclients/protocols/transfer"
)

// mostDecoded bounds the files that articles of one command are decoded into.
const mostDecoded = 10_000

// decoding puts the files that articles hold, whole or in parts, into a folder.
type decoding struct {
	place kit.ChosenPlace
	max   int64
	files map[string]*decodedFile // by local name
	order []string
	tail  *nntp.Piece  // uuencoded, goes on in a later article
	into  *decodedFile // that one belongs to
}

type decodedFile struct {
	sink *nzbSink
	join *nntp.Join
	err  error // the first that befell a part
}

// decode is get --decode: all encoded files in the articles of the URLs.
func (g *nntpGetter) decodeAll(ctx context.Context, e *kit.Env, urls []string) error {
	place, err := g.chosen.Open(g.Out)
	if err != nil {
		return err
	}
	defer place.Close()
	d := &decoding{place: place, max: int64(e.Flags.MaxSize), files: map[string]*decodedFile{}}
	err = e.Each(ctx, urls, func(text string) error {
		return kit.Use(ctx, e, text, func(ctx context.Context, c *nntp.Client, at *protocols.Target) error {
			names, err := articleNames(ctx, c, at.Name)
			if err != nil {
				return err
			}
			return c.BulkPart(ctx, names, nntp.Body, func(name string, o *protocols.Object, err error) error {
				if err != nil {
					e.Tell(err)
					return nil
				}
				return d.article(name, o.Body)
			})
		})
	})
	return errors.Join(err, d.finish(ctx, e))
}

// article decodes all pieces of one article. Only an error of the local disk ends
// the work: what is damaged is told at the end.
func (d *decoding) article(name string, body io.Reader) error {
	in := nntp.NewDecoder(body)
	in.Split = true
	if d.tail != nil {
		in.Continue(*d.tail)
	}
	for {
		p, err := in.Next()
		if err == io.EOF || p == nil && protocols.KindOf(err) == protocols.KindProtocol {
			return nil
		}
		if err != nil {
			return err
		}
		f, err := d.file(p.Name)
		if err != nil {
			return err
		}
		if f.sink.part == nil {
			continue
		}
		err = f.join.Add(in)
		if protocols.KindOf(err) == protocols.KindLocal {
			return err
		}
		if err != nil && f.err == nil {
			f.err = fmt.Errorf("%s: %w", name, err)
		}
		d.follow(in, f)
	}
}

// follow keeps the place at which a uuencoded file goes on in another article.
func (d *decoding) follow(in *nntp.Decoder, f *decodedFile) {
	p := in.Piece()
	switch {
	case in.Unfinished():
		p.Offset = f.join.Size()
		d.tail, d.into = &p, f
	case d.into == f:
		d.tail, d.into = nil, nil
	}
}

// file returns the file of a piece. One whose name is refused, or taken, has an error
// from the start: the others are decoded nevertheless.
func (d *decoding) file(posted string) (*decodedFile, error) {
	name, err := file.ChosenName(posted)
	if err != nil {
		name = posted
	}
	if f := d.files[name]; f != nil {
		return f, nil
	}
	if len(d.files) == mostDecoded {
		return nil, kit.Usage("more than %d files at once; name a smaller range", mostDecoded)
	}
	f := &decodedFile{sink: &nzbSink{ChosenPlace: d.place}}
	out, err := f.sink.create(posted)
	if refused, ok := errors.AsType[*protocols.Error](err); ok {
		f.err = refused
	} else if err != nil {
		return nil, err
	}
	f.join = nntp.NewJoin(out)
	f.join.Max = d.max
	d.files[name], d.order = f, append(d.order, name)
	return f, nil
}

// finish renames the whole files to their final names and reports the outcome of each.
func (d *decoding) finish(ctx context.Context, e *kit.Env) error {
	job := e.NewJob("get", 1)
	defer job.Close()
	if len(d.order) == 0 {
		e.Out.Warn("no article holds a file")
		return nil
	}
	return job.Each(ctx, d.order, func(_ context.Context, name string) (transfer.Result, error) {
		f := d.files[name]
		r := transfer.Result{Protocol: "nntp", Source: name, Destination: f.sink.path(), Bytes: max(0, f.join.Size()), Status: transfer.StatusDone}
		err := f.err
		if err == nil && d.tail != nil && d.into == f {
			err = &protocols.Error{Kind: protocols.KindProtocol, Text: name + ": the end of the file is missing"}
		}
		if gaps := f.join.Missing(); err == nil && len(gaps) > 0 {
			err = &protocols.Error{Kind: protocols.KindProtocol, Text: fmt.Sprintf("%s: bytes %d to %d are missing", name, gaps[0][0], gaps[0][1]-1)}
		}
		if err == nil {
			err = f.join.Verify(f.sink.part)
		}
		if bad := f.sink.finish(err == nil); err == nil {
			err = bad
		}
		if r.Err = err; err != nil {
			r.Status = transfer.StatusFailed
		}
		return r, err
	})
}
