package ftp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Facts about how a server takes REST before RETR.
const (
	factRestarts  = "RETR begins where REST says"
	factNoRestart = "RETR ignores REST"
)

// peekSize is how much of a file of unknown size is compared.
const peekSize = 512

// reader is a session that is about to read a file.
type reader struct{ *session }

// restarts reports whether RETR is known to begin where REST says.
func (s reader) restarts() bool {
	greeting := s.greeting.Text()
	return s.c.memory().Knows(s.c.server(), factRestarts) ||
		slices.ContainsFunc(known, func(name string) bool { return strings.Contains(greeting, name) })
}

// proveRestart fails when the server ignores REST, once for each server. Such servers
// reply 350 and send the file from its start, which looks like the part that was asked
// for. The last byte of the file shows it: more than one comes. Without a size the
// bytes at the offset must differ from those at the start.
func (s reader) proveRestart(ctx context.Context, path string, offset, size int64) error {
	if s.restarts() || size == 0 || size == 1 {
		return nil
	}
	if s.c.memory().Knows(s.c.server(), factNoRestart) {
		return ignoresRest("the server ignores REST and sends files from their start")
	}
	var follows bool
	if size > 0 {
		last, err := s.peek(ctx, path, size-1, 2)
		if err != nil {
			return err
		}
		follows = len(last) < 2
	} else {
		start, err := s.peek(ctx, path, 0, peekSize)
		if err != nil {
			return err
		}
		part, err := s.peek(ctx, path, offset, peekSize)
		if err != nil {
			return err
		}
		if follows = !bytes.Equal(start, part); !follows {
			return ignoresRest("it is not certain that the server follows REST: the start of the file and what comes from the offset are the same")
		}
	}
	if !follows {
		s.c.memory().Note(s.c.server(), factNoRestart)
		return ignoresRest("the server ignores REST and sends files from their start")
	}
	s.c.memory().Note(s.c.server(), factRestarts)
	return nil
}

func ignoresRest(text string) error {
	return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Text: text, Hint: "transfer the whole file"}
}

// peek reads at most n bytes of a file from an offset.
func (s reader) peek(ctx context.Context, path string, offset int64, n int) ([]byte, error) {
	st, err := s.open(ctx, transfer{verb: "RETR", arg: path, rest: offset})
	if err != nil {
		return nil, err
	}
	defer st.conn.Use(ctx)()
	defer st.conn.Close()
	b := make([]byte, n)
	got, err := io.ReadFull(st.conn, b)
	switch err {
	case nil:
		st.abort()
		return b, s.Failed()
	case io.EOF, io.ErrUnexpectedEOF:
		return b[:got], st.end()
	}
	return nil, st.broken(ctx, err)
}
