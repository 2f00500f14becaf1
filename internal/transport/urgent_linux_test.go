package transport

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/urgent"
)

// TestWriteToPassesUrgentData: a byte that the peer marks as urgent stops a
// splice, but does not end the stream.
func TestWriteToPassesUrgentData(t *testing.T) {
	host, port := serve(t, func(c net.Conn) {
		pause := func() { time.Sleep(50 * time.Millisecond) }
		io.WriteString(c, "first-")
		pause()
		urgent.Send(c.(*net.TCPConn), []byte("!"))
		pause()
		io.WriteString(c, "-second")
		pause()
		urgent.Send(c.(*net.TCPConn), []byte("!"))
		pause()
		io.WriteString(c, "-third")
	})
	const want = "first--second-third" // the urgent bytes are out of band
	t.Run("file", func(t *testing.T) {
		c, f := connect(t, dialer(nil), host, port), newFile(t)
		if n, err := c.WriteTo(f); n != int64(len(want)) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		sameAsFile(t, f, []byte(want))
	})
	t.Run("pipe", func(t *testing.T) {
		c := connect(t, dialer(nil), host, port)
		r, w := pipes(t)
		n, err := c.WriteTo(w)
		w.Close()
		if n != int64(len(want)) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if got, err := io.ReadAll(r); string(got) != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("limit", func(t *testing.T) {
		c, f := connect(t, dialer(nil), host, port), newFile(t)
		if n, err := c.WriteToN(f, 9); n != 9 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		sameAsFile(t, f, []byte(want[:9]))
	})
}
