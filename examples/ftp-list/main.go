// Command ftp-list prints the entries of a folder on an FTP server as they
// arrive, however many there are:
//
//	go run ./examples/ftp-list ftp://user:password@host/folder/
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
	if len(args) != 1 {
		return errors.New("usage: ftp-list URL")
	}
	c, folder, err := protocols.Open[*ftp.Client](ftp.Spec(), args[0], nil) // nil: TLS if offered, default timeouts
	if err != nil {
		return err
	}
	defer c.Close()
	for e, err := range protocols.List(ctx, c, folder) {
		if err != nil {
			return err
		}
		fmt.Printf("%-4s %12d  %s  %s\n", e.Type, e.Size, e.Modified.UTC().Format("2006-01-02 15:04"), e.Name)
	}
	return nil
}
