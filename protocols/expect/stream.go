// Package expect holds conversations over any two-way stream: reading up to a text
// or regular expression within a time limit, and scripts of such steps, as expect(1)
// and Python's telnetlib have them. protocols.Talk returns such a stream.
//
//   - [Stream] reads with patterns and time limits
//   - [Parse] reads a [Script], [Script.Run] plays it; its language is [Language]
//
// Nothing here depends on a protocol; a stream that has them may offer more:
// SetReadDeadline (without it no time limit can end a read), CloseWrite,
// AllowSecret (asked before a secret is sent), SendUrgent, StartTLS, Event (the
// trace) and Signal (commands of Telnet).
package expect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"time"

	"github.com/netclients/netclients/protocols"
)

// DefaultWindow is how much of what came is searched for a pattern.
const DefaultWindow = 64 << 10

// Stream reads from a stream by patterns. One goroutine may read while another
// writes.
type Stream struct {
	rw       io.ReadWriter
	deadline func(time.Time) error
	window   int
	buf      []byte // what came and was not given out yet
	end      error  // why nothing more will come
	dropped  int64

	// Received, when set, sees all that comes, as it comes, before it is matched.
	// p must not be kept.
	Received func(p []byte) error
}

// NewStream makes a Stream. window is how many bytes are searched at most: when
// more comes without a match, the oldest are thrown away; 0 is [DefaultWindow].
func NewStream(rw io.ReadWriter, window int) *Stream {
	if window <= 0 {
		window = DefaultWindow
	}
	s := &Stream{rw: rw, window: window, deadline: func(time.Time) error { return nil }}
	if d, ok := rw.(interface{ SetReadDeadline(time.Time) error }); ok {
		s.deadline = d.SetReadDeadline
	}
	return s
}

