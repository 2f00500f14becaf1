package ftp

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

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
	f, err := ftplab.Start(ftplab.Options{Tree: tree})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	s := &protocoltest.Server{
		URL: "ftp://alice:secret@" + f.Addr() + "/", Options: &protocols.Options{},
		Folder: "pub", Missing: "no-such-thing", New: "incoming/new file.txt", Many: "many", Big: "big.bin",
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
