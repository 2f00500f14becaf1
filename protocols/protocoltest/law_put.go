package protocoltest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// contents are hard ones: nothing, no line end, both line ends, dots that end
// messages elsewhere, all bytes, and more than buffers hold.
var contents = []string{
	"", "x", "no line end", "a\r\nb\nc\rd\r\n", ".\r\n..\r\n.\r\n", "\xff\xf4\xff\xff\x00\x1a\x04", strings.Repeat("0123456789abcde\n", 40_000),
}

// lawPut: what is read back is what was stored, and a reader that fails leaves
// what was there before.
func lawPut(t *testing.T, h *Harness) {
	ctx, s, c := h.live(t)
	if !can[protocols.Putter](c) || !can[protocols.Getter](c) {
		t.Skip("the client does not store and read under a name")
	}
	if err := putBroken(ctx, c, s.New); !errors.Is(err, errReader) {
		t.Errorf("a reader that fails: %v, want its error", err)
	}
	if _, err := readAll(ctx, c, s.New); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after a reader that failed: %v, want no such name", err)
	}
	for _, text := range contents {
		e, err := protocols.Put(ctx, c, s.New, strings.NewReader(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if e.Size != int64(len(text)) || e.Path != s.New {
			t.Errorf("stored %d bytes as %q, the entry says %d as %q", len(text), s.New, e.Size, e.Path)
		}
		h.checkEntry(t, e)
		if got, err := readAll(ctx, c, s.New); err != nil || got != text {
			t.Errorf("read %d bytes back, want %d: %v", len(got), len(text), err)
		}
		putBroken(ctx, c, s.New)
		if got, err := readAll(ctx, c, s.New); err != nil || got != text {
			t.Errorf("after a reader that failed: %d bytes, want the %d from before: %v", len(got), len(text), err)
		}
	}
}

func putBroken(ctx context.Context, c protocols.Client, name string) error {
	_, err := protocols.Put(ctx, c, name, failingReader{strings.NewReader("half of it")}, nil)
	return err
}

func readAll(ctx context.Context, c protocols.Client, name string) (string, error) {
	o, err := protocols.Get(ctx, c, name, nil)
	if err != nil {
		return "", err
	}
	defer o.Body.Close()
	b, err := io.ReadAll(o.Body)
	return string(b), err
}
