// Command raw-command sends commands unchanged after login, and prints each
// reply. It works for every protocol whose client is a [protocols.Doer]:
//
//	go run ./examples/raw-command ftp://user:password@host SYST 'SITE HELP'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
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
	if len(args) < 2 {
		return errors.New("usage: raw-command URL COMMAND [COMMAND ...]")
	}
	c, _, err := all.Open(args[0], nil)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, command := range args[1:] {
		reply, err := protocols.Do(ctx, c, command)
		if err != nil {
			return err
		}
		for _, line := range reply.Lines {
			fmt.Println(reply.Code, line)
		}
	}
	return nil
}
