package gopher_test

import (
	"context"
	"fmt"
	"log"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/gopher"
	"github.com/netclients/netclients/protocols/lab"
)

// Lists a menu.
func Example() {
	server, err := lab.StartGopher(lab.GopherOptions{}) // stands for gopher.example.org
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	c, menu, err := protocols.Open[*gopher.Client](gopher.Spec(), server.URL()+"1/pub/nested/a", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	for e, err := range c.List(context.Background(), menu) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %q\n", e.Type, e.Name) // %q: the text is untrusted
	}
	// Output:
	// menu "b"
	// file "one.txt"
}
