// Command ftp-upload stores a file, with its time and mode, completely or not at
// all:
//
//	go run ./examples/ftp-upload report.pdf ftp://user:password@host/incoming/report.pdf
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
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
		return errors.New("usage: ftp-upload FILE URL")
	}
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	c, name, err := protocols.Open[*ftp.Client](ftp.Spec(), args[1], nil)
	if err != nil {
		return err
	}
	defer c.Close()
	stored, err := protocols.Put(ctx, c, name, f, &protocols.PutOptions{
		Size: info.Size(), Modified: info.ModTime(), Mode: info.Mode().Perm(), HasMode: true,
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes\n", stored.URL, info.Size())
	return nil
}
