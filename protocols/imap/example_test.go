package imap_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/url"
	"strings"

	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// connect makes a client of a server with one message more, which it names.
func connect() (c *imap.Client, name string, closes func()) {
	server, err := lab.StartIMAP(lab.IMAPOptions{}) // stands for imap.example.org
	if err != nil {
		log.Fatal(err)
	}
	u, err := url.Parse(labtest.WithUser(server.URL()))
	if err != nil {
		log.Fatal(err)
	}
	if c, err = imap.New(u, nil); err != nil {
		log.Fatal(err)
	}
	e, err := c.Put(context.Background(), "INBOX", strings.NewReader("From: Ann <ann@example.org>\r\nSubject: the plan\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"+
		"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n--x\r\nContent-Type: application/pdf; name=plan.pdf\r\n\r\n%PDF\r\n--x--\r\n"), nil)
	if err != nil {
		log.Fatal(err)
	}
	return c, e.Path, func() { c.Close(); server.Close() }
}

// The parts of a message, and the text of one, without what else is in it.
func ExampleClient_Structure() {
	c, name, closes := connect()
	defer closes()
	ctx := context.Background()
	root, err := c.Structure(ctx, name)
	if err != nil {
		log.Fatal(err)
	}
	for p := range root.All() {
		fmt.Printf("%q %s %q\n", p.Section, p.Type, p.FileName())
	}
	o, err := c.OpenPart(ctx, name, root.Parts[0])
	if err != nil {
		log.Fatal(err)
	}
	defer o.Body.Close()
	text, err := io.ReadAll(o.Body)
	fmt.Println(string(text), err)
	// Output:
	// "" multipart/mixed ""
	// "1" text/plain ""
	// "2" application/pdf "plan.pdf"
	// Grüße <nil>
}

// A search with words that a user has entered.
func ExampleQuery() {
	c, _, closes := connect()
	defer closes()
	entered := `the plan`
	for e, err := range c.Search(context.Background(), "INBOX", imap.Query{From: "ann@", Subject: entered}.String()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Subject)
	}
	// Output: the plan
}

// The name of a part, from its pieces.
func ExampleMessageRef() {
	fmt.Println(imap.MessageRef{Mailbox: "Sent; old", UID: 5, Section: "1.2"})
	r, err := imap.ParseMessageRef("INBOX;UIDVALIDITY=7/;UID=42")
	fmt.Println(r.Mailbox, r.UID, err)
	// Output:
	// Sent%3B old/;UID=5/;SECTION=1.2
	// INBOX 42 <nil>
}
