package http

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

func harness() protocoltest.Harness {
	return protocoltest.Harness{
		Spec:    Spec(),
		URL:     "http://alice@localhost/",
		Secret:  "Xyzzy-5up3r",
		Server:  labServer,
		Garbage: "this is no answer",
		Skip:    map[string]string{"credentials": "nobody is asked for them before a server wants a login, and by then a request was sent"},
		Dialogs: []protocoltest.Dialog{
			{File: "testdata/get.dialog", Call: protocoltest.Get("a/file.txt", nil), Options: func(o *protocols.Options) { o.Mechanism = "basic" }},
			{File: "testdata/chunks.dialog", Call: protocoltest.Get("a/file.txt", nil)},
			{File: "testdata/missing.dialog", Call: protocoltest.Stat("gone")},
			{File: "testdata/list.dialog", Call: protocoltest.List("d/"), Setup: knowsDAV},
		},
	}
}

// knowsDAV is the state after a first listing. Before it, a client whose PROPFIND is not
// answered asks for the index page: see TestPagesBehindFirewalls.
func knowsDAV(c protocols.Client) {
	h := c.(*Client)
	h.engine.login(h.url).hasDAV = true
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) { protocoltest.Run(t, harness()) }

// BenchmarkConformance measures against the server of package lab.
func BenchmarkConformance(b *testing.B) { protocoltest.RunBenchmarks(b, Spec(), labServer) }

// labServer starts a server with the sample tree, a folder of 10,000 entries and
// a large file.
func labServer(t testing.TB) *protocoltest.Server {
	t.Helper()
	tree := lab.Sample()
	for i := range 10_000 {
		if err := tree.Virtual(fmt.Sprintf("/many/file-%05d.txt", i), int64(i), lab.Pattern(2)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tree.Virtual("/big.bin", 64<<20, lab.Pattern(3)); err != nil {
		t.Fatal(err)
	}
	h := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{Tree: tree, LoginToRead: true})
	s := &protocoltest.Server{
		URL: labtest.WithUser(h.URL()), Options: &protocols.Options{},
		Folder: "pub/", Missing: "no-such-thing", New: "incoming/new file.txt", Many: "many/", Big: "big.bin",
		Files: []string{"pub/large.bin", "pub/two words.txt", "pub/all-bytes.bin"},
	}
	for _, name := range s.Files {
		content, err := tree.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s.Content = append(s.Content, bytes.Clone(content))
	}
	return s
}
