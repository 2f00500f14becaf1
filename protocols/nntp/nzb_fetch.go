package nntp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// Fetch fetches the files of an NZB.
type Fetch struct {
	// Clients work in parallel, each on a connection of its own. If one does
	// not have an article, its Fill is asked.
	Clients []*Client
	// Create returns the destination of the file. It is called once, when the name is
	// known: from the first part, or from the subject.
	Create func(name string) (io.WriterAt, error)
	// Max is the maximum size of the file in bytes; 0: no limit.
	Max int64
	// Begun are the parts that an earlier run has written to the destination, by the
	// message-ids of their segments. They are not fetched again.
	Begun map[string]Piece
	// Note, if set, is called for each written part, for Begun of a later run. Calls
	// are not concurrent; an error ends the work.
	Note func(id string, p Piece) error
}

// Fetched is the result for a file.
type Fetched struct {
	Name    string
	Bytes   int64
	Missing []Missing // missing or damaged parts, by number
}

// Missing is a missing or damaged part and the reason.
type Missing struct {
	NZBSegment
	Err error
}

// fetchBatch is the number of articles that a client fetches at a time.
const fetchBatch = 10

// File fetches and joins the parts of a file. Missing parts are listed in
// Fetched; the error is about the work as a whole: the connection, the disk.
func (f *Fetch) File(ctx context.Context, file *NZBFile) (*Fetched, error) {
	run := &fetchRun{Fetch: f, file: file, left: file.Segments}
	run.done.Name = file.Name()
	if err := run.resume(); err != nil {
		return &run.done, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if run.first = run.join == nil; run.first { // it has the name and the encoding
		if err := run.batch(ctx, f.Clients[0], run.take(1)); err != nil {
			return &run.done, err
		}
		run.first = false
	}
	if run.uu {
		return &run.done, run.sequence(ctx, f.Clients[0])
	}
	var wait sync.WaitGroup
	for _, c := range f.Clients {
		wait.Go(func() {
			for {
				batch := run.take(fetchBatch)
				if len(batch) == 0 {
					return
				}
				if err := run.batch(ctx, c, batch); err != nil {
					run.fail(err)
					stop(err)
					return
				}
			}
		})
	}
	wait.Wait()
	if run.join != nil {
		run.done.Bytes = max(0, run.join.Size())
	}
	slices.SortFunc(run.done.Missing, func(a, b Missing) int { return a.Number - b.Number })
	if run.err == nil && len(run.done.Missing) == 0 {
		run.err = run.whole()
	}
	return &run.done, run.err
}

// resume continues the file of an earlier run.
func (r *fetchRun) resume() error {
	if len(r.Begun) == 0 {
		return nil
	}
	r.left = nil
	for _, s := range r.file.Segments {
		p, begun := r.Begun[s.ID]
		if !begun {
			r.left = append(r.left, s)
			continue
		}
		j, err := r.target(p.Name)
		if err == nil {
			err = j.restore(&p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fetchRun is the work on one file.
type fetchRun struct {
	*Fetch
	file  *NZBFile
	mu    sync.Mutex
	left  []NZBSegment
	join  *Join
	dst   io.WriterAt
	first bool // the first part is fetched, by itself
	uu    bool
	done  Fetched
	err   error
}

func (r *fetchRun) take(n int) []NZBSegment {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = min(n, len(r.left))
	batch := r.left[:n]
	r.left = r.left[n:]
	return batch
}

func (r *fetchRun) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

func (r *fetchRun) missing(s NZBSegment, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done.Missing = append(r.done.Missing, Missing{s, err})
}

// batch fetches some segments with one client, in order.
func (r *fetchRun) batch(ctx context.Context, c *Client, segments []NZBSegment) error {
	i := 0
	ids := func(yield func(string) bool) {
		for _, s := range segments {
			if !yield(s.ID) {
				return
			}
		}
	}
	return c.BulkPart(ctx, ids, Body, func(_ string, o *protocols.Object, err error) error {
		s := segments[i]
		i++
		if err == nil {
			err = r.part(s.ID, o.Body)
		}
		if err == nil {
			return nil
		}
		if r.uu && errors.Is(err, errSequence) || protocols.KindOf(err) == protocols.KindLocal || ctx.Err() != nil {
			return nilIfSequence(err)
		}
		r.missing(s, err)
		return nil
	})
}

// errSequence reports that the file must be decoded sequentially.
var errSequence = errors.New("decoded in one go")

func nilIfSequence(err error) error {
	if errors.Is(err, errSequence) {
		return nil
	}
	return err
}

// part decodes the body of one article into the file.
func (r *fetchRun) part(id string, body io.Reader) error {
	d := NewDecoder(body)
	p, err := d.Next()
	if err == io.EOF {
		return damaged("no encoded file in the article", nil)
	}
	if err != nil {
		return err
	}
	if p.Encoding == "uuencode" {
		if !r.first {
			return damaged("the first part of a uuencoded file is missing", nil)
		}
		r.uu = true
		r.done.Name = p.Name
		return errSequence
	}
	j, err := r.target(p.Name)
	if err != nil {
		return err
	}
	if err := j.Add(d); err != nil || r.Note == nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return localOr(r.Note(id, d.Piece()))
}

// target creates the file when its name is known.
func (r *fetchRun) target(name string) (*Join, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.join != nil {
		return r.join, nil
	}
	if name != "" {
		r.done.Name = name
	}
	dst, err := r.Create(r.done.Name)
	if err != nil {
		return nil, localOr(err)
	}
	r.dst, r.join = dst, NewJoin(dst)
	r.join.Max = r.Max
	return r.join, nil
}

// whole checks a file after all parts have arrived.
func (r *fetchRun) whole() error {
	if r.join == nil {
		return nil
	}
	if gaps := r.join.Missing(); len(gaps) > 0 {
		return damaged(fmt.Sprintf("the NZB has no part for bytes %d to %d", gaps[0][0], gaps[0][1]-1), nil)
	}
	if in, ok := r.dst.(io.ReaderAt); ok {
		return r.join.Verify(in)
	}
	return nil
}

// sequence decodes a uuencoded file, whose parts have no offsets: all articles as one
// text, in order.
func (r *fetchRun) sequence(ctx context.Context, c *Client) error {
	in, out := io.Pipe()
	result := make(chan error, 1)
	go func() {
		err := r.decodeAll(in)
		in.CloseWithError(err)
		result <- err
	}()
	ids := func(yield func(string) bool) {
		for _, s := range r.file.Segments {
			if !yield(s.ID) {
				return
			}
		}
	}
	i := 0
	err := c.BulkPart(ctx, ids, Body, func(_ string, o *protocols.Object, err error) error {
		s := r.file.Segments[i]
		i++
		if err != nil {
			r.missing(s, err)
			return err // parts after a gap have no known offset
		}
		if _, err := io.Copy(out, o.Body); err != nil && err != io.ErrClosedPipe {
			return err
		}
		return nil
	})
	out.CloseWithError(err)
	decoded := <-result
	switch {
	case len(r.done.Missing) > 0:
		return nil
	case err != nil && protocols.KindOf(err) != protocols.KindInternal:
		return err
	}
	return decoded
}

func (r *fetchRun) decodeAll(in io.Reader) error {
	d := NewDecoder(in)
	p, err := d.Next()
	if err == io.EOF {
		err = damaged("no encoded file in the articles", nil)
	}
	if err != nil {
		return err
	}
	j, err := r.target(p.Name)
	if err != nil {
		return err
	}
	if err := j.Add(d); err != nil {
		return err
	}
	r.done.Bytes = j.Size()
	_, err = io.Copy(io.Discard, in) // reads the articles to their ends
	return err
}