// Opened makes the result of a Talk from that of a Connect: with an error
// the stream is nil, not one that holds a nil.
func Opened[C io.ReadWriteCloser](conn C, err error) (io.ReadWriteCloser, error) {
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Match is what [Stream.Expect] found.
type Match struct {
	Index  int      // of the pattern; -1: none
	Text   []byte   // all that came up to the end of the match; without a match all there is
	Groups []string // of the match: the whole, then its groups
	Names  []string // of the groups, as regexp has them
}

// Read returns what was received and not consumed yet, else what comes next.
func (s *Stream) Read(p []byte) (int, error) {
	if len(s.buf) > 0 {
		n := copy(p, s.buf)
		s.consume(n)
		return n, nil
	}
	if s.end != nil {
		return 0, s.end
	}
	n, err := s.rw.Read(p)
	return n, s.seen(p[:n], err)
}

// Write writes to the stream.
func (s *Stream) Write(p []byte) (int, error) { return s.rw.Write(p) }

// Buffered returns what was received and not consumed yet. It is good until the
// next call.
func (s *Stream) Buffered() []byte { return s.buf }

// Dropped counts the bytes that were thrown away because no pattern matched.
func (s *Stream) Dropped() int64 { return s.dropped }

// seen shows what came to Received.
func (s *Stream) seen(p []byte, err error) error {
	if s.Received != nil && len(p) > 0 {
		if rerr := s.Received(p); rerr != nil {
			return rerr
		}
	}
	return err
}

func (s *Stream) consume(n int) []byte {
	out := bytes.Clone(s.buf[:n])
	s.buf = s.buf[:copy(s.buf, s.buf[n:])]
	return out
}

// Expect reads until one of the patterns matches what came, and consumes it up to
// the end of the match. Of several that match the first in the list counts. When
// the time is over the error is of kind Timeout, at the end of the stream it is
// io.EOF; then Match.Text holds all that had come, consumed. within 0 is no
// limit, a negative one looks only at what is there.
func (s *Stream) Expect(ctx context.Context, within time.Duration, patterns ...*regexp.Regexp) (Match, error) {
	m := Match{Index: -1}
	err := s.until(ctx, within, func(int) int {
		for i, re := range patterns {
			if at := re.FindSubmatchIndex(s.buf); at != nil {
				m = Match{Index: i, Groups: groups(s.buf, at), Names: re.SubexpNames()}
				return at[1]
			}
		}
		return -1
	}, &m.Text)
	return m, err
}

func groups(text []byte, at []int) []string {
	out := make([]string, len(at)/2)
	for i := range out {
		if at[2*i] >= 0 {
			out[i] = string(text[at[2*i]:at[2*i+1]])
		}
	}
	return out
}

// ReadUntil reads up to and including text, within a time as with
// [Stream.Expect]. With an error it returns what had come.
func (s *Stream) ReadUntil(ctx context.Context, text string, within time.Duration) ([]byte, error) {
	var out []byte
	err := s.until(ctx, within, func(seen int) int {
		from := max(seen-len(text)+1, 0)
		if i := bytes.Index(s.buf[from:], []byte(text)); i >= 0 {
			return from + i + len(text)
		}
		return -1
	}, &out)
	return out, err
}

// until reads until find returns the end of what to consume. seen is how much of
// the buffer find has looked at already.
func (s *Stream) until(ctx context.Context, within time.Duration, find func(seen int) int, out *[]byte) error {
	stop := s.limit(ctx, within)
	defer stop()
	for seen := 0; ; {
		if end := find(seen); end >= 0 {
			*out = s.consume(end)
			return nil
		}
		seen = len(s.buf)
		if s.end != nil {
			*out = s.consume(len(s.buf))
			return s.end
		}
		if within < 0 {
			*out = s.consume(len(s.buf))
			return timeout(within)
		}
		before := s.dropped
		if err := s.fill(); err != nil {
			*out = s.consume(len(s.buf))
			return s.ended(ctx, err, within)
		}
		seen -= int(s.dropped - before)
	}
}

// limit sets the time until which reads wait, and ties them to the context.
func (s *Stream) limit(ctx context.Context, within time.Duration) (stop func()) {
	until := time.Time{}
	if within > 0 {
		until = time.Now().Add(within)
	}
	_ = s.deadline(until)
	ended := make(chan struct{})
	off := context.AfterFunc(ctx, func() {
		defer close(ended)
		_ = s.deadline(time.Unix(1, 0))
	})
	return func() {
		if !off() {
			<-ended
		}
		_ = s.deadline(time.Time{})
	}
}

// fill reads once.
func (s *Stream) fill() error {
	if len(s.buf) >= s.window { // the half that came first is given up
		half := len(s.buf) / 2
		s.buf = s.buf[:copy(s.buf, s.buf[half:])]
		s.dropped += int64(half)
	}
	if s.buf == nil {
		s.buf = make([]byte, 0, min(s.window, 4<<10))
	}
	if len(s.buf) == cap(s.buf) {
		s.buf = append(make([]byte, 0, min(4*cap(s.buf), s.window)), s.buf...)
	}
	n, err := s.rw.Read(s.buf[len(s.buf):cap(s.buf)])
	fresh := s.buf[len(s.buf) : len(s.buf)+n]
	s.buf = s.buf[:len(s.buf)+n]
	err = s.seen(fresh, err)
	if n > 0 && (err == io.EOF || IsTimeout(err)) {
		err = nil // it comes again
	}
	if err != nil && !IsTimeout(err) {
		s.end = err
	}
	return err
}

// ended says why reading ended: the context, the time, or the stream.
func (s *Stream) ended(ctx context.Context, err error, within time.Duration) error {
	if !IsTimeout(err) {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return timeout(within)
}

func timeout(within time.Duration) error {
	return &protocols.Error{Kind: protocols.KindTimeout, Text: "not seen within " + max(within, 0).String()}
}

// IsTimeout distinguishes the deadline of a read from what ends a stream for good.
func IsTimeout(err error) bool {
	if _, ours := errors.AsType[*protocols.Error](err); ours {
		return false
	}
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// ReadSome returns what is there, or waits for the next bytes. At the end of the
// stream it returns io.EOF.
func (s *Stream) ReadSome(ctx context.Context) ([]byte, error) {
	stop := s.limit(ctx, 0)
	defer stop()
	if len(s.buf) == 0 && s.end == nil {
		if err := s.fill(); err != nil {
			return nil, s.ended(ctx, err, 0)
		}
	}
	if len(s.buf) == 0 {
		return nil, s.end
	}
	return s.consume(len(s.buf)), nil
}

// ReadAvailable returns what can be read without waiting, maybe nothing.
func (s *Stream) ReadAvailable() ([]byte, error) {
	defer func() { _ = s.deadline(time.Time{}) }()
	for len(s.buf) < s.window && s.end == nil {
		_ = s.deadline(time.Now().Add(time.Millisecond))
		if s.fill() != nil {
			break
		}
	}
	if len(s.buf) == 0 && s.end != nil {
		return nil, s.end
	}
	return s.consume(len(s.buf)), nil
}

// WriteTo writes all that comes to w, until the stream ends or a time limit set
// by others does. What was buffered comes first.
func (s *Stream) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{s}, make([]byte, 64<<10))
}

// Interact sends each piece of in as it is read, and writes all that comes to out,
// until the peer ends the stream, or the context ends. The end of in is told to the peer
// as [EndInput] does. A read of in that is under way at
// the end is left behind; to end it too, the caller closes in.
func (s *Stream) Interact(ctx context.Context, in io.Reader, out io.Writer) error {
	sent := make(chan error, 1)
	go func() {
		_, err := io.Copy(struct{ io.Writer }{s.rw}, in)
		if err == nil {
			err = EndInput(s.rw, false)
		}
		sent <- err
	}()
	stop := s.limit(ctx, 0)
	_, err := s.WriteTo(out)
	stop()
	if err != nil {
		return s.ended(ctx, err, 0)
	}
	select {
	case err = <-sent:
	default: // whoever types at the other end of in is not waited for
	}
	return err
}

// ReadAll reads to the end of the stream, but at most limit bytes, beyond which
// the error is of kind Protocol.
func (s *Stream) ReadAll(ctx context.Context, limit int64) ([]byte, error) {
	stop := s.limit(ctx, 0)
	defer stop()
	out, err := io.ReadAll(io.LimitReader(struct{ io.Reader }{s}, limit+1))
	if err != nil {
		return out, s.ended(ctx, err, 0)
	}
	if int64(len(out)) > limit {
		return out[:limit], protocols.ProtocolError("", "", "more than the limit came")
	}
	return out, nil
}

// FirstLine returns the first line of text that has something in it, without the
// space around it.
func FirstLine(text []byte) string {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return string(line)
		}
	}
	return ""
}
