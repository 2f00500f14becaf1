package show

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestObjectsShareRoom: entries are written one after the other from one buffer, and come
// out whole, whatever their length.
func TestObjectsShareRoom(t *testing.T) {
	var out bytes.Buffer
	o, err := New(&out, io.Discard, Options{JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"short", strings.Repeat("long ", 1000), "höher", "\u202e", "last"}
	var want bytes.Buffer
	for _, name := range names {
		e := &protocols.Entry{Protocol: "ftp", Name: name, Type: protocols.TypeFile, Size: -1}
		b, err := Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		want.Write(b)
		if err := o.Object(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Flush(); err != nil || out.String() != want.String() {
		t.Errorf("%v\n%s", err, out.String())
	}
	e := &protocols.Entry{Protocol: "ftp", Name: "a", Type: protocols.TypeFile, Size: -1}
	if n := testing.AllocsPerRun(100, func() { _ = o.Object(e) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
