//go:build linux

package interop

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/imap"
)

// TestIMAPStructure: the parts of a message as the server sees them, decoded, with an
// envelope and a search by a text that holds all that has a meaning.
func TestIMAPStructure(t *testing.T) {
	c := imapClient(t, "IMAPS", "imaps", Bob, nil)
	box := imapBox(t, c, "Teile")
	e, err := c.Put(t.Context(), box, strings.NewReader("From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\r\nCc: a@example.org, b@example.org\r\nReferences: <1@x> <2@x>\r\n"+
		"Subject: a \"b\" (c) \\d\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n8NLJ18XU\r\n"+
		"--a\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*0*=utf-8''%C3%9Cb; filename*1=ung.pdf\r\n\r\nx\r\n"+
		"--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntext\r\n--a--\r\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	root, err := c.Structure(t.Context(), e.Path)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for p := range root.All() {
		got += fmt.Sprintf("%s %s %s;", p.Section, p.Type, p.FileName())
	}
	if want := " multipart/mixed ;1 text/plain ;2 application/pdf Übung.pdf;3 message/rfc822 ;3.1 text/plain ;"; got != want {
		t.Errorf("parts %q, want %q", got, want)
	}
	for i, want := range map[int]string{0: "Привет", 1: "x"} {
		o, err := c.OpenPart(t.Context(), e.Path, root.Parts[i])
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(o.Body)
		o.Body.Close()
		if string(b) != want || err != nil {
			t.Errorf("part %d: %q, %v", i, b, err)
		}
	}
	env, err := c.Envelope(t.Context(), e.Path)
	if err != nil || env.From[0].Name != "Jörg" || len(env.Cc) != 2 || len(env.References) != 2 {
		t.Errorf("%+v, %v", env, err)
	}
	if found := imapList(t, c.Search(t.Context(), box, imap.Query{Subject: `"b" (c) \d`, Not: []imap.Query{{From: "nobody"}}}.String())); len(found) != 1 {
		t.Errorf("found %d", len(found))
	}
}
