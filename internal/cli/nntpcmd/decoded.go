package nntpcmd

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/nntp"
	"github.com/netclients/netclients/protocols/transfer"
)

// decodedFile is a file that articles hold. Several may have the same name.
type decodedFile struct {
	name   string // local
	key    string // of the subjects of its articles
	size   int64  // stated; -1: unknown
	multi  bool   // has parts with places in it
	open   bool   // uuencoded, and its end has not come
	split  bool   // uuencoded, and put together by the order of the articles alone
	sink   *nzbSink
	join   *nntp.Join
	sums   map[int]uint32 // checksums of its parts, by number
	sum    uint32         // that the trailer of a damaged file states, if stated
	stated bool
	err    error // the first of a part
}

// about returns an error that says which article it is about.
func about(what string, err error) error {
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	own := *e
	own.Text, own.Code, own.Hint, own.Err = what+": "+e.Message(), 0, "", nil
	return &own
}

// takes reports whether a part may belong to the file.
func (f *decodedFile) takes(a *article, p *nntp.Piece) bool {
	return f.multi && f.size == p.Size && (f.key == a.key || f.key == "" || a.key == "") && f.join.Free(p)
}

// broken is the error of a file that is not whole.
func broken(text string) error {
	return &protocols.Error{Kind: protocols.KindProtocol, Text: text}
}

func (f *decodedFile) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// finish renames the whole files to their final names and reports the outcome of each.
func (d *decoding) finish(ctx context.Context, e *kit.Env) error {
	job := e.NewJob("get", 1)
	defer job.Close()
	for _, err := range d.lost {
		job.Tally.Add(err)
	}
	var items []string
	for i, f := range d.order {
		f.err = d.judge(f)
		items = append(items, strconv.Itoa(i))
	}
	items = d.unlike(e, items)
	if len(items) == 0 {
		e.Out.Warn("no article holds a file")
		return job.Tally.Err()
	}
	err := job.Each(ctx, items, func(_ context.Context, item string) (transfer.Result, error) {
		i, _ := strconv.Atoi(item)
		return d.store(d.order[i])
	})
	if len(d.lost) > 0 && (err == nil || len(items) == 1) {
		return job.Tally.Err()
	}
	return err
}

// judge returns the error of a file after all articles were read. A damaged part does not
// matter if it came undamaged too.
func (d *decoding) judge(f *decodedFile) error {
	if f.join == nil || f.sink.part == nil {
		return f.err
	}
	gaps := f.join.Missing()
	switch {
	case f.multi && f.join.Empty() && f.err == nil:
		return nil // all of its parts were copies
	case f.multi && len(gaps) == 0:
		return f.join.Verify(f.sink.part)
	case f.err != nil:
		return f.err
	case f.open:
		return broken(f.name + ": the end of the file is missing")
	case len(gaps) > 0:
		return broken(f.name + ": " + nntp.GapText(gaps[0]) + " are missing")
	case f.split && d.stray:
		return broken(f.name + ": the articles of the file are not in order, and their subjects do not number them")
	}
	return f.join.Verify(f.sink.part)
}

// unlike leaves out the files that are copies of others, whole or damaged, and gives
// those that stay their names.
func (d *decoding) unlike(e *kit.Env, items []string) (left []string) {
	whole := map[string][]*decodedFile{} // by name
	for _, f := range d.order {
		if f.err == nil && !d.copyOf(f, whole[f.name]) {
			whole[f.name] = append(whole[f.name], f)
		}
	}
	for i, f := range d.order {
		kept := whole[f.name]
		at := -1
		for k, g := range kept {
			if g == f {
				at = k
			}
		}
		switch {
		case at >= 0:
			f.rename(at)
		case f.err == nil, f.damagedCopy(kept):
			if f.err != nil {
				e.Out.Warn(fmt.Sprintf("%s: a damaged copy was left out: %v", f.name, f.err))
			}
			f.sink.drop()
			continue
		}
		left = append(left, items[i])
	}
	return left
}

// rename names a file finally if it is not the nth of its name after all.
func (f *decodedFile) rename(n int) {
	if n > 0 || f.sink.name == f.name {
		return
	}
	if name, err := f.sink.ChosenPlace.Name(f.name); err == nil {
		f.sink.name = name
		f.sink.part.Rename(name)
	}
}

// copyOf reports whether a whole file has the content of another one, or none of its own:
// all of its parts were copies.
func (d *decoding) copyOf(f *decodedFile, others []*decodedFile) bool {
	if f.multi && f.join.Empty() {
		return true
	}
	for _, g := range others {
		if f.join.Size() == g.join.Size() && f.digest() == g.digest() {
			return true
		}
	}
	return false
}

// damagedCopy reports whether a damaged file states the checksum of a whole one.
func (f *decodedFile) damagedCopy(whole []*decodedFile) bool {
	if f.join == nil || f.sink.part == nil {
		return false
	}
	for _, g := range whole {
		if has, ok := g.sums[0]; ok && f.stated && has == f.sum {
			return true
		}
	}
	return false
}

// digest returns a hash of the content, or of the file itself where it cannot be read.
func (f *decodedFile) digest() string {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f.sink.part, 0, max(0, f.join.Size()))); err != nil {
		return fmt.Sprintf("%p", f)
	}
	return string(h.Sum(nil))
}

// store names a whole file.
func (d *decoding) store(f *decodedFile) (transfer.Result, error) {
	r := transfer.Result{Protocol: "nntp", Source: f.name, Status: transfer.StatusDone}
	err := f.err
	if f.join != nil {
		r.Bytes, r.Destination = max(0, f.join.Size()), f.sink.path()
		if bad := f.sink.finish(err == nil); err == nil {
			err = bad
		}
	}
	if r.Err = err; err != nil {
		r.Status = transfer.StatusFailed
		if _, ok := errors.AsType[*protocols.Error](err); !ok {
			err = &protocols.Error{Kind: protocols.KindOf(err), Err: err}
		}
	}
	return r, err
}
