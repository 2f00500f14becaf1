package ftp_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestTemporaryNames: what an upload is called until it is complete, and what stays of
// one that failed: by its reader, or by a connection that was lost.
func TestTemporaryNames(t *testing.T) {
	broken := errors.New("the disk is gone")
	dotted := func(name string) string { return "." + name + ".tmp" }
	for name, row := range map[string]struct {
		faults string
		o      protocols.PutOptions
		fails  bool
		left   string
	}{
		"complete":                   {"", protocols.PutOptions{TempName: dotted}, false, "a.txt"},
		"kept":                       {"", protocols.PutOptions{}, true, "a.txt.ncpart"},
		"kept under its name":        {"", protocols.PutOptions{TempName: dotted}, true, ".a.txt.tmp"},
		"removed":                    {"", protocols.PutOptions{RemovePartial: true, TempName: dotted}, true, ""},
		"removed after a lost one":   {"data.cut=102400*1", protocols.PutOptions{RemovePartial: true}, false, ""},
		"in place nothing is hidden": {"", protocols.PutOptions{RemovePartial: true, InPlace: true}, true, "a.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			o := ftplab.Options{Tree: base.NewTree()}
			if row.faults != "" {
				o.Faults = labtest.Faults(t, row.faults)
			}
			s := labtest.Start(t, ftplab.Start, o)
			c := labtest.Connect(t, ftp.New, s, nil)
			var r io.Reader = strings.NewReader(strings.Repeat("0123456789", 50_000))
			if row.fails {
				r = io.MultiReader(r, errorReader{broken})
			}
			_, err := c.Put(t.Context(), "a.txt", r, &row.o)
			if row.fails && !errors.Is(err, broken) || !row.fails && row.faults == "" && err != nil || row.faults != "" && err == nil {
				t.Errorf("error %v", err)
			}
			var left []string
			for e, err := range c.List(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				left = append(left, e.Name)
			}
			if slices.Sort(left); strings.Join(left, " ") != row.left {
				t.Errorf("there is %q", left)
			}
		})
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }
