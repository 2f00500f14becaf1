// Command mail-archive brings a maildir or mbox up to date with a mailbox on any
// server that identifies messages by ids, such as POP3. It may be killed and run
// again at any time: no message is lost or stored twice.
//
//	go run ./examples/mail-archive pop3://alice:secret@host/ maildir:mail
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/transfer"
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
		return errors.New("usage: mail-archive MAILBOX-URL maildir:DIR|mbox:FILE")
	}
	var ends [2]transfer.Endpoint
	for i, text := range args {
		target, err := all.Parse(text)
		if err != nil {
			return err
		}
		ends[i] = transfer.At(target, nil)
	}
	sum, err := transfer.SyncMessages(ctx, ends[0], ends[1], nil, nil)
	fmt.Printf("%d new, %d known, %d bytes\n", sum.Done, sum.Skipped, sum.Bytes)
	return err
}
