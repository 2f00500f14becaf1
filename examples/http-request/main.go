// Command http-request makes one request with any method and prints the status,
// the time to the first byte, and the body:
//
//	go run ./examples/http-request POST https://example.org/api '{"name": "Ann"}'
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
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
	if len(args) < 2 || len(args) > 3 {
		return errors.New("usage: http-request METHOD URL [BODY]")
	}
	u, err := protocols.ParseURL(args[1], "https")
	if err != nil {
		return err
	}
	c, err := http.New(u, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	u.User = nil
	r := &http.Request{Method: args[0], URL: u}
	if len(args) == 3 {
		r.Body, r.Length = strings.NewReader(args[2]), int64(len(args[2]))
		r.Header = http.Header{"Content-Type": {"application/json"}}
	}
	resp, err := c.Do(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	fmt.Fprintf(os.Stderr, "%s %d %s after %v\n", resp.Proto, resp.Status, resp.Reason, resp.Times.FirstByte)
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		return err
	}
	return resp.AsError()
}
