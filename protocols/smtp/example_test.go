package smtp_test

import (
	"context"
	"fmt"
	"log"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/message"
	"github.com/netclients/netclients/protocols/smtp"
)

// Sends a message.
func Example() {
	server, err := lab.StartSMTP(lab.SMTPOptions{}) // stands for smtp.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	m, err := message.Draft{From: "me@example.org", To: []string{"alice@lab.test"}, Subject: "Weekly report", Text: message.Text("All is well.\n")}.Build()
	if err != nil {
		log.Fatal(err)
	}
	c, _, err := protocols.Open[*smtp.Client](smtp.Spec(), labtest.WithUser(server.URL()), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	receipt, err := c.SendMail(context.Background(), &smtp.Mail{From: m.From, To: m.Recipients, Open: m.Open, Size: m.Size, MessageID: m.ID})
	for _, r := range receipt.Recipients {
		fmt.Println(r.Address, r.Accepted)
	}
	fmt.Println(err)
	// Output:
	// alice@lab.test true
	// <nil>
}
