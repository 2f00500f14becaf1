// Command ftp-download saves one file from any server that the catalog supports.
// It retries transient failures. Run again after an interruption, it resumes the
// download if the file on the server is still the same:
//
//	go run ./examples/ftp-download ftp://host/pub/large.iso large.iso
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
		return errors.New("usage: ftp-download URL FILE")
	}
	target, err := all.Parse(args[0])
	if err != nil {
		return err
	}
	result, err := transfer.Copy(ctx, transfer.At(target, nil), transfer.Local(args[1]), &transfer.Options{Continue: true})
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes, starting at byte %d\n", result.Status, result.Bytes, result.ResumedAt)
	return nil
}
