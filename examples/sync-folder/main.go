// Command sync-folder brings a local folder up to date with one on a server, over
// four connections. Unchanged files are not fetched:
//
//	go run ./examples/sync-folder ftp://host/pub/ mirror
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
		return errors.New("usage: sync-folder URL FOLDER")
	}
	target, err := all.Parse(args[0])
	if err != nil {
		return err
	}
	sum, err := transfer.Sync(ctx, transfer.At(target, nil), transfer.Local(args[1]), &transfer.SyncOptions{Parallel: 4}, func(r transfer.Result) {
		if r.Status != transfer.StatusSkipped {
			fmt.Println(r.Status, r.Name)
		}
	})
	fmt.Printf("%d copied, %d skipped, %d failed\n", sum.Done, sum.Skipped, sum.Failed)
	return err
}
