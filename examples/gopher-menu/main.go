// Command gopher-menu prints a Gopher menu: type and text of each item, and the
// URL that opens it. A search returns a menu too:
//
//	go run ./examples/gopher-menu gopher://host/1/folder
//	go run ./examples/gopher-menu 'gopher://host/7/search?some words'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/gopher"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: gopher-menu URL")
	}
	c, menu, err := protocols.Open[*gopher.Client](gopher.Spec(), args[0], nil)
	if err != nil {
		return err
	}
	defer c.Close()
	c.Settings.Charset = "auto" // old servers use Latin-1 or CP437
	for e, err := range c.List(ctx, menu) {
		if err != nil {
			return err
		}
		fmt.Printf("%-6s %q %s\n", e.Type, e.Name, e.URL) // %q: the text is untrusted
	}
	return nil
}
