package protocoltest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/netclients/netclients/protocols"
)

// lawGet: all of the content and nothing else, however it is read; closing early
// leaves the client usable.
func lawGet(t *testing.T, h *Harness) {
	ctx, s, c := h.live(t)
	if !can[protocols.Getter](c) {
		t.Skip("the client is not a Getter")
	}
	for i, name := range s.Files {
		o, err := protocols.Get(ctx, c, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if o.Size >= 0 && o.Size != int64(len(s.Content[i])) {
			t.Errorf("%s: size %d reported, is %d", name, o.Size, len(s.Content[i]))
		}
		h.checkEntry(t, o.Entry)
		if err := sameContent(o.Body, s.Content[i]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		closeTwice(t, o.Body)
	}
	for range 3 { // early, after some bytes or none
		o, err := protocols.Get(ctx, c, s.Files[0], nil)
		if err != nil {
			t.Fatalf("after an early Close: %v", err)
		}
		o.Body.Read(make([]byte, 1))
		closeTwice(t, o.Body)
		if n, err := o.Body.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
			t.Errorf("read after Close: %d, %v", n, err)
		}
	}
	h.getParts(t)
}

// sameContent reads small contents in all ways there are, large ones at once.
func sameContent(r io.Reader, want []byte) error {
	if len(want) < 64<<10 {
		return iotest.TestReader(r, want)
	}
	got, err := io.ReadAll(r)
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%d bytes, want other %d", len(got), len(want))
	}
	return err
}

func closeTwice(t *testing.T, c io.Closer) {
	t.Helper()
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// getParts reads parts, also beyond the end, and objects that have changed.
func (h *Harness) getParts(t *testing.T) {
	ctx, s, c := h.live(t)
	all := s.Content[0]
	size := int64(len(all))
	for _, part := range [][2]int64{{0, 1}, {1, 0}, {1, 2}, {size - 1, 0}, {0, size}, {size - 1, 1}} {
		o, err := protocols.Get(ctx, c, s.Files[0], &protocols.GetOptions{Offset: part[0], Length: part[1]})
		if errors.Is(err, errors.ErrUnsupported) {
			continue // said so, which is all that can be asked for
		}
		if err != nil {
			t.Errorf("part %v: %v", part, err)
			continue
		}
		want := all[part[0]:]
		if part[1] > 0 {
			want = want[:part[1]]
		}
		got, err := io.ReadAll(o.Body)
		if err != nil || !bytes.Equal(got, want) || o.Offset != part[0] {
			t.Errorf("part %v: %d bytes from %d, want %d: %v", part, len(got), o.Offset, len(want), err)
		}
		closeTwice(t, o.Body)
	}
	for _, o := range []protocols.GetOptions{{Offset: -1}, {Length: -1}} {
		if _, err := protocols.Get(ctx, c, s.Files[0], &o); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%+v: %v, want kind usage", o, err)
		}
	}
	was := protocols.Entry{Size: size + 1}
	if _, err := protocols.Get(ctx, c, s.Files[0], &protocols.GetOptions{Same: &was}); !errors.Is(err, protocols.ErrChanged) {
		t.Errorf("another size than before: %v, want ErrChanged", err)
	}
}
