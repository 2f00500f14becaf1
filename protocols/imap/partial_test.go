package imap

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// cutConn ends after so many bytes have been read; left is shared by connections. The
// end is reported when the server has finished with all that it got: what a test sees
// afterwards does not change any more.
type cutConn struct {
	net.Conn
	left *atomic.Int64
	read *atomic.Int64
}

func (c *cutConn) Read(p []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		_ = c.Conn.(*net.TCPConn).CloseWrite()
		_, err := io.Copy(io.Discard, c.Conn)
		c.Conn.Close()
		return 0, cmp.Or(err, io.EOF)
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), left)])
	c.left.Add(-int64(n))
	c.read.Add(int64(n))
	return n, err
}

// largeLetter is a message of n bytes in which no part is like another.
func largeLetter(n int) string {
	var b strings.Builder
	r := rand.New(rand.NewPCG(5, 6))
	b.WriteString("Subject: large\r\n\r\n")
	for b.Len() < n {
		for range 70 {
			b.WriteByte(byte('a' + r.IntN(26)))
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

// TestResumeInside: a transfer that was cut inside of a large message goes on there
// the next time, and what comes out is the message.
func TestResumeInside(t *testing.T) {
	large := largeLetter(6 << 20)
	s := labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{})
	filler := labtest.Connect(t, New, s, nil)
	must(t, filler.Make(t.Context(), "big"))
	for _, text := range []string{letter(1), large, letter(2)} {
		_, err := filler.Put(t.Context(), "big", strings.NewReader(text), nil)
		must(t, err)
	}
	want := []string{letter(1), large, letter(2)}
	names := func(yield func(string) bool) {
		_ = yield("big;UID=1") && yield("big;UID=2") && yield("big;UID=3")
	}
	for _, test := range []struct {
		name   string
		cut    int64
		most   int64 // bytes of the second run
		damage bool
	}{
		{"goes on", 4 << 20, 3 << 20, false},
		{"damaged file", 4 << 20, 9 << 20, true},
		{"cut at its start", 100 << 10, 7 << 20, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var left, read atomic.Int64
			left.Store(test.cut)
			dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, addr)
				return &cutConn{conn, &left, &read}, err
			}
			dir := t.TempDir()
			run := func() (got []string, err error) {
				c := labtest.Connect(t, New, s, &protocols.Options{Dial: dial})
				defer c.Close()
				c.Settings.StateDir, c.Settings.Files = dir, disk{}
				err = c.BulkGet(t.Context(), names, func(_ string, o *protocols.Object, err error) error {
					if err != nil {
						return err
					}
					var b bytes.Buffer
					n, err := io.Copy(&b, o.Body)
					if err == nil && n != o.Entry.Size {
						t.Errorf("%d bytes of %d", n, o.Entry.Size)
					}
					got = append(got, b.String())
					return err
				})
				return got, err
			}
			if got, err := run(); err == nil || len(got) != 1 {
				t.Fatalf("%d messages, %v", len(got), err)
			}
			files, _ := filepath.Glob(filepath.Join(dir, "*"))
			if test.damage {
				f, err := disk{}.Open(files[0])
				must(t, err)
				_, err = f.Seek(-1000, io.SeekEnd)
				must(t, err)
				_, err = f.Write([]byte("damage"))
				must(t, err)
				must(t, f.Close())
			}
			left.Store(1 << 30)
			read.Store(0)
			got, err := run()
			must(t, err)
			for i, text := range got {
				if text != want[i] {
					t.Errorf("message %d: %d bytes, other content", i+1, len(text))
				}
			}
			if n := read.Load(); n > test.most || len(got) != 3 {
				t.Errorf("%d messages, %d bytes read", len(got), n)
			}
			if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 0 {
				t.Errorf("%q is left", files)
			}
		})
	}
}
