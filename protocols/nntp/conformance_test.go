package nntp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// BenchmarkConformance measures against the server of package lab.
func BenchmarkConformance(b *testing.B) { protocoltest.RunBenchmarks(b, Spec(), bigServer) }

// labServer starts a server with the sample.
func labServer(t testing.TB) *protocoltest.Server {
	s := labtest.Start(t, newslab.Start, newslab.Options{})
	server := &protocoltest.Server{
		URL: "nntp://alice:secret@" + s.Addr() + "/", Options: &protocols.Options{},
		Folder: "local.test", Missing: "no.such.group/1", Files: []string{"local.test/5", "<3@lab.invalid>", "local.test/6"},
	}
	for _, id := range []string{"<5@lab.invalid>", "<3@lab.invalid>", "<6@lab.invalid>"} {
		content, _ := s.News().Article(id)
		server.Content = append(server.Content, content)
	}
	return server
}

// bigServer has a group of 10,000 articles, and one article of 64 MiB.
func bigServer(t testing.TB) *protocoltest.Server {
	news := newslab.Sample()
	news.Virtual("local.many", 10_000, virtualArticle)
	big := "From: a@lab.invalid\nSubject: big\nNewsgroups: local.test\nMessage-ID: <big@lab.invalid>\n\n" + strings.Repeat(strings.Repeat("x", 63)+"\n", 1<<20)
	if _, err := news.Add(big, time.Now()); err != nil {
		t.Fatal(err)
	}
	s := labtest.Start(t, newslab.Start, newslab.Options{News: news})
	return &protocoltest.Server{
		URL: "nntp://alice:secret@" + s.Addr() + "/", Options: &protocols.Options{},
		Folder: "local.test", Files: []string{"local.test/1"}, Many: "local.many", Big: "<big@lab.invalid>",
	}
}

func virtualArticle(n int64) []byte {
	return fmt.Appendf(nil, "From: Poster %d <p%d@lab.invalid>\r\nNewsgroups: local.many\r\nSubject: Article number %d of many\r\n"+
		"Date: Mon, 01 Apr 2024 12:00:00 +0000\r\nMessage-ID: <v.%d@local.many>\r\nReferences: <v.%d@local.many>\r\n\r\nText of number %d.\r\n", n, n%100, n, n, max(1, n-1), n)
}
