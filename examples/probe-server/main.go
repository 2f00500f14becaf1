// Command probe-server logs in to a server and prints the duration of each step
// and the capabilities of the server:
//
//	go run ./examples/probe-server ftps://user:password@host
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

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
		return errors.New("usage: probe-server URL")
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, _, err := all.Open(args[0], &protocols.Options{ProbeLogin: true})
	if err != nil {
		return err
	}
	defer c.Close()
	r, err := c.Probe(ctx) // r is never nil, even with an error
	fmt.Printf("%s up=%v %s connect=%v login=%v total=%v tls=%s\n", r.URL, r.Up, r.Phase, r.Connect, r.Login, r.Total, cmp.Or(r.TLSVersion, "none"))
	for _, capability := range r.Capabilities {
		fmt.Println(" ", capability.Name, capability.Params)
	}
	return err
}
