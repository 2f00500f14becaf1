package gopher

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

var update = flag.Bool("update", false, "write down in testdata/*.dialog what the calls give now")

// recording is a dialogue with the call that it belongs to.
type recording struct {
	name  string
	call  protocoltest.Call
	setup func(s *Settings)
	skip  map[string]string
	spare int
}

// noEnd: such an answer ends with the connection, so that a cut in good order is
// no error, and has no limits.
var noEnd = map[string]string{
	"cut":     "the end of the connection is the end of a text or file (RFC 1436 3.8)",
	"garbage": "content may be anything",
	"flood":   "content may have any length",
}

// loneDot: noEnd, and silence behind a lone dot is the end.
var loneDot = map[string]string{
	"cut": noEnd["cut"], "garbage": noEnd["garbage"], "flood": noEnd["flood"],
	"hang": "a lone dot with nothing behind it ends a text", "idle": "a lone dot with nothing behind it ends a text",
}

// lenient: menus end with the connection too, as servers do that leave out the dot.
var lenient = map[string]string{"cut": "many servers leave out the dot that ends a menu"}

// plain: what is no Gopher+ answer is that of a plain server.
var plain = map[string]string{"garbage": "an answer that is not Gopher+ is that of a plain server"}

var plainLenient = map[string]string{"garbage": plain["garbage"], "cut": lenient["cut"]}

func search(name, query string) protocoltest.Call {
	return func(ctx context.Context, c protocols.Client) (results []any, err error) {
		for e, err := range protocols.Search(ctx, c, name, query) {
			if err != nil {
				return results, err
			}
			results = append(results, e)
		}
		return results, nil
	}
}

func attributes(name string) protocoltest.Call {
	return func(ctx context.Context, c protocols.Client) (results []any, err error) {
		all, err := c.(*Client).Attributes(ctx, name)
		for _, a := range all {
			results = append(results, a)
		}
		for _, v := range Views(all) {
			results = append(results, v)
		}
		return results, err
	}
}

func german(s *Settings) { s.View = "Text/plain De_DE" }

func recordings() []recording {
	return []recording{
		{name: "list", call: protocoltest.List("1/gopher"), skip: lenient},
		{name: "list-missing", call: protocoltest.List("1/nothere"), skip: lenient, spare: 1},
		{name: "list-not-found", call: protocoltest.List("1/nothere"), skip: lenient},
		{name: "list-bad-lines", call: protocoltest.List(""), skip: lenient},
		{name: "search", call: search("7/find", "two words"), skip: lenient},
		{name: "get-text", call: protocoltest.Get("0/dots.txt", nil), skip: noEnd},
		{name: "get-no-dot", call: protocoltest.Get("0/hello.txt", nil), skip: loneDot},
		{name: "get-binary", call: protocoltest.Get("9/blob.bin", nil), skip: noEnd},
		{name: "get-missing", call: protocoltest.Get("0/nothere", nil), skip: noEnd, spare: 1},
		{name: "get-part", call: protocoltest.Get("0/hello.txt", &protocols.GetOptions{Length: 5}), skip: noEnd, spare: 1},
		{name: "plus-view", call: protocoltest.Get("0/a.txt", nil), setup: german, skip: plain},
		{name: "plus-error", call: protocoltest.Get("0/a.txt", nil), setup: german, skip: plainLenient, spare: 1},
		{name: "plus-attributes", call: attributes("0/a.txt"), skip: plainLenient},
	}
}

func (r recording) dialog() protocoltest.Dialog {
	d := protocoltest.Dialog{File: filepath.Join("testdata", r.name+".dialog"), Call: r.call, Skip: r.skip, Spare: r.spare}
	if r.setup != nil {
		d.Setup = func(c protocols.Client) { r.setup(&c.(*Client).Settings) }
	}
	return d
}

func harness() protocoltest.Harness {
	h := protocoltest.Harness{
		Spec: Spec(), URL: "gopher://localhost/", Secret: "Xyzzy-7070", Server: labServer, Garbage: "this is no menu",
		Skip: map[string]string{
			"credentials": "gopher has no logins",
			"errors":      "gopher has no logins; TestErrors is about the rest",
		},
	}
	for _, r := range recordings() {
		h.Dialogs = append(h.Dialogs, r.dialog())
	}
	return h
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) { protocoltest.Run(t, harness()) }

// TestUpdateDialogs does what the flag says; without it, it looks for files that
// no recording names.
func TestUpdateDialogs(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.dialog")
	for _, f := range files {
		if !slices.ContainsFunc(recordings(), func(r recording) bool { return r.dialog().File == f }) {
			t.Errorf("%s belongs to no recording", f)
		}
	}
	if !*update {
		return
	}
	for _, r := range recordings() {
		s, err := protocoltest.LoadScript(r.dialog().File)
		if err == nil {
			err = protocoltest.Rewrite(t, harness(), r.dialog(), s)
		}
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
}

func startLab(t testing.TB, o lab.GopherOptions) *lab.GopherServer {
	t.Helper()
	s, err := lab.StartGopher(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

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
	s := &protocoltest.Server{
		URL: startLab(t, lab.GopherOptions{Tree: tree}).URL(), Options: &protocols.Options{},
		Folder: "1/pub", Missing: "1/no-such-thing", New: "0/new", Many: "1/many", Big: "9/big.bin",
		Files: []string{"9/pub/large.bin", "0/pub/two words.txt", "9/pub/all-bytes.bin"},
	}
	for _, name := range s.Files {
		content, err := tree.ReadFile(name[1:])
		if err != nil {
			t.Fatal(err)
		}
		s.Content = append(s.Content, bytes.Clone(content))
	}
	return s
}
