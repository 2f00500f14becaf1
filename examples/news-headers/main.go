// Command news-headers prints the overview of the newest articles of a newsgroup.
//
//	go run ./examples/news-headers nntp://news.example.org/comp.lang.go 20
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/nntp"
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
	if len(args) != 2 {
		return errors.New("usage: news-headers GROUP-URL COUNT")
	}
	c, group, err := protocols.Open[*nntp.Client](nntp.Spec(), args[0], nil)
	if err != nil {
		return err
	}
	defer c.Close()
	if c.Settings.Newest, err = strconv.ParseInt(args[1], 10, 64); err != nil {
		return err
	}
	for e, err := range c.List(ctx, group) {
		if err != nil {
			return err
		}
		if e.MessageInfo != nil {
			fmt.Printf("%d %s: %s\n", e.Number, e.From, e.Subject)
		}
	}
	return nil
}
