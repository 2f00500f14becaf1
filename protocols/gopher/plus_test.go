package gopher

import (
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/transfer"
)

// TestAnswers: a form goes out with its request, dots doubled, and once.
func TestAnswers(t *testing.T) {
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Plus: true, Raw: map[string]string{"/menu": "0form\t/form\tlocalhost\t70\t?\r\n.\r\n"}})
	c := labtest.Open(t, New, s.URL(), nil)
	if e := all(t, c, "1/menu")[0]; e.Facts["asks"] != "yes" || e.Facts["gopher+"] != "yes" {
		t.Errorf("the mark of a form: %+v", e)
	}
	c.Settings.Answers = []string{"my name", ".", ""}
	if got := labtest.Read(t, c, "0/form"); got != "1: my name\r\n2: .\r\n3: \r\n" {
		t.Errorf("%q", got)
	}
	if got := s.Commands()[1:]; !slices.Equal(got, []string{"/form\t+\t1", "+-1", "my name", "..", "", "."}) {
		t.Errorf("sent %q", got)
	}
	before := s.Connections()
	for _, bad := range []Settings{{Answers: []string{"a\r\n."}}, {View: "text/plain\r\nx"}} {
		c.Settings = bad
		if _, err := c.Get(t.Context(), "0/form", nil); protocols.KindOf(err) != protocols.KindUsage || s.Connections() != before {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	c = labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{ServerOptions: lab.ServerOptions{Faults: lab.Faults{{Kind: lab.FaultReset, Verb: "TEXT"}}}}).URL(), nil)
	c.Settings.Answers = []string{"x"}
	if _, err := c.Get(t.Context(), "0/README.txt", nil); err == nil || protocols.IsRetryable(err) {
		t.Errorf("sent twice: %v", err)
	}
}

// TestPlusText: only the answer that says so ends with a dot.
func TestPlusText(t *testing.T) {
	raw := map[string]string{"/dot": "+-1\r\n..a\r\n.\r\n", "/end": "+-2\r\n..a\r\n.\r\n", "/size": "+8\r\n..a\r\n.\r\n"}
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Plus: true, Raw: raw}).URL(), nil)
	for name, want := range map[string]string{"0/dot": ".a\r\n", "9/dot": ".a\r\n", "0/end": "..a\r\n.\r\n", "9/end": "..a\r\n.\r\n", "0/size": "..a\r\n.\r\n"} {
		if got := labtest.Read(t, c, name+"\t\t+"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestUnread: what another protocol opens is not asked for.
func TestUnread(t *testing.T) {
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{})
	c := labtest.Open(t, New, s.URL(), nil)
	for name, want := range map[string]string{"2": "tcp connect", "8user": "telnet://user@", "T": "tn3270://", "gopher://other.example:105/2": "other.example:105"} {
		_, err := c.Get(t.Context(), name, nil)
		if e, ok := err.(*protocols.Error); !ok || e.Kind != protocols.KindUsage || !strings.Contains(e.Hint, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.Connections() != 0 {
		t.Errorf("%d connections", s.Connections())
	}
}

// TestPlusSync: the times that Gopher+ reports save fetching what is there.
func TestPlusSync(t *testing.T) {
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Plus: true, Before: map[string][]string{"/pub/nested": {"iabout\t\tnull\t1"}}})
	dir := t.TempDir()
	run := func() transfer.Summary {
		sum, err := transfer.Sync(t.Context(), gopherEnd(t, s, "1/pub/nested", false), fileEnd(dir), nil, nil)
		if err != nil || sum.Failed > 0 {
			t.Fatal(sum, err)
		}
		return sum
	}
	first, second := run(), run()
	menus := int64(0)
	for _, line := range s.Commands() {
		if strings.HasSuffix(line, "\t$") {
			menus++
		}
	}
	if menus /= 2; menus == 0 || int64(second.Done) != menus || second.Skipped != first.Done-second.Done {
		t.Errorf("%d menus; first %+v, then %+v", menus, first, second)
	}
	if s.Tree().WriteFile("/pub/nested/many/file07.txt", []byte("other")); run().Done != second.Done+1 {
		t.Error("a file that has changed was not fetched")
	}
}

// TestPlusMenuRefused: a server that marks items and cannot list them is asked in
// the plain way.
func TestPlusMenuRefused(t *testing.T) {
	raw := map[string]string{"/m": "0a\t/m/a\tlocalhost\t70\t+\r\n.\r\n"}
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Raw: raw, Host: "localhost", Port: "70"}).URL(), nil)
	c.Settings.Foreign = true
	var names []string
	for e, err := range c.ListTree(t.Context(), "1/m", "1/m") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name)
	}
	if !slices.Equal(names, []string{"gophermap", "a"}) {
		t.Errorf("%q", names)
	}
	for text, bad := range map[string]bool{"+-1\r\n+ADMIN:\r\n": true, "+-1\r\n+INFO: 0a\t/a\tlocalhost\t70\t+\r\n+ADMIN:\r\n x\r\n.\r\n": false, "+-1\r\n" + strings.Repeat("+X: y\r\n", 100_000): true} {
		c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Raw: map[string]string{"/m": text}}).URL(), nil)
		c.plus = true
		var err error
		for _, err = range c.ListTree(t.Context(), "1/m", "1/m") {
		}
		if bad != (protocols.KindOf(err) == protocols.KindProtocol) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
