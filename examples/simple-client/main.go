// Command simple-client is the client of many socket tutorials: it connects,
// prints what the server sends, and closes:
//
//	go run ./examples/simple-client localhost:12345
//
// The same on the command line:
//
//	netclients tcp recv localhost:12345
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
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
		return errors.New("usage: simple-client HOST:PORT")
	}
	c, _, err := protocols.Open[*socket.Client](socket.TCP(), args[0], nil)
	if err != nil {
		return err
	}
	defer c.Close()
	conn, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.Copy(os.Stdout, conn)
	return err
}
