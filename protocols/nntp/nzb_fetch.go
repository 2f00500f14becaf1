package nntp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// Fetch fetches the files of an NZB.
type Fetch struct {
	// Clients work in parallel, each on a connection of its own. If one cannot deliver
	// an article, or delivers it damaged, its Fill is asked.
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

// fetchFirst is the number of articles that are searched, one by one, for the name and
// the encoding of a file. Some files begin with an article of text.
const fetchFirst = 5

// File fetches and joins the parts of a file. Missing parts are listed in
// Fetched; the error is about the work as a whole: the connection, the disk.
func (f *Fetch) File(ctx context.Context, file *NZBFile) (*Fetched, error) {
	run := &fetchRun{Fetch: f, file: file, down: map[*Client]error{}}
	run.done.Name = file.Name()
	if err := run.resume(); err != nil {
		return &run.done, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	run.first = true
	for tries := 0; run.join == nil && !run.uu && len(run.left) > 0 && tries < fetchFirst; tries++ {
		if err := run.batch(ctx, f.Clients[0], run.take(1)); err != nil {
			return &run.done, err
		}
	}
	run.first = false
	if run.uu {
		run.done.Missing = nil // all articles are read anew, in order
		return &run.done, run.sequence(ctx, f.Clients[0])
	}
	run.parallel(ctx, stop)
	run.settle()
	return &run.done, run.err
}

// parallel fetches the parts with all clients.
func (r *fetchRun) parallel(ctx context.Context, stop func(error)) {
	var wait sync.WaitGroup
	for _, c := range r.Clients {
		wait.Go(func() {
			for {
				batch := r.take(fetchBatch)
				if len(batch) == 0 {
					return
				}
				if err := r.batch(ctx, c, batch); err != nil {
					r.fail(err)
					stop(err)
					return
				}
			}
		})
	}
	wait.Wait()
}

// settle judges the file after all parts were asked for. A part that is missing without
// leaving a gap, such as an article of text, is none.
func (r *fetchRun) settle() {
	if r.join != nil {
		r.done.Bytes = max(0, r.join.Size())
	}
	slices.SortFunc(r.done.Missing, func(a, b Missing) int { return a.Number - b.Number })
	if r.err != nil {
		return
	}
	err := r.whole()
	switch {
	case len(r.done.Missing) == 0:
		r.err = err
	case err == nil && r.join != nil && r.join.Size() >= 0:
		r.done.Missing = nil
	}
}

// resume continues the file of an earlier run, and lists the segments that are left.
func (r *fetchRun) resume() error {
	for _, s := range r.file.Segments {
		p, begun := r.Begun[s.ID]
		switch {
		case !s.usable():
			r.missing(s, damaged("the NZB has no message-id for the part", nil))
			continue
		case !begun:
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
	first bool // one article at a time, until name and encoding are known
	uu    bool
	done  Fetched
	err   error
	down  map[*Client]error // that cannot connect
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

// batch fetches some segments with one client, in order. What it fails to deliver the
// servers of its Fill are asked for.
func (r *fetchRun) batch(ctx context.Context, c *Client, segments []NZBSegment) error {
	for len(segments) > 0 && !r.uu {
		n, err := r.some(ctx, c, segments)
		segments = segments[n:]
		if err == nil || len(segments) == 0 {
			return err
		}
		if !(filler{c}).helps(ctx, err) {
			if n > 0 && ctx.Err() == nil && (protocols.KindOf(err) == protocols.KindConnect || protocols.IsRetryable(err)) {
				continue // the rest, on a new connection
			}
			return err
		}
		if n == 0 && !c.line.Held() {
			_ = r.isDown(c, err) // noted; the cause is reported already
		}
		if err := r.elsewhere(ctx, c, segments[0], err); err != nil {
			return err
		}
		segments = segments[1:]
	}
	return nil
}

// isDown returns the error of a client that cannot connect, and notes err if it is one.
func (r *fetchRun) isDown(c *Client, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.down[c] = err
	}
	return r.down[c]
}

// some fetches segments until the connection is lost, and returns how many were answered.
func (r *fetchRun) some(ctx context.Context, c *Client, segments []NZBSegment) (answered int, err error) {
	if err := r.isDown(c, nil); err != nil {
		return 0, err
	}
	ids := func(yield func(string) bool) {
		for _, s := range segments {
			if !yield(s.ID) {
				return
			}
		}
	}
	err = c.BulkPart(ctx, ids, Body, func(_ string, o *protocols.Object, err error) error {
		s := segments[answered]
		answered++
		if err == nil {
			err = r.part(s.ID, o.Body)
		}
		if lost := lostIn(c, o); lost != nil {
			answered--
			return lost
		}
		return r.elsewhere(ctx, c, s, err)
	})
	return answered, err
}

// lostIn returns the error of the connection of c if it was lost within an article.
func lostIn(c *Client, o *protocols.Object) error {
	if o == nil {
		return nil
	}
	if b, ok := o.Body.(*body); ok && b.s.c == c {
		return b.s.Failed()
	}
	return nil
}

// elsewhere asks the servers that fill in for c for a segment that c has failed to
// deliver with err. If none has it undamaged it is missing. The error it returns is not
// that of one part.
func (r *fetchRun) elsewhere(ctx context.Context, c *Client, s NZBSegment, err error) error {
	if err == nil {
		return nil
	}
	if protocols.KindOf(err) != protocols.KindLocal {
		err = filler{c}.each(ctx, target{id: s.ID}, Body, err, func(o *protocols.Object) error { return r.part(s.ID, o.Body) })
	}
	if found, ok := err.(*filled); ok {
		found.Body.Close()
		return nil
	}
	if protocols.KindOf(err) == protocols.KindLocal || ctx.Err() != nil {
		return err
	}
	r.missing(s, err)
	return nil
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
		r.done.Name = cmp.Or(p.Name, r.done.Name)
		return nil
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
	if r.done.Name = cmp.Or(name, r.done.Name); r.done.Name == "" && len(r.file.Segments) > 0 {
		r.done.Name = strings.Trim(r.file.Segments[0].ID, "<>")
	}
	dst, err := r.Create(r.done.Name)
	if err != nil {
		return nil, localOr(err)
	}
	r.dst, r.join = dst, NewJoin(dst)
	r.join.Max, r.join.Vote = r.Max, true
	return r.join, nil
}

// whole checks a file after all parts have arrived.
func (r *fetchRun) whole() error {
	if r.join == nil {
		return nil
	}
	if gaps := r.join.Missing(); len(gaps) > 0 {
		return damaged("the NZB has no part for "+GapText(gaps[0]), nil)
	}
	if in, ok := r.dst.(io.ReaderAt); ok {
		return r.join.Verify(in)
	}
	return nil
}

// GapText names a range of [Join.Missing].
func GapText(gap [2]int64) string {
	if gap[1] < 0 {
		return fmt.Sprintf("the bytes from %d on", gap[0])
	}
	return fmt.Sprintf("bytes %d to %d", gap[0], gap[1]-1)
}

// sequence decodes a uuencoded file, whose parts have no offsets: all articles as one
// text, in order. The parts after a gap have no known place.
func (r *fetchRun) sequence(ctx context.Context, c *Client) error {
	segments := r.inOrder()
	if len(r.done.Missing) > 0 {
		return nil
	}
	in, out := io.Pipe()
	result := make(chan error, 1)
	go func() {
		err := r.decodeAll(in)
		in.CloseWithError(err)
		result <- err
	}()
	var err error
	for len(segments) > 0 && err == nil && len(r.done.Missing) == 0 {
		var n int
		n, err = r.pour(ctx, c, segments, out)
		segments = segments[n:]
	}
	if len(r.done.Missing) > 0 {
		err = errGap
	}
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

// errGap ends the text of a file of which a part is missing.
var errGap = errors.New("a part is missing")

// inOrder returns the segments by their numbers, each once, and notes those that the NZB
// does not have.
func (r *fetchRun) inOrder() (segments []NZBSegment) {
	next := 0
	for _, s := range r.file.Segments {
		if s.Number > 0 && s.Number == next-1 {
			continue // a copy
		}
		if next > 0 && s.Number > next {
			r.missing(NZBSegment{Number: next}, damaged("the NZB does not name the part", nil))
		}
		if !s.usable() {
			r.missing(s, damaged("the NZB has no message-id for the part", nil))
		}
		segments = append(segments, s)
		next = s.Number + 1
	}
	return segments
}

// pour writes articles to out until the connection is lost, and then the one that was
// lost from another server. It returns how many are done.
func (r *fetchRun) pour(ctx context.Context, c *Client, segments []NZBSegment, out io.Writer) (done int, err error) {
	ids := func(yield func(string) bool) {
		for _, s := range segments {
			if !yield(s.ID) {
				return
			}
		}
	}
	written := int64(0) // of the article that is read
	err = c.BulkPart(ctx, ids, Body, func(_ string, o *protocols.Object, err error) error {
		if err != nil {
			r.missing(segments[done], err)
			return errGap
		}
		if written, err = io.Copy(out, o.Body); err != nil && err != io.ErrClosedPipe {
			return err
		}
		done, written = done+1, 0
		return nil
	})
	if err == nil || len(r.done.Missing) > 0 || written > 0 || done == len(segments) {
		return done, err
	}
	err = filler{c}.each(ctx, target{id: segments[done].ID}, Body, err, func(*protocols.Object) error { return nil })
	found, ok := err.(*filled)
	if !ok {
		return done, err
	}
	defer found.Body.Close()
	_, err = io.Copy(out, found.Body)
	return done + 1, err
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
