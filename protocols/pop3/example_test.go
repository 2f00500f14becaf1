package pop3_test

import (
	"context"
	"fmt"
	"log"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/pop3"
)

// Counts the messages of a mailbox.
func Example() {
	server, err := lab.StartPOP3(lab.POP3Options{}) // stands for pop.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	c, _, err := protocols.Open[*pop3.Client](pop3.Spec(), labtest.WithUser(server.URL()), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	count, _, err := c.Totals(context.Background())
	fmt.Println(count, err)
	// Output: 5 <nil>
}
