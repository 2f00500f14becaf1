package nntp

import (
	"io"
	"strconv"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// linesOf reads the lines after a reply; it returns line.ErrStop if each returned false.
// A line is valid until the next one.
func (s *session) linesOf(d lineSource, each func(line []byte) bool) error {
	for {
		text, err := d.ReadLine()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return s.Fail(err)
		case !each(text):
			return s.rest(d)
		}
	}
}

// parsed is linesOf for lines that need parsing; ok is false for a line that each
// cannot parse. More of them in a row than a reply may have lines end the session.
func (s *session) parsed(d lineSource, each func(line []byte) (ok, more bool)) error {
	bad := 0
	err := s.linesOf(d, func(text []byte) bool {
		ok, more := each(text)
		if bad++; ok {
			bad = 0
		}
		return more && bad <= s.Limits.ReplyLines
	})
	if bad > s.Limits.ReplyLines {
		return s.Fail(&wire.LimitError{What: "run of invalid lines", Limit: int64(s.Limits.ReplyLines), Unit: "lines"})
	}
	return err
}

// odd warns, once in a session, of a line that cannot be read.
func (s *session) odd(list, line string) {
	if !s.warned {
		s.warned = true
		s.Conn.Event(protocols.EventWarning, "a line of the "+list+" cannot be read: "+strconv.Quote(wire.Clip(line)), 0)
	}
}

// lineSource returns the lines of a multi-line reply up to io.EOF.
type lineSource interface {
	ReadLine() ([]byte, error)
	Drain(limit int64) error
}

// block returns the lines after a reply. A server whose greeting ended with a bare LF
// ends all of its lines so.
func (s *session) block() *wire.DotReader {
	d := wire.NewDotReader(s.In)
	d.LenientLF = s.bareLF
	return d
}

// mostDrained is the most bytes of an unwanted reply that are read to keep the
// connection.
const mostDrained = 256 << 10

// rest drops the rest of a reply, or ends the session if that is too long.
func (s *session) rest(d lineSource) error {
	if err := d.Drain(mostDrained); err != nil {
		s.Fail(err)
	}
	return line.ErrStop
}

// bounded collects the lines after a reply, within the limits of a reply.
func (s *session) bounded(d lineSource) ([]string, error) {
	var lines []string
	size := int64(0)
	var limit error
	err := s.linesOf(d, func(text []byte) bool {
		if size += int64(len(text)) + 2; size > s.Limits.Reply {
			limit = &wire.LimitError{What: "reply", Limit: s.Limits.Reply}
			return false
		}
		if len(lines) == s.Limits.ReplyLines {
			limit = &wire.LimitError{What: "reply", Limit: int64(s.Limits.ReplyLines), Unit: "lines"}
			return false
		}
		lines = append(lines, string(text))
		return true
	})
	if limit != nil {
		return lines, s.Fail(limit)
	}
	return lines, err
}
