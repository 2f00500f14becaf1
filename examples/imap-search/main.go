// Command imap-search prints the messages of a mailbox that match a query:
//
//	go run ./examples/imap-search imaps://user:password@host/INBOX 'from:ann unread'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
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
		return errors.New("usage: imap-search URL QUERY")
	}
	c, mailbox, err := protocols.Open[*imap.Client](imap.Spec(), args[0], nil) // nil: TLS if offered, default timeouts
	if err != nil {
		return err
	}
	defer c.Close()
	for e, err := range c.Search(ctx, mailbox, args[1]) {
		if err != nil {
			return err
		}
		fmt.Printf("%s %7d  %s  %s\n", e.UID, e.Size, e.From, e.Subject)
	}
	return nil
}
