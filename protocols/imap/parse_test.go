package imap

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

func limits() protocols.Limits { return protocols.Limits{}.WithDefaults() }

// TestNamesRoundTrip: a listed name opens the entry it names.
func TestNamesRoundTrip(t *testing.T) {
	u, _ := url.Parse("imap://alice@h/x")
	c, err := New(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, box := range []string{"INBOX", "a/b", "a b", "100%", "a;b", "a?b#c", "Müll", "&amp", "a%3Bb", `back\slash`, `"q"`, "*"} {
		name := imapwire.MessageName(box, 7, 5)
		n, err := imapwire.ParseName(name)
		if err != nil || n.Mailbox != box || n.UID != 5 || n.Validity != 7 {
			t.Errorf("%q: %+v, %v", name, n, err)
		}
		at, err := protocols.ParseURL(c.URL(name), "")
		if err != nil {
			if strings.Contains(box, `\`) {
				continue // no URL holds a backslash
			}
			t.Fatalf("%q: %v", c.URL(name), err)
		}
		back, err := pathOf(at)
		if err != nil || back != name {
			t.Errorf("%q came back as %q: %v", name, back, err)
		}
	}
}

func TestParseThreads(t *testing.T) {
	got, err := parseThreads("(2)(3 6 (4 23)(44 7 96))", 100, 8)
	want := []threaded{{2, 0, 1, 0}, {3, 0, 2, 0}, {6, 3, 2, 1}, {4, 6, 2, 2}, {23, 4, 2, 3}, {44, 6, 2, 2}, {7, 44, 2, 3}, {96, 7, 2, 4}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{")", "(1))", "1", "(x)", "(99999999999)", "(1 2 3 4 5 6 7 8 9)"} {
		if got, err := parseThreads(bad, 100, 8); err == nil {
			t.Errorf("%q passed as %v", bad, got)
		}
	}
}

func TestCompileQuery(t *testing.T) {
	for query, want := range map[string][]any{
		"":                       {"ALL"},
		"unread":                 {"UNSEEN"},
		"from:ann -seen":         {"FROM", session.Text("ann"), "NOT", "SEEN"},
		`subject:"the plan"`:     {"SUBJECT", session.Text("the plan")},
		"a or b c":               {"OR", "TEXT", session.Text("a"), "TEXT", session.Text("b"), "TEXT", session.Text("c")},
		"not (from:a to:b)":      {"NOT", session.Open, "FROM", session.Text("a"), "TO", session.Text("b"), session.Close},
		"since:2026-01-02":       {"SINCE", "2-Jan-2026"},
		"larger:2M":              {"LARGER", "2097152"},
		"header:List-Id:go":      {"HEADER", session.Text("List-Id"), session.Text("go")},
		"SUBJECT report":         {"SUBJECT", "report"},
		`OR FROM "a b" UNSEEN`:   {"OR", "FROM", session.Text("a b"), "UNSEEN"},
		"imap:uid 5":             {"uid", "5"},
		"SUBJECT {5+}":           {"SUBJECT", session.Text("{5+}")},
		"SUBJECT Grüße":          {"SUBJECT", session.Text("Grüße")},
		"uid:1:5":                {"UID", "1:5"},
		"larger:x":               nil,
		"since:yesterday":        nil,
		"(a":                     nil,
		"a)":                     nil,
		"keyword:a(b":            nil,
		strings.Repeat("(", 100): nil,
		"uid:1)":                 nil,
		"form:bob":               nil,
		"subjet:x":               nil,
		"larrger:5":              nil,
		"http://example.org":     {"TEXT", session.Text("http://example.org")},
		"text:form:bob":          {"TEXT", session.Text("form:bob")},
	} {
		got, err := compileQuery(query)
		if (err != nil) != (want == nil) || want != nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %#v, want %#v (%v)", query, got, want, err)
		}
	}
}

// TestFlagOps: what people write for flags, and the items of STORE.
func TestFlagOps(t *testing.T) {
	for changes, want := range map[string][]string{
		`+\Seen`:            {`+FLAGS.SILENT (\Seen)`},
		`seen`:              {`+FLAGS.SILENT (\Seen)`},
		`Flagged $Work`:     {`+FLAGS.SILENT (\Flagged $Work)`},
		`-SEEN !\Flagged a`: {`+FLAGS.SILENT (a)`, `-FLAGS.SILENT (\Seen \Flagged)`},
		`=\Seen =draft`:     {`FLAGS.SILENT (\Seen \Draft)`},
		`=Seen +a`:          {`FLAGS.SILENT (\Seen)`, `+FLAGS.SILENT (a)`},
		`=`:                 {`FLAGS.SILENT ()`},
		`foo[bar`:           {`+FLAGS.SILENT (foo[bar)`},
		``:                  nil,
		`+`:                 nil,
		`\Recent`:           nil,
		`\Foo`:              nil,
		`a(b`:               nil,
	} {
		got, err := flagOps(strings.Fields(changes))
		if (err != nil) != (want == nil) || !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q, %v", changes, got, want, err)
		}
	}
}

// FuzzResponse: nothing that a server sends makes a parser panic.
func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		"LIST (\\A) \"/\" \"a\\\"b\"", "THREAD (1 2 (3)(4))", "STATUS x (MESSAGES 5)", "METADATA \"\" (/a \"b\")",
		"QUOTA \"\" (STORAGE 10 512)", "NAMESPACE ((\"\" \"/\")) NIL ((\"#\" \".\" \"X\" (\"y\")))", "SORT 5 4 3", "FETCH (FLAGS (\\Seen) UID 5)",
	} {
		f.Add("* " + s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := imapwire.ParseResponse(text)
		s := session.New(&line.Core{Limits: limits()}, session.Config{OddNames: map[string]string{}, URL: func(name string) string { return name }})
		r.Status()
		parseList(s, &r)
		parseThreads(r.Args, 100, 1000)
		appendNumbers(nil, r.Args, 1000)
		takeCounts(s, &r, []protocols.Entry{{Name: "x"}})
		values, _ := imapwire.NewParser(r.Args, limits()).All()
		addAnnotations(map[string]string{}, values, 10)
		quotas(values)
		namespaces(s, values)
	})
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"from:a (b or c) -d", "OR FROM \"x\" SEEN", "imap:ALL", "header:a:b", "(("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, err := compileQuery(s)
		if err != nil {
			return
		}
		for _, v := range out {
			if word, ok := v.(string); ok && (!imapwire.IsPrintable(word) || strings.ContainsAny(word, `"{}()`)) {
				t.Fatalf("%q puts %q into a command", s, word)
			}
		}
	})
}
