package imap

import (
	"compress/flate"

	"github.com/netclients/netclients/internal/inflate"
	"github.com/netclients/netclients/protocols"
)

// compress turns on COMPRESS=DEFLATE (RFC 4978), where the server has it.
func (s *session) compress() error {
	if !s.caps["COMPRESS=DEFLATE"] {
		s.conn.Event(protocols.EventNote, "the server has no COMPRESS=DEFLATE", 0)
		return nil
	}
	if err := s.simple("COMPRESS", "DEFLATE"); err != nil {
		return err
	}
	if s.in.Buffered() > 0 {
		return s.fail(protocols.ProtocolError(proto, "", "uncompressed bytes behind the answer to COMPRESS"))
	}
	s.in.Reset(inflate.NewReader(s.conn, s.c.limits.Decompressed))
	w, err := flate.NewWriter(s.conn, flate.DefaultCompression)
	if err != nil {
		return s.fail(err)
	}
	s.wireOut(&flushed{w})
	return nil
}

// flushed makes each write whole on the wire.
type flushed struct{ w *flate.Writer }

func (f *flushed) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.w.Flush()
	}
	return n, err
}
