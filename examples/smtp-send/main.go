// Command smtp-send composes a message with an attachment, sends it, and prints the server's reply for each recipient:
//
//	go run ./examples/smtp-send smtp://mail.example.org me@example.org you@example.net report.pdf
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/message"
	"github.com/netclients/netclients/protocols/smtp"
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
	if len(args) != 4 {
		return errors.New("usage: smtp-send URL FROM TO FILE")
	}
	file, err := message.File(args[3])
	if err != nil {
		return err
	}
	m, err := message.Draft{
		From: args[1], To: []string{args[2]}, Subject: "Here is " + file.Name,
		Text: message.Text("See the attachment.\n"), Attach: []message.Part{*file},
	}.Build()
	if err != nil {
		return err
	}
	c, _, err := protocols.Open[*smtp.Client](smtp.Spec(), args[0], nil)
	if err != nil {
		return err
	}
	defer c.Close()
	receipt, err := c.SendMail(ctx, &smtp.Mail{From: m.From, To: m.Recipients, Open: m.Open, Size: m.Size, MessageID: m.ID})
	for _, r := range receipt.Recipients {
		fmt.Printf("%s: accepted=%v %d %s\n", r.Address, r.Accepted, r.Code, r.Text)
	}
	return err
}
