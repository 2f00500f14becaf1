// Command simple-server is the server of many socket tutorials: it waits for
// connections, prints the address of each client, thanks it and closes:
//
//	go run ./examples/simple-server localhost:12345
//
// The same on the command line:
//
//	netclients tcp listen localhost:12345 --greet 'Thank you for connecting'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: simple-server HOST:PORT")
	}
	u, err := protocols.ParseURL(args[0], "tcp")
	if err != nil {
		return err
	}
	s, err := socket.Listen(ctx, u, &socket.ListenOptions{
		Greet:  "Thank you for connecting",
		Opened: func(p *socket.Peer) { fmt.Println("Got connection from", p.RemoteAddr()) },
	})
	if err != nil {
		return err
	}
	fmt.Println("listening on", s.Addr())
	return s.Serve(ctx)
}
