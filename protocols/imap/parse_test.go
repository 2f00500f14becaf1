package imap

import (
	"bytes"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

func limits() protocols.Limits { return protocols.Limits{}.WithDefaults() }

// TestNamesRoundTrip: what a listing gives opens what it names.
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
		at, err := protocols.ParseURL(c.urlOf(name), "")
		if err != nil {
			if strings.Contains(box, `\`) {
				continue // no URL holds a backslash
			}
			t.Fatalf("%q: %v", c.urlOf(name), err)
		}
		back, err := Path(at)
		if err != nil || back != name {
			t.Errorf("%q came back as %q: %v", name, back, err)
		}
	}
}

func TestParseThreads(t *testing.T) {
	got, err := parseThreads("(2)(3 6 (4 23)(44 7 96))", limits())
	want := []threaded{{2, 0, 1, 0}, {3, 0, 2, 0}, {6, 3, 2, 1}, {4, 6, 2, 2}, {23, 4, 2, 3}, {44, 6, 2, 2}, {7, 44, 2, 3}, {96, 7, 2, 4}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{")", "(1))", "1", "(x)", "(99999999999)"} {
		if got, err := parseThreads(bad, limits()); err == nil {
			t.Errorf("%q passed as %v", bad, got)
		}
	}
}

// TestJoinThreads: what names its own descendants makes no circle.
func TestJoinThreads(t *testing.T) {
	uids := []uint32{1, 2, 3, 4}
	byID := map[string]uint32{"a": 1, "b": 2, "c": 3, "d": 4}
	p := parents(uids, map[uint32][]string{1: {"b"}, 2: {"a"}, 3: {"x", "b"}, 4: {"d"}}, byID)
	got := joinThreads(uids, p)
	want := []threaded{{2, 0, 1, 0}, {1, 2, 1, 1}, {3, 2, 1, 1}, {4, 0, 2, 0}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestCompileQuery(t *testing.T) {
	for query, want := range map[string][]any{
		"":                       {"ALL"},
		"unread":                 {"UNSEEN"},
		"from:ann -seen":         {"FROM", text("ann"), "NOT", "SEEN"},
		`subject:"the plan"`:     {"SUBJECT", text("the plan")},
		"a or b c":               {"OR", "TEXT", text("a"), "TEXT", text("b"), "TEXT", text("c")},
		"not (from:a to:b)":      {"NOT", glueOpen, "FROM", text("a"), "TO", text("b"), glueClose},
		"since:2026-01-02":       {"SINCE", "2-Jan-2026"},
		"larger:2M":              {"LARGER", "2097152"},
		"header:List-Id:go":      {"HEADER", text("List-Id"), text("go")},
		"SUBJECT report":         {"SUBJECT", "report"},
		`OR FROM "a b" UNSEEN`:   {"OR", "FROM", text("a b"), "UNSEEN"},
		"imap:uid 5":             {"uid", "5"},
		"SUBJECT {5+}":           {"SUBJECT", text("{5+}")},
		"SUBJECT Grüße":          {"SUBJECT", text("Grüße")},
		"uid:1:5":                {"UID", "1:5"},
		"larger:x":               nil,
		"since:yesterday":        nil,
		"(a":                     nil,
		"a)":                     nil,
		"keyword:a(b":            nil,
		strings.Repeat("(", 100): nil,
		"uid:1)":                 nil,
	} {
		got, err := compileQuery(query)
		if (err != nil) != (want == nil) || want != nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %#v, want %#v (%v)", query, got, want, err)
		}
	}
}

func TestCRLF(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb\n": "a\r\nb\r\n", "a\r\nb": "a\r\nb", "a\rb": "a\r\nb", "a\r": "a\r\n", "": "", "\n\n": "\r\n\r\n", "a\r\r\nb": "a\r\n\r\nb", "a\r\n\r\n": "a\r\n\r\n",
	} {
		for size := 1; size <= 3; size++ {
			var out bytes.Buffer
			if _, err := out.ReadFrom(&crlfReader{src: &chopped{s: in, n: size}}); err != nil || out.String() != want {
				t.Errorf("%q by %d: %q, want %q (%v)", in, size, out.String(), want, err)
			}
		}
	}
}

// chopped returns n bytes at a time.
type chopped struct {
	s string
	n int
}

func (c *chopped) Read(p []byte) (int, error) {
	r := strings.NewReader(c.s[:min(c.n, len(c.s))])
	n, err := r.Read(p)
	c.s = c.s[n:]
	return n, err
}

func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		"* 1 FETCH (UID 5 FLAGS (\\Seen) BODY[HEADER.FIELDS (A B)]<0> {3}\r\nabc RFC822.SIZE 5)\r\n",
		"* LIST (\\A) \"/\" \"a\\\"b\"\r\n", "* ESEARCH (TAG \"x\") UID ALL 1:5,7\r\n", "* THREAD (1 2 (3)(4))\r\n", "a OK [COPYUID 1 2 3] x\r\n",
		"* STATUS x (MESSAGES 5)\r\n* VANISHED (EARLIER) 1:5\r\n", "* METADATA \"\" (/a \"b\")\r\n+ go\r\n",
		"* QUOTA \"\" (STORAGE 10 512)\r\n* NAMESPACE ((\"\" \"/\")) NIL ((\"#\" \".\" \"X\" (\"y\")))\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := limits()
		l.Literal, l.Header, l.Reply = 1000, 1000, 2000
		s := &session{c: &Client{limits: l, wireNames: map[string]string{}, url: &url.URL{}}, box: &mailbox{}, caps: map[string]bool{}, enabled: map[string]bool{}, sent: map[string]bool{}, done: map[string]*imapwire.Status{}}
		s.in = imapwire.NewInput(bytes.NewReader(data), l)
		for {
			r, err := s.read(true)
			if err != nil {
				return
			}
			if int64(len(s.in.Line())) > l.Reply+l.Header+l.Literal {
				t.Fatalf("%d bytes held", len(s.in.Line()))
			}
			r.Status()
			s.take(&r)
			imapwire.ParseFetch(&r, l)
			s.parseList(&r)
			values, _ := imapwire.NewParser(r.Args, l).All()
			addAnnotations(map[string]string{}, values, 10)
			quotas(values)
			s.namespaces(values)
			parseThreads(r.Args, l)
			var b setBuilder
			b.take(s, &r)
			if s.finish() != nil {
				return
			}
		}
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
