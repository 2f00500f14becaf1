// Command netclients speaks every classic internet protocol as a client.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/netclients/netclients/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second Ctrl-C kills
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
