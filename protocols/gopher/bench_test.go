package gopher

import (
	"net/url"
	"testing"

	"github.com/netclients/netclients/protocols/protocoltest"
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

// BenchmarkConformance measures the verbs; the server's part is in it.
func BenchmarkConformance(b *testing.B) { protocoltest.RunBenchmarks(b, Spec(), labServer) }
