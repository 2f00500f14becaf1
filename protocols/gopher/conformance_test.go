package gopher

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/netclients/netclients/internal/dialogs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// noEnd: such an answer ends with the connection, so that a cut in good order is
// no error, and has no limits.
var noEnd = map[string]string{
	"cut":     "the end of the connection is the end of a text or file (RFC 1436 3.8)",
	"garbage": "content may be anything",
	"flood":   "content may have any length",
}

// loneDot: noEnd, and silence after a lone dot is the end.
var loneDot = map[string]string{
	"cut": noEnd["cut"], "garbage": noEnd["garbage"], "flood": noEnd["flood"],
	"hang": "a lone dot with nothing behind it ends a text", "idle": "a lone dot with nothing behind it ends a text",
}

// lenient: menus end with the connection too, as servers do that leave out the dot.
var lenient = map[string]string{"cut": "many servers leave out the dot that ends a menu"}

// plain: what is not a Gopher+ answer is that of a plain server.
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

var recordings = []dialogs.Recording[Settings]{
	{Name: "list", Call: protocoltest.List("1/gopher"), Skip: lenient},
	{Name: "list-missing", Call: protocoltest.List("1/nothere"), Skip: lenient, Spare: 1},
	{Name: "list-not-found", Call: protocoltest.List("1/nothere"), Skip: lenient},
	{Name: "list-bad-lines", Call: protocoltest.List(""), Skip: lenient},
	{Name: "search", Call: search("7/find", "two words"), Skip: lenient},
	{Name: "get-text", Call: protocoltest.Get("0/dots.txt", nil), Skip: noEnd},
	{Name: "get-no-dot", Call: protocoltest.Get("0/hello.txt", nil), Skip: loneDot},
	{Name: "get-binary", Call: protocoltest.Get("9/blob.bin", nil), Skip: noEnd},
	{Name: "get-missing", Call: protocoltest.Get("0/nothere", nil), Skip: noEnd, Spare: 1},
	{Name: "get-part", Call: protocoltest.Get("0/hello.txt", &protocols.GetOptions{Length: 5}), Skip: noEnd, Spare: 1},
	{Name: "plus-view", Call: protocoltest.Get("0/a.txt", nil), Setup: german, Skip: plain},
	{Name: "plus-error", Call: protocoltest.Get("0/a.txt", nil), Setup: german, Skip: plainLenient, Spare: 1},
	{Name: "plus-attributes", Call: attributes("0/a.txt"), Skip: plainLenient},
}

func book() *dialogs.Book[Settings] {
	return &dialogs.Book[Settings]{
		Harness: protocoltest.Harness{
			Spec: Spec(), URL: "gopher://localhost/", Secret: "Xyzzy-7070", Server: labServer, Garbage: "this is no menu",
			Skip: map[string]string{
				"credentials": "gopher has no logins",
				"errors":      "gopher has no logins; TestErrors is about the rest",
			},
		},
		Rows:     recordings,
		Settings: func(c protocols.Client) *Settings { return &c.(*Client).Settings },
	}
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) { protocoltest.Run(t, book().Suite()) }

// TestUpdateDialogs looks for stray files, and with -update writes down what the calls give now.
func TestUpdateDialogs(t *testing.T) { book().Update(t) }

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
		URL: labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Tree: tree}).URL(), Options: &protocols.Options{},
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
