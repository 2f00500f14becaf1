package nntp

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// TestFill: what one server has not comes from another one.
func TestFill(t *testing.T) {
	here, there := newslab.Sample(), newslab.Sample()
	here.Cancel("<2@lab.invalid>")
	there.Cancel("<1@lab.invalid>")
	want, _ := there.Article("<2@lab.invalid>")
	c, other := labtest.Connect(t, New, labtest.Start(t, newslab.Start, newslab.Options{News: here}), nil), labtest.Connect(t, New, labtest.Start(t, newslab.Start, newslab.Options{News: there}), nil)
	c.Fill = []*Client{other}
	if got, err := readArticle(t, c, "<2@lab.invalid>"); err != nil || got != string(want) {
		t.Errorf("%q, %v", got, err)
	}
	n := 0
	err := c.BulkGet(t.Context(), slices.Values([]string{"<1@lab.invalid>", "<2@lab.invalid>", "<3@lab.invalid>", "<no@lab.invalid>"}), func(name string, o *protocols.Object, err error) error {
		if n++; name == "<no@lab.invalid>" {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
			return nil
		}
		b, err := io.ReadAll(o.Body)
		if err != nil || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		return nil
	})
	if err != nil || n != 4 {
		t.Errorf("%d, %v", n, err)
	}
}

// TestFillByNumber: an article that is in the overview and not there any more comes
// from another server, by its message-id, also in the middle of a pipelined run and
// for a sync.
func TestFillByNumber(t *testing.T) {
	here := newslab.Sample()
	here.Lose("<2@lab.invalid>")
	here.Lose("<4@lab.invalid>")
	there := newslab.Sample()
	there.Cancel("<4@lab.invalid>")
	want, _ := there.Article("<2@lab.invalid>")
	s, o := labtest.Start(t, newslab.Start, newslab.Options{News: here}), labtest.Start(t, newslab.Start, newslab.Options{News: there, NeedLogin: true})
	c := labtest.Connect(t, New, s, nil)
	c.Fill = []*Client{labtest.Connect(t, New, labtest.Start(t, newslab.Start, newslab.Options{News: newslab.NewSpool()}), nil), labtest.Connect(t, New, o, nil)}
	if got, err := readArticle(t, c, "local.test/2"); err != nil || got != string(want) {
		t.Fatalf("%q, %v", got, err)
	}
	var got []string
	names := []string{"local.test/1", "local.test/2", "local.test/3", "local.test/4", "local.test/5", "local.test/99"}
	err := c.BulkGet(t.Context(), slices.Values(names), func(name string, o *protocols.Object, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				name += " missing"
			}
			got = append(got, name)
			return nil
		}
		b, err := io.ReadAll(o.Body)
		if name == "local.test/2" && string(b) != string(want) {
			t.Errorf("%s: %q", name, b)
		}
		got = append(got, name)
		return err
	})
	names[3], names[5] = names[3]+" missing", names[5]+" missing"
	if err != nil || !slices.Equal(got, names) {
		t.Errorf("%q, %v", got, err)
	}
	m, err := c.OpenMailbox(t.Context(), "local.test/2-2")
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range m.Changes(t.Context(), "") {
		if err != nil || e.Path != "<2@lab.invalid>" {
			t.Errorf("%+v, %v", e, err)
		}
	}
}
