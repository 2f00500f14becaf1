package message

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"
	"github.com/emersion/go-msgauth/dkim"

	"github.com/netclients/netclients/protocols"
)

// text returns all bytes of a message.
func text(t testing.TB, m *Message) string {
	t.Helper()
	r, err := m.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func build(t testing.TB, d Draft) *Message {
	t.Helper()
	m, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// leaf is a part as a reader sees it.
type leaf struct{ typ, disposition, file, id, content string }

// leaves parses a message with the library.
func leaves(t testing.TB, raw string) (gomessage.Header, []leaf) {
	t.Helper()
	e, err := gomessage.Read(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var all []leaf
	e.Walk(func(path []int, e *gomessage.Entity, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		typ, _, _ := e.Header.ContentType()
		l := leaf{typ: typ}
		if l.disposition, _, _ = e.Header.ContentDisposition(); l.disposition != "" {
			_, params, err := mime.ParseMediaType(e.Header.Get("Content-Disposition"))
			if err != nil {
				t.Fatal(err)
			}
			l.file = params["filename"]
		}
		l.id = e.Header.Get("Content-Id")
		if !strings.HasPrefix(typ, "multipart/") {
			b, err := io.ReadAll(e.Body)
			if err != nil {
				t.Fatal(err)
			}
			l.content = string(b)
		}
		all = append(all, l)
		return nil
	})
	return e.Header, all
}

func memory(name, content string) Part {
	p := *Text(content)
	p.Name = name
	return p
}

func TestCompose(t *testing.T) {
	binary := string([]byte{0, 1, 2, '\r', '\n', '.', '\r', '\n', 255, '\n'})
	m := build(t, Draft{
		From: "Jürgen Müller <jm@example.org>", Sender: "office@example.org", ReplyTo: "jm@example.net",
		To: []string{"Bob <bob@example.org>, carol@example.org"}, Cc: []string{"bob@example.org"}, Bcc: []string{"secret@example.org"},
		Subject: "Grüße aus Köln, mit einem Betreff, der länger ist als eine Zeile sein darf, und noch etwas länger",
		Headers: []Field{{"X-Test", "äöü"}, {"X-Order", "2"}},
		Text:    Text("Hallo Wölt\n.\nFrom here\n"), HTML: Text("<p>Hallo</p>"),
		Inline: []Part{memory("logo.png", "\x89PNG\r\n\x1a\nxx")}, Attach: []Part{memory("Prüfung 1.bin", binary), memory("notes.txt", "a\nb\n")},
	})
	raw := text(t, m)
	if raw != text(t, m) {
		t.Error("the second writing differs")
	}
	if strings.Contains(raw, "secret@") || strings.Contains(strings.ToLower(raw), "\nbcc") {
		t.Error("Bcc is in the message")
	}
	if m.From != "office@example.org" || !slices.Equal(m.Recipients, []string{"bob@example.org", "carol@example.org", "secret@example.org"}) {
		t.Errorf("envelope %s, %v", m.From, m.Recipients)
	}
	if strings.Contains(strings.ReplaceAll(raw, "\r\n", ""), "\n") || strings.Contains(strings.ReplaceAll(raw, "\r\n", ""), "\r") {
		t.Error("the message has bare line ends")
	}
	for line := range strings.Lines(raw) {
		if len(line) > 200 || !isASCII([]byte(line)) {
			t.Errorf("line %q", line)
		}
	}
	h, parts := leaves(t, raw)
	if s, _ := h.Text("Subject"); s != "Grüße aus Köln, mit einem Betreff, der länger ist als eine Zeile sein darf, und noch etwas länger" {
		t.Errorf("subject %q", s)
	}
	if s, _ := h.Text("X-Test"); s != "äöü" {
		t.Errorf("additional header %q", s)
	}
	if _, err := mail.ParseDate(h.Get("Date")); err != nil || h.Get("Message-Id") != m.ID || !strings.HasSuffix(m.ID, "@example.org>") || h.Get("Mime-Version") != "1.0" {
		t.Errorf("date %v, id %q, %q", err, m.ID, h.Get("Message-Id"))
	}
	want := []leaf{
		{typ: "multipart/mixed"}, {typ: "multipart/alternative"}, {typ: "text/plain", content: "Hallo Wölt\r\n.\r\nFrom here\r\n"},
		{typ: "multipart/related"}, {typ: "text/html", content: "<p>Hallo</p>"},
		{typ: "image/png", disposition: "inline", file: "logo.png", id: "<logo.png>", content: "\x89PNG\r\n\x1a\nxx"},
		{typ: "application/octet-stream", disposition: "attachment", file: "Prüfung 1.bin", content: binary},
		{typ: "text/plain", disposition: "attachment", file: "notes.txt", content: "a\nb\n"},
	}
	if !slices.Equal(parts, want) {
		t.Errorf("parts\n%q, want\n%q", parts, want)
	}
	if m.Size < int64(len(raw))/2 || m.Size > int64(len(raw))*2 {
		t.Errorf("estimated size %d, actual %d", m.Size, len(raw))
	}
}

func TestTextEncodings(t *testing.T) {
	tests := []struct{ name, text, encoding, charset, want string }{
		{"ascii", "hello\nworld\n", "7bit", "us-ascii", "hello\r\nworld\r\n"},
		{"empty", "", "7bit", "us-ascii", ""},
		{"german", "Grüße an alle in Köln und Düren\n", "quoted-printable", "utf-8", "Grüße an alle in Köln und Düren\r\n"},
		{"russian", "Привет, мир\n", "base64", "utf-8", "Привет, мир\r\n"},
		{"long line", strings.Repeat("x", 2000) + "\n", "quoted-printable", "us-ascii", strings.Repeat("x", 2000) + "\r\n"},
		{"latin1", "Gr\xfc\xdfe an alle in K\xf6ln\n", "quoted-printable", "utf-8", "Grüße an alle in Köln\r\n"},
		{"long", strings.Repeat("zwölf Wörter in jeder Zeile\n", 5000), "quoted-printable", "utf-8", strings.Repeat("zwölf Wörter in jeder Zeile\r\n", 5000)},
	}
	for _, tt := range tests {
		raw := text(t, build(t, Draft{From: "a@b.org", Text: Text(tt.text)}))
		h, parts := leaves(t, raw)
		_, params, _ := h.ContentType()
		if h.Get("Content-Transfer-Encoding") != tt.encoding || params["charset"] != tt.charset || parts[0].content != tt.want {
			t.Errorf("%s: %s, %s, %.80q", tt.name, h.Get("Content-Transfer-Encoding"), params["charset"], parts[0].content)
		}
	}
}

func TestDraftsRefused(t *testing.T) {
	ok := Draft{From: "a@b.org", To: []string{"c@d.org"}}
	tests := map[string]func(*Draft){
		"no sender":          func(d *Draft) { d.From = "" },
		"subject":            func(d *Draft) { d.Subject = "x\r\nBcc: evil@x.org" },
		"address":            func(d *Draft) { d.To = []string{"a@b.org\r\nX: y"} },
		"no address":         func(d *Draft) { d.To = []string{"not an address"} },
		"header value":       func(d *Draft) { d.Headers = []Field{{"X", "a\nb"}} },
		"header name":        func(d *Draft) { d.Headers = []Field{{"X Y", "a"}} },
		"header name with :": func(d *Draft) { d.Headers = []Field{{"X:Y", "a"}} },
		"structure":          func(d *Draft) { d.Headers = []Field{{"Content-Type", "text/html"}} },
		"mime version":       func(d *Draft) { d.Headers = []Field{{"MIME-Version", "2"}} },
		"date":               func(d *Draft) { d.Headers = []Field{{"Date", "yesterday"}} },
		"id":                 func(d *Draft) { d.MessageID = "a b" },
		"id 2":               func(d *Draft) { d.MessageID = "<a@b>\r\nX: y" },
		"file name":          func(d *Draft) { d.Attach = []Part{memory("a\r\nb", "")} },
		"content id":         func(d *Draft) { d.Inline = []Part{memory("a b>", "")} },
	}
	if _, err := ok.Build(); err != nil {
		t.Fatal(err)
	}
	for name, change := range tests {
		d := ok
		change(&d)
		if _, err := d.Build(); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeadersWithAPlace(t *testing.T) {
	m := build(t, Draft{From: "a@b.org", Headers: []Field{{"to", "x@y.org"}, {"BCC", "z@y.org"}, {"Subject", "S"}, {"Date", "Mon, 02 Jan 2006 15:04:05 +0000"}, {"message-id", "<1@2>"}}})
	h, _ := leaves(t, text(t, m))
	if h.Get("To") != "<x@y.org>" || h.Get("Subject") != "S" || m.ID != "<1@2>" || !strings.HasPrefix(h.Get("Date"), "Mon, 02 Jan 2006") || len(m.Recipients) != 2 || h.Has("Bcc") {
		t.Errorf("%v, %+v", h, m)
	}
}

// TestLargeAttachmentStreams: 24 MiB pass through in little memory.
func TestLargeAttachmentStreams(t *testing.T) {
	const size = 24 << 20
	opened := 0
	big := Part{Name: "big.bin", Size: size, Open: func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(io.LimitReader(zeros{}, size)), nil
	}}
	m := build(t, Draft{From: "a@b.org", Attach: []Part{big}})
	r, err := m.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := io.Copy(io.Discard, r)
	runtime.ReadMemStats(&now)
	if err != nil || n < size/3*4 || n > m.Size+m.Size/100 {
		t.Errorf("%d bytes of about %d, %v", n, m.Size, err)
	}
	if grown := now.TotalAlloc - before.TotalAlloc; grown > size/2 {
		t.Errorf("allocated %d MiB", grown>>20)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestFailingAttachment(t *testing.T) {
	calls := 0
	p := Part{Name: "x", Size: 1 << 20, Open: func() (io.ReadCloser, error) {
		if calls++; calls > 1 {
			return nil, errors.New("gone")
		}
		return io.NopCloser(strings.NewReader("x")), nil
	}}
	m := build(t, Draft{From: "a@b.org", Attach: []Part{p}})
	r, err := m.Open()
	if err == nil {
		_, err = io.ReadAll(r)
	}
	if protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("error %v", err)
	}
	if _, err := File(filepath.Join(t.TempDir(), "none")); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("no such file: %v", err)
	}
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mail.eml")
	if err := os.WriteFile(name, []byte("Subject: x\r\n\r\ny\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := File(name)
	if err != nil {
		t.Fatal(err)
	}
	_, parts := leaves(t, text(t, build(t, Draft{From: "a@b.org", Attach: []Part{*p}})))
	if l := parts[len(parts)-1]; l.typ != "application/octet-stream" || l.file != "mail.eml" || l.content != "Subject: x\r\n\r\ny\r\n" {
		t.Errorf("an attached message: %+v", l)
	}
}

func TestMailto(t *testing.T) {
	m, err := ParseMailto("mailto:bob@example.org,carol@example.org?subject=Gr%C3%BC%C3%9Fe+1&cc=d@e.org&bcc=f@g.org&body=one%0D%0Atwo&In-Reply-To=%3C1@2%3E&to=h@i.org#x")
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "Grüße+1" || m.Body != "one\r\ntwo" || !slices.Equal(m.To, []string{"bob@example.org,carol@example.org", "h@i.org"}) || m.Cc[0] != "d@e.org" || m.Bcc[0] != "f@g.org" || m.Headers[0] != (Field{"in-reply-to", "<1@2>"}) {
		t.Errorf("%+v", m)
	}
	for _, bad := range []string{"http://x", "mailto:a@b?attach=/etc/passwd", "mailto:a@b?subject=x%0d%0aBcc:y@z", "mailto:a%0d%0ab@c", "mailto:a@b?from=x@y", "mailto:a@b?subject=%zz", "mailto:a%00@b"} {
		if _, err := ParseMailto(bad); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestSign(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]struct{ private, record string }{
		"rsa":     {string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})), "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(spki)},
		"ed25519": {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)},
	}
	drafts := map[string]*Message{"draft": build(t, Draft{From: "a@b.org", To: []string{"c@d.org"}, Subject: "ü", Text: Text("x\n.\ny\n\n\n"), Attach: []Part{memory("f", "z")}})}
	if drafts["finished"], err = finished(t, "From: a@b.org\nTo: c@d.org\n\nbare line ends\n", true); err != nil {
		t.Fatal(err)
	}
	for kind, k := range keys {
		signer, err := ParseKey([]byte(k.private))
		if err != nil {
			t.Fatal(err)
		}
		for name, m := range drafts {
			signed, err := m.Sign(DKIM{Domain: "b.org", Selector: "sel", Key: signer})
			if err != nil {
				t.Fatal(err)
			}
			wire, err := io.ReadAll(&crlfReader{src: strings.NewReader(text(t, signed))})
			if err != nil {
				t.Fatal(err)
			}
			check := func(raw []byte) error {
				v, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(string) ([]string, error) { return []string{k.record}, nil }})
				if err == nil && len(v) == 1 {
					return v[0].Err
				}
				return errors.Join(err, errors.New("no signature"))
			}
			if err := check(wire); err != nil {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
			if check(bytes.Replace(wire, []byte("c@d.org"), []byte("e@f.org"), 1)) == nil {
				t.Errorf("%s, %s: the signature still verifies after a recipient was changed", kind, name)
			}
		}
	}
	for _, bad := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ParseKey([]byte(bad)); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("key %q: %v", bad, err)
		}
	}
}

// FuzzMailto: the result for a URL can be composed, or is rejected, and never
// injects a header.
func FuzzMailto(f *testing.F) {
	f.Add("mailto:a@b.org?subject=x&body=y%0d%0a")
	f.Add("mailto:?to=%22a%22@b&cc=,&x")
	f.Fuzz(func(t *testing.T, url string) {
		m, err := ParseMailto(url)
		if err != nil {
			return
		}
		d := Draft{From: "me@example.org", To: m.To, Cc: m.Cc, Bcc: m.Bcc, Subject: m.Subject, Headers: m.Headers, Text: Text(m.Body), Date: time.Unix(0, 0), MessageID: "<1@2>"}
		msg, err := d.Build()
		if err != nil {
			return
		}
		head, _, _ := strings.Cut(text(t, msg), "\r\n\r\n")
		allowed := "from to cc subject date message-id mime-version content-type content-transfer-encoding in-reply-to references keywords comments"
		for line := range strings.SplitSeq(head, "\r\n") {
			name, _, ok := strings.Cut(line, ":")
			if line[0] != ' ' && line[0] != '\t' && (!ok || !slices.Contains(strings.Fields(allowed), strings.ToLower(name))) {
				t.Fatalf("%q made the header line %q", url, line)
			}
		}
	})
}
