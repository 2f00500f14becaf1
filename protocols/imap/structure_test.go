package imap

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

const nested = "Date: Mon, 30 Nov 2026 12:00:00 +0100\r\nFrom: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r\nTo: Ann <ann@example.org>, bob@example.net\r\n" +
	"Cc: list@example.org\r\nReply-To: answers@example.org\r\nIn-Reply-To: <1@example.org>\r\nReferences: <0@example.org>\r\n <1@example.org>\r\n" +
	"Message-ID: <2@example.org>\r\nSubject: =?iso-8859-1?q?K=E4se?= and more\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" +
	"--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nK=E4se =3D =\r\ngut\r\n" +
	"--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--b--\r\n" +
	"--a\r\nContent-Type: application/pdf; name=\"x.pdf\"\r\nContent-Disposition: attachment; filename*=utf-8''%C3%9Cbung.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\nLjQK\r\n" +
	"--a\r\nContent-Type: message/rfc822\r\n\r\nFrom: eve@example.org\r\nSubject: inner\r\n\r\ninner text\r\n--a--\r\n"

// TestStructure: the parts of a message, and their contents, with a server.
func TestStructure(t *testing.T) {
	s := labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{})
	c := labtest.Connect(t, New, s, nil)
	e, err := c.Put(t.Context(), "INBOX", strings.NewReader(nested), nil)
	must(t, err)
	root, err := c.Structure(t.Context(), e.Path)
	must(t, err)
	var got []string
	for p := range root.All() {
		got = append(got, fmt.Sprintf("%s %s %s %s %s", p.Section, p.Type, p.Encoding, p.Disposition, p.FileName()))
	}
	want := []string{
		" multipart/mixed   ", "1 multipart/alternative   ", "1.1 text/plain quoted-printable  ", "1.2 text/html 7bit  ",
		"2 application/pdf base64 attachment Übung.pdf", "3 message/rfc822 7bit  ", "3.1 text/plain 7bit  ",
	}
	if a, b := strings.ReplaceAll(strings.Join(got, "\n"), " 7bit", " "), strings.ReplaceAll(strings.Join(want, "\n"), " 7bit", " "); a != b {
		t.Errorf("parts\n%s\nwant\n%s", a, b)
	}
	contents := map[string]string{"1.1": "Käse = gut", "1.2": "<p>x</p>", "2": "%PDF-1.4\n", "3.1": "inner text"}
	for p := range root.All() {
		want, ok := contents[p.Section]
		if !ok {
			continue
		}
		o, err := c.OpenPart(t.Context(), e.Path, p)
		must(t, err)
		b, err := io.ReadAll(o.Body)
		must(t, err)
		must(t, o.Body.Close())
		if string(b) != want {
			t.Errorf("part %s is %q", p.Section, b)
		}
	}
	if _, err := c.OpenPart(t.Context(), e.Path, root); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("a multipart: %v", err)
	}
	if inner := root.Parts[2].Envelope; inner == nil || inner.Subject != "inner" || inner.From[0].Address != "eve@example.org" {
		t.Errorf("inner envelope %+v", inner)
	}
	env, err := c.Envelope(t.Context(), e.Path)
	must(t, err)
	if env.Subject != "Käse and more" || env.From[0].Name != "Jörg" || len(env.To) != 2 || env.Cc[0].Address != "list@example.org" ||
		env.ReplyTo[0].Address != "answers@example.org" || env.InReplyTo != "<1@example.org>" || strings.Join(env.References, " ") != "<0@example.org> <1@example.org>" ||
		env.MessageID != "<2@example.org>" || !env.Date.Equal(time.Date(2026, 11, 30, 11, 0, 0, 0, time.UTC)) {
		t.Errorf("envelope %+v", env)
	}
	for _, name := range []string{"INBOX", "INBOX/;UID=1:2", "INBOX/;UID=999"} {
		if p, err := c.Structure(t.Context(), name); err == nil {
			t.Errorf("%s has parts %+v", name, p)
		}
	}
}

// TestOddStructures: what servers send that is not as the standard has it.
func TestOddStructures(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"one part":            {`("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "8BIT" 12 1)`, "1 text/plain 12"},
		"nothing known":       {`(NIL NIL NIL NIL NIL NIL NIL)`, "1 / -1"},
		"no parts":            {`("MIXED")`, "1 mixed/ -1"},
		"short":               {`()`, "1 / -1"},
		"message as any part": {`("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 100)`, "1 message/rfc822 100"},
		"name in words":       {`("APPLICATION" "X" ("NAME" "=?utf-8?q?=C3=9C.txt?=") NIL NIL "BASE64" 9)`, "1 application/x 9 Ü.txt"},
		"name in pieces":      {`("APPLICATION" "X" ("NAME*0" "ab" "NAME*1" "c.txt") NIL NIL "BASE64" 9)`, "1 application/x 9 abc.txt"},
		"odd parameters":      {`("APPLICATION" "X" ("NAME*" "x''%" "A") NIL NIL "BASE64" 9 NIL ("ATTACHMENT") ("de" "en") "here")`, "1 application/x 9"},
		"message of parts":    {`("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 100 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)("TEXT" "HTML" NIL NIL NIL "7BIT" 2 1) "ALTERNATIVE") 9)`, "1 message/rfc822 100;1 multipart/alternative -1;1.1 text/plain 1;1.2 text/html 2"},
	} {
		m, err := imapwire.ParseFetch(&imapwire.Response{Num: 1, Name: "FETCH", Args: "(UID 1 BODYSTRUCTURE " + row.text + ")", Size: -1}, protocols.Limits{}.WithDefaults())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for p := range partOf(m.Structure, "").All() {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", p.Section, p.Type, p.Size, p.FileName())))
		}
		if strings.Join(got, ";") != row.want {
			t.Errorf("%s: %q, want %q", name, strings.Join(got, ";"), row.want)
		}
	}
}

