package nntp_test

import (
	"context"
	"fmt"
	"log"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/nntp"
)

// Prints the subjects of the two newest articles of a newsgroup.
func Example() {
	server, err := lab.StartNNTP(lab.NNTPOptions{}) // stands for news.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	c, group, err := protocols.Open[*nntp.Client](nntp.Spec(), labtest.WithUser(server.URL())+"local.test", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	c.Settings.Newest = 2
	for e, err := range c.List(context.Background(), group) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Number, e.Subject)
	}
	// Output:
	// 5 A longer one
	// 6 No body
}
