// Command trace-dialogue reads a file and prints the dialogue with its server:
//
//	go run ./examples/trace-dialogue ftp://user:password@host/README.txt
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	if len(args) != 1 {
		return errors.New("usage: trace-dialogue URL")
	}
	stats := &protocols.Stats{}
	c, name, err := all.Open(args[0], &protocols.Options{
		Stats: stats,
		Trace: func(e protocols.Event) {
			fmt.Fprintf(os.Stderr, "%d %s %s %s\n", e.Conn, e.Channel, e.Kind, e.Text)
		},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	o, err := protocols.Get(ctx, c, name, nil)
	if err != nil {
		return err
	}
	defer o.Body.Close()
	if _, err := io.Copy(os.Stdout, o.Body); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d connections, %d bytes received\n", stats.Conns.Load(), stats.Read.Load())
	return nil
}
