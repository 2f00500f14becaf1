package lab_test

import (
	"fmt"
	"log"
	"net/smtp"
	"strings"

	"github.com/netclients/netclients/protocols/lab"
)

// Starts a mail server, sends to it with another client, and looks at what came.
func Example() {
	mails, err := lab.NewMailStore(lab.MailStoreOptions{})
	if err != nil {
		log.Fatal(err)
	}
	server, err := lab.StartSMTP(lab.SMTPOptions{Mail: mails})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	err = smtp.SendMail(server.Addr(), nil, "ann@example.org", []string{"alice@lab.test"}, []byte("Subject: hello\r\n\r\nText.\r\n"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(server.URL(), "smtp://127.0.0.1:"))
	// Output: true
}
