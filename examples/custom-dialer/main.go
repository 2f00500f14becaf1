// Command custom-dialer reaches a server through its own dialer, as a program
// with its own network does (a tunnel, a container, a test). This one sends every
// connection to one address, whatever the URL says:
//
//	go run ./examples/custom-dialer 127.0.0.1 ftp://user:password@files.example:2121/
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
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
	if len(args) != 2 {
		return errors.New("usage: custom-dialer ADDRESS URL")
	}
	var dialer net.Dialer
	c, name, err := all.Open(args[1], &protocols.Options{
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(address) // the library always passes a port
			fmt.Fprintf(os.Stderr, "%s: connecting to %s\n", address, args[0])
			return dialer.DialContext(ctx, network, net.JoinHostPort(args[0], port))
		},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	for e, err := range protocols.List(ctx, c, name) {
		if err != nil {
			return err
		}
		fmt.Println(e.Name)
	}
	return nil
}
