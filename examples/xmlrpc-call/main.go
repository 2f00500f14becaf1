// Command xmlrpc-call calls a method and prints its result as JSON. Arguments are
// JSON too:
//
//	go run ./examples/xmlrpc-call http://host/RPC2 add 1 2
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/xmlrpc"
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
		return errors.New("usage: xmlrpc-call URL METHOD [JSON...]")
	}
	c, _, err := protocols.Open[*xmlrpc.Client](xmlrpc.Spec(), args[0], nil)
	if err != nil {
		return err
	}
	defer c.Close()
	var params []any
	for _, text := range args[2:] {
		p, err := xmlrpc.ParseJSON(text)
		if err != nil {
			return err
		}
		params = append(params, p)
	}
	value, err := c.Call(ctx, args[1], params...)
	if fault, ok := errors.AsType[*xmlrpc.Fault](err); ok {
		return fmt.Errorf("fault %d: %s", fault.Code, fault.String)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(xmlrpc.JSON(value, false))
}
