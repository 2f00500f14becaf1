package kit

import (
	"fmt"
	"io"

	"github.com/netclients/netclients/protocols"
)

// Budget is how much a peer may still send under --max-size.
type Budget struct{ left, limit int64 }

// Budget returns a new budget; without --max-size it has no end.
func (e *Env) Budget() *Budget { return &Budget{int64(e.Flags.MaxSize), int64(e.Flags.MaxSize)} }

// Take returns how many of n bytes fit, with an error of kind protocol when those are
// not all.
func (b *Budget) Take(n int) (fits int, err error) {
	if b.limit <= 0 {
		return n, nil
	}
	fits = int(min(int64(n), b.left))
	b.left -= int64(fits)
	if fits < n {
		err = protocols.ProtocolError("", "", fmt.Sprintf("the peer sent more than --max-size, %d bytes", b.limit))
	}
	return fits, err
}

// Stream returns standard output for what a peer sends until it stops. With
// --max-size a write that passes the budget fails; without it the stream itself comes
// back, so that the kernel can move the bytes.
func (e *Env) Stream() (io.Writer, error) {
	w, err := e.Out.Bytes()
	if e.Flags.MaxSize > 0 {
		w = &limited{w, e.Budget()}
	}
	return w, err
}

type limited struct {
	w      io.Writer
	budget *Budget
}

func (l *limited) Write(p []byte) (int, error) {
	fits, over := l.budget.Take(len(p))
	n, err := l.w.Write(p[:fits])
	if err == nil {
		err = over
	}
	return n, err
}
