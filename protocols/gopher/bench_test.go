package gopher

import (
	"io"
	"net/url"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// BenchmarkMenuLine parses one line of a menu.
func BenchmarkMenuLine(b *testing.B) {
	c, err := New(&url.URL{Scheme: "gopher", Host: "localhost:7070", Path: "/"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	p := c.newMenuParser(nil)
	b.ReportAllocs()
	for b.Loop() {
		if e, _ := p.parse("0entry of a long menu, with some text\t/folder/entry-00001.txt\tlocalhost\t7070"); !e.Parsed() {
			b.Fatal(e.Raw)
		}
	}
}

// BenchmarkList reads a menu of 10,000 entries; the server's part is in it.
func BenchmarkList(b *testing.B) {
	s := labServer(b)
	c := open(b, s.URL, s.Options)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range protocols.List(b.Context(), c, s.Many) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10_000 {
			b.Fatal(n)
		}
	}
}

// BenchmarkGet reads a file of 64 MiB.
func BenchmarkGet(b *testing.B) {
	s := labServer(b)
	c := open(b, s.URL, s.Options)
	b.SetBytes(64 << 20)
	for b.Loop() {
		o, err := c.Get(b.Context(), s.Big, nil)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, o.Body); n != 64<<20 || err != nil {
			b.Fatal(n, err)
		}
		o.Body.Close()
	}
}
