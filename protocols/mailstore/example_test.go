package mailstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
)

// Stores a message in a maildir and lists it.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c, name, err := all.Open("maildir:"+dir+"/Mail", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	ctx := context.Background()
	if _, err := protocols.Put(ctx, c, name, strings.NewReader("From: ann@example.org\r\nSubject: the plan\r\n\r\nText.\r\n"), nil); err != nil {
		log.Fatal(err)
	}
	for e, err := range protocols.List(ctx, c, name) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.From, e.Subject)
	}
	// Output: ann@example.org the plan
}
