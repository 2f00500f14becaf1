package imap

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestOneRefusedFetch: a message that the server cannot read keeps no other from coming.
func TestOneRefusedFetch(t *testing.T) {
	one := func(uid int) string {
		return fmt.Sprintf("* %d FETCH (UID %d RFC822.SIZE 3 BODY[] {3}\r\nm%02d)\r\n", uid, uid, uid)
	}
	w := hostile{greeting: "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n", fetch: func(set string) string {
		out := ""
		for uid := 1; uid <= 6; uid++ {
			if !strings.Contains(map[string]string{"1:6": "1 2 3 4 5 6", "2": "2", "3:6": "3 4 5 6", "5": "5", "6": "6"}[set], fmt.Sprint(uid)) {
				continue
			}
			if uid == 2 || uid == 5 {
				return out + "{tag} NO [SERVERBUG] cannot read\r\n"
			}
			out += one(uid)
		}
		return out + "{tag} OK\r\n"
	}}
	c := w.client(t, nil)
	names := func(yield func(string) bool) {
		for uid := 1; uid <= 6; uid++ {
			if !yield(fmt.Sprintf("INBOX;UID=%d", uid)) {
				return
			}
		}
	}
	got := ""
	must(t, c.BulkGet(t.Context(), names, func(name string, o *protocols.Object, err error) error {
		if err != nil {
			got += " !" + name[len(name)-1:]
			return nil
		}
		b, err := io.ReadAll(o.Body)
		got += " " + string(b)
		return err
	}))
	if got != " m01 !2 m03 m04 !5 m06" {
		t.Errorf("got%s", got)
	}
}

// TestWrongLiteral: a message whose literal is shorter or longer than its content is an
// error, never a message.
func TestWrongLiteral(t *testing.T) {
	for name, response := range map[string]string{
		"short": "* 1 FETCH (UID 5 BODY[] {3}\r\nabcdef)\r\n", "long": "* 1 FETCH (UID 5 BODY[] {5}\r\nabc)\r\n", "cut at a line": "* 1 FETCH (UID 5 BODY[] {5}\r\nabc\r\ndef (g))\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := (&hostile{fetch: func(string) string { return response + "{tag} OK\r\n" }}).client(t, nil)
			if err := read(c, "INBOX;UID=5"); protocols.KindOf(err) != protocols.KindProtocol {
				t.Errorf("get: %v", err)
			}
			one := func(yield func(string) bool) { yield("INBOX;UID=5") }
			whole := false
			err := c.BulkGet(t.Context(), one, func(_ string, o *protocols.Object, err error) error {
				if err == nil {
					_, err = io.Copy(io.Discard, o.Body)
					whole = err == nil
				}
				return err
			})
			if protocols.KindOf(err) != protocols.KindProtocol || whole {
				t.Errorf("bulk: %v, whole is %v", err, whole)
			}
		})
	}
}

// TestListedWithoutSizeOrUID: a sync sees every message, also those of which the server
// leaves out the size; one without a UID is yielded so that it fails, and the listing
// does not say that it is complete.
func TestListedWithoutSizeOrUID(t *testing.T) {
	w := hostile{says: map[string]string{"FETCH": `* 1 FETCH (UID 5 FLAGS () INTERNALDATE "01-Jan-2024 10:00:00 +0000")` + "\r\n" +
		"* 2 FETCH (UID 6 FLAGS () RFC822.SIZE 7)\r\n* 2 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (FLAGS () RFC822.SIZE 7)\r\n{tag} OK\r\n"}}
	c := w.client(t, nil)
	m, err := c.OpenMailbox(t.Context(), "INBOX")
	must(t, err)
	got := ""
	for _, e := range entries(t, m.Changes(t.Context(), "")) {
		got += fmt.Sprintf("%s %d; ", e.ID, e.Size)
	}
	if got != "5 -1; 6 7; number 3 without a UID 7; " || m.Complete {
		t.Errorf("%q, complete is %v", got, m.Complete)
	}
}

// TestBracketsInAtoms: "[" is a character as others are in keywords and names.
func TestBracketsInAtoms(t *testing.T) {
	w := hostile{says: map[string]string{
		"FETCH":  "* 1 FETCH (UID 5 FLAGS (a[b NIL \\Seen) RFC822.SIZE 7 BODY[HEADER.FIELDS (DATE)] {2}\r\n\r\n)\r\n{tag} OK\r\n",
		"STATUS": "* STATUS box[1 (MESSAGES 3)\r\n{tag} OK\r\n",
	}}
	c := w.client(t, nil)
	list := entries(t, c.List(t.Context(), "INBOX"))
	if len(list) != 1 || strings.Join(list[0].Flags, " ") != `a[b NIL \Seen` {
		t.Errorf("%+v", list)
	}
	e, err := c.Stat(t.Context(), "box[1")
	if err != nil || e.Count != 3 {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestInboxInAnyCase: servers answer about INBOX whatever case was asked for.
func TestInboxInAnyCase(t *testing.T) {
	w := hostile{says: map[string]string{"STATUS": "* STATUS INBOX (MESSAGES 3)\r\n{tag} OK\r\n"}}
	e, err := w.client(t, nil).Stat(t.Context(), "inbox")
	if err != nil || e.Count != 3 {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestUnquotedNames: the name is what is left of the line where a server forgets its quotes.
func TestUnquotedNames(t *testing.T) {
	w := hostile{says: map[string]string{"LIST": "* LIST () \"\\\\\" Folder\\Sub 1 b\r\n* LIST () NIL \"a b\"\r\n{tag} OK\r\n"}}
	got := ""
	for _, e := range entries(t, w.client(t, nil).List(t.Context(), "")) {
		got += e.Name + ";"
	}
	if got != `Folder\Sub 1 b;a b;` {
		t.Errorf("%q", got)
	}
}