func FuzzStructure(f *testing.F) {
	f.Add(`(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)("MESSAGE" "RFC822" ("A*0*" "x''%") NIL NIL "7BIT" 9 (NIL NIL ((NIL NIL "a" NIL)) NIL NIL NIL NIL NIL NIL NIL) ("TEXT" "PLAIN" NIL NIL NIL NIL 1 1) 1) "MIXED")`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := imapwire.ParseFetch(&imapwire.Response{Args: "(BODYSTRUCTURE " + text + ")", Size: -1}, protocols.Limits{}.WithDefaults())
		if err != nil {
			return
		}
		for p := range partOf(m.Structure, "").All() {
			_ = p.FileName()
		}
	})
}

// TestBase64WithRubbish: what is not of the alphabet does not count.
func TestBase64WithRubbish(t *testing.T) {
	p := &Part{Type: "text/plain", Encoding: "base64", Params: map[string]string{"charset": "koi8-r"}}
	b, err := io.ReadAll(p.decoded(bytes.NewReader([]byte("8NLJ\r\n!\xff-x\x00Q=\n="))))
	if err != nil || string(b) != "Прие" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestMessageRef(t *testing.T) {
	for _, r := range []MessageRef{
		{Mailbox: "INBOX", Validity: 7, UID: 5}, {Mailbox: "a;b?c%d/e", UID: 1}, {Mailbox: "x", Validity: 1, UID: 2, Section: "1.2.MIME"},
		{Mailbox: "x", UID: 2, Section: "1", Offset: 10, Length: 20}, {Mailbox: "x", UID: 2, Length: 20},
	} {
		if back, err := ParseMessageRef(r.String()); err != nil || back != r {
			t.Errorf("%+v became %q and %+v, %v", r, r, back, err)
		}
	}
	for _, bad := range []string{"", "INBOX", "INBOX/;UID=1:2", "INBOX/;UID=x", "INBOX?ALL"} {
		if r, err := ParseMessageRef(bad); err == nil {
			t.Errorf("%q is %+v", bad, r)
		}
	}
}

// TestQueryTexts: whatever a value holds, it stays one value.
func TestQueryTexts(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, q := range map[string]Query{
		"[ALL]": {},
		`[FROM {a "b" \c} SUBJECT {or ( ) -x since:2020-01-01}]`:       {From: `a "b" \c`, Subject: "or ( ) -x since:2020-01-01"},
		"[SINCE 2-Jan-2026 LARGER 5 UID 1:5 SEEN KEYWORD x UNFLAGGED]": {Since: at, Larger: 5, UIDs: "1:5", Flags: []string{`\Seen`, "x"}, Without: []string{"flagged"}},
	} {
		criteria, err := compileQuery(q.String())
		if got := fmt.Sprint(criteria); err != nil || got != strings.NewReplacer("{", "", "}", "").Replace(want) {
			t.Errorf("%s: %s, %v; want %s", q, got, err, want)
		}
	}
	s := labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{})
	c := labtest.Connect(t, New, s, nil)
	for _, subject := range []string{`say "hi" \now`, "or ( not )", "third"} {
		_, err := c.Put(t.Context(), "INBOX", strings.NewReader("Subject: "+subject+"\r\nFrom: x@example.org\r\n\r\n"), nil)
		must(t, err)
	}
	for want, q := range map[string]Query{
		`say "hi" \now`:            {Subject: `"hi" \now`},
		"or ( not )":               {Subject: "( not", From: "x@example.org"},
		`say "hi" \now|or ( not )`: {From: "x@example.org", Not: []Query{{Subject: "third", From: "x"}}},
		"or ( not )|third":         {Any: []Query{{Subject: "or ("}, {Subject: "third", From: "x"}, {Subject: "no such"}}},
	} {
		if got := subjects(entries(t, c.Search(t.Context(), "INBOX", q.String()))); got != want {
			t.Errorf("%s found %q, want %q", q, got, want)
		}
	}
	if !reflect.DeepEqual(splitQuery(Quote(`a"\ b`)), []string{`a"\ b`}) {
		t.Error("Quote")
	}
}
