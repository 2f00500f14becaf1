package line

import (
	"compress/flate"
	"io"

	"github.com/netclients/netclients/protocols"
)

// Deflate returns the writer of a session that the server has agreed to compress (RFC
// 4978, 8054): each write goes out at once. unread is how many bytes the session has
// read beyond the reply. There must be none: what came uncompressed after the agreement
// did not come from the server.
func (t *Core) Deflate(unread int) (io.Writer, error) {
	if unread > 0 {
		return nil, t.Fail(&protocols.Error{Kind: protocols.KindProtocol, Text: "uncompressed data after the COMPRESS reply"})
	}
	w, err := flate.NewWriter(t.Conn, flate.DefaultCompression)
	if err != nil {
		return nil, t.Fail(err)
	}
	return &flushed{w}, nil
}

// flushed sends each write at once.
type flushed struct{ w *flate.Writer }

func (f *flushed) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.w.Flush()
	}
	return n, err
}
