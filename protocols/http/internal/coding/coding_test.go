package coding

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

// TestLongGzipHeader: the optional fields of a gzip header have no bound of 512 bytes.
func TestLongGzipHeader(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Name, z.Comment, z.Extra = strings.Repeat("n", 900), strings.Repeat("c", 2000), []byte(strings.Repeat("e", 700))
	io.WriteString(z, "hello")
	z.Close()
	r, err := NewReader("gzip", &packed)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); string(got) != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := NewReader("gzip", io.MultiReader(strings.NewReader("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"), strings.NewReader(strings.Repeat("n", 2*maxGzipHead)))); err == nil {
		t.Error("an endless name is taken")
	}
	if Known("none") {
		t.Error("none is a coding")
	}
	if _, err := NewReader("none", nil); err == nil {
		t.Error("an unknown coding is decoded")
	}
}

// TestGzipMembers: members follow one another; zeros after the last one are padding, and
// anything else is an error.
func TestGzipMembers(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, strings.Repeat("hello", 1000))
	z.Close()
	one := packed.String()
	for name, c := range map[string]struct {
		in    string
		times int // of the content; 0: an error
	}{
		"one": {one, 1}, "three": {one + one + one, 3}, "padded": {one + strings.Repeat("\x00", 100_000), 1},
		"padding between": {one + "\x00" + one, 0}, "rubbish": {one + "x", 0}, "second cut": {one + one[:12], 0}, "cut": {one[:len(one)-1], 0},
	} {
		r, err := NewReader("gzip", strings.NewReader(c.in))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if want := strings.Repeat("hello", 1000*c.times); (err == nil) != (c.times > 0) || err == nil && string(got) != want {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func FuzzNewReader(f *testing.F) {
	f.Add("gzip", "\x1f\x8b\x08\x1f\x00\x00\x00\x00\x00\xff\x01\x00x\x00\x00\x00\x00")
	f.Add("deflate", "\x78\x9c")
	f.Fuzz(func(t *testing.T, name, content string) {
		if r, err := NewReader(name, strings.NewReader(content)); err == nil {
			io.Copy(io.Discard, io.LimitReader(r, 1<<20))
			r.Close()
		}
	})
}
