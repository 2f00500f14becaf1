package ftp

import (
	"context"
	"time"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp/internal/listing"
)

// peek is how many entries of a listing are held back at most while the server's
// time zone is being found out.
const peek = 256

// zoneFinder passes the entries of a LIST on. LIST shows times in the server's
// own time zone without naming it; MDTM uses UTC (RFC 3659 2.3). The first
// entries wait until one file with a time of day has been asked for by MDTM: on
// this session when the listing has ended by then, else on a second one, since a
// control connection is not free during a transfer.
type zoneFinder struct {
	s      *session
	ctx    context.Context
	dir    string
	parser *listing.Parser
	yield  func(protocols.Entry) bool
	held   []protocols.Entry
	done   bool // nothing is held back any more
}

// entry takes one entry; false means that the reader has had enough.
func (z *zoneFinder) entry(e protocols.Entry) bool {
	e = lister{z.s}.placed(e, z.dir)
	if z.done || z.s.zone != nil || !z.s.has("MDTM") {
		return z.yield(e)
	}
	z.held = append(z.held, e)
	if len(z.held) < peek {
		return true
	}
	if i := z.candidate(); i >= 0 {
		z.ask(i, z.askAside)
	}
	return z.release()
}

// end returns what is still held back when the listing is complete.
func (z *zoneFinder) end() error {
	if len(z.held) > 0 {
		if i := z.candidate(); i >= 0 {
			z.ask(i, z.s.modified)
		}
	}
	if !z.release() {
		return line.ErrStop
	}
	return nil
}

// candidate finds a file whose listed time has hours and minutes.
func (z *zoneFinder) candidate() int {
	for i, e := range z.held {
		if e.Type == protocols.TypeFile && !e.Modified.IsZero() && e.Accuracy < 15*time.Minute && checkName(e.Name) == nil {
			return i
		}
	}
	return -1
}

func (z *zoneFinder) ask(i int, mdtm func(ctx context.Context, path string) (time.Time, error)) {
	e := z.held[i]
	exact, err := mdtm(z.ctx, e.Path)
	if err != nil || exact.IsZero() {
		return
	}
	offset, ok := listing.ZoneOffset(e.Modified, e.Accuracy, exact)
	if !ok {
		return
	}
	z.s.zone = time.FixedZone("server", int(offset/time.Second))
	z.parser.SetZone(z.s.zone)
	for i := range z.held {
		if !z.held[i].Modified.IsZero() {
			z.held[i].Modified = z.held[i].Modified.Add(-offset)
		}
	}
}

// askAside asks on a session of its own, which ends at once.
func (z *zoneFinder) askAside(ctx context.Context, name string) (time.Time, error) {
	s, err := z.s.c.line.Walk(ctx, line.Settled, nil)
	if err != nil {
		return time.Time{}, err
	}
	defer s.Conn.Close()
	done := s.Conn.Use(ctx)
	defer done()
	t, err := s.modified(ctx, name)
	z.s.c.line.Goodbye(ctx, s)
	return t, err
}

// modified asks for the exact time of a file; zero when the server will not say.
func (s *session) modified(ctx context.Context, name string) (time.Time, error) {
	path, err := s.path(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	r, err := s.Cmd("MDTM", path)
	if err != nil {
		return time.Time{}, err
	}
	return timeOf(r), nil
}

func (z *zoneFinder) release() bool {
	held := z.held
	z.held, z.done = nil, true
	for _, e := range held {
		if !z.yield(e) {
			return false
		}
	}
	return true
}
