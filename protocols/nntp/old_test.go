package nntp

import (
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// TestNoOverview: a server of RFC 977 has neither OVER nor XOVER, LISTGROUP, nor
// descriptions by LIST: the headers stand in for the overview, XGTITLE for those.
func TestNoOverview(t *testing.T) {
	news := newslab.Sample()
	news.Cancel("<3@lab.invalid>")
	s := labtest.Start(t, newslab.Start, newslab.Options{News: news, Legacy: true, Disable: []string{"XOVER", "XHDR", "XPAT", "LISTGROUP", "MODE"}})
	c := labtest.Connect(t, New, s, nil)
	all := collect(t, c.List(t.Context(), "local.test"))
	var numbers []int64
	for _, e := range all {
		numbers = append(numbers, e.Number)
	}
	if !slices.Equal(numbers, []int64{1, 2, 4, 5, 6}) {
		t.Fatalf("articles %v", numbers)
	}
	with := collect(t, labtest.Connect(t, New, labtest.Start(t, newslab.Start, newslab.Options{News: news}), nil).List(t.Context(), "local.test/2"))[0]
	e := all[1]
	if e.Subject != with.Subject || e.From != with.From || e.ID != with.ID || e.Path != with.Path || !e.Modified.Equal(with.Modified) || e.Facts["references"] != with.Facts["references"] {
		t.Errorf("by HEAD %+v %+v\nby OVER %+v %+v", e, e.MessageInfo, with, with.MessageInfo)
	}
	for range c.List(t.Context(), "local.test") {
		break
	}
	if all := collect(t, c.Overview(t.Context(), "<2@lab.invalid>")); len(all) != 1 || all[0].Subject != with.Subject {
		t.Errorf("by message-id: %+v", all)
	}
	newer := labtest.Connect(t, New, labtest.Start(t, newslab.Start, newslab.Options{News: news}), nil)
	for _, q := range [][2]string{{"local.test", "subject"}, {"local.test/2-4", "From"}, {"<2@lab.invalid>", "Date"}, {"local.test", "References"}, {"local.empty", "From"}} {
		got, want := collect(t, c.Header(t.Context(), q[0], q[1])), collect(t, newer.Header(t.Context(), q[0], q[1]))
		if !slices.Equal(got, want) {
			t.Errorf("%s of %s: by HEAD %+v\nby HDR %+v", q[1], q[0], got, want)
		}
	}
	for _, err := range c.Header(t.Context(), "local.test", ":bytes") {
		if protocols.KindOf(err) != protocols.KindRefused {
			t.Errorf("metadata: %v", err)
		}
	}
	if found := collect(t, c.Search(t.Context(), "local.test", "Subject *")); len(found) != 5 {
		t.Errorf("a search by HEAD found %+v", found)
	}
	if all := collect(t, c.List(t.Context(), "local.empty")); len(all) != 0 {
		t.Errorf("an empty group: %+v", all)
	}
	m, err := c.OpenMailbox(t.Context(), "local.test")
	if err != nil {
		t.Fatal(err)
	}
	if all := collect(t, m.Changes(t.Context(), "")); len(all) != 5 || m.State != "6" {
		t.Errorf("to sync: %d, %+v", len(all), m)
	}
}

// TestTitles: descriptions come by XGTITLE where LIST has none.
func TestTitles(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{Legacy: true, NoLists: []string{"NEWSGROUPS"}})
	groups := collect(t, labtest.Connect(t, New, s, nil).List(t.Context(), "local.t*"))
	if len(groups) != 1 || groups[0].Facts["description"] == "" {
		t.Errorf("%+v", groups)
	}
	if lines := collect(t, labtest.Connect(t, New, s, nil).Lines(t.Context(), "XGTITLE local.t*")); len(lines) != 1 || !strings.HasPrefix(lines[0], "local.test") {
		t.Errorf("%q", lines)
	}
	if r, err := labtest.Connect(t, New, s, nil).Do(t.Context(), "SLAVE"); err != nil || r.Code != 202 {
		t.Errorf("SLAVE: %+v, %v", r, err)
	}
}

// TestFewArticlesOfMany: a server whose group claims numbers without end, and has
// none of them, is left.
func TestFewArticlesOfMany(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: lab.ServerOptions{Faults: lab.Faults{{Kind: lab.FaultCode, Verb: "GROUP", Text: "211 9223372036854775807 1 9223372036854775807 local.test"}}}, Disable: []string{"OVER", "XOVER"}})
	c := labtest.Connect(t, New, s, &protocols.Options{Limits: protocols.Limits{ReplyLines: 300}})
	for _, err := range c.List(t.Context(), "local.test") {
		if err == nil {
			continue
		}
		if protocols.KindOf(err) != protocols.KindProtocol && protocols.KindOf(err) != protocols.KindRefused {
			t.Errorf("%v, want kind protocol", err)
		}
		return
	}
	t.Error("no error")
}
