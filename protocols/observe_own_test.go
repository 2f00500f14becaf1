package protocols_test

import (
	"context"
	"io"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/pop3"
	"github.com/netclients/netclients/protocols/smtp"
	"github.com/netclients/netclients/protocols/xmlrpc"
)

// TestObserveOwnMethods: the hook of the options sees methods that only one adapter has,
// each once and with its error, whether or not the client came from a catalog.
func TestObserveOwnMethods(t *testing.T) {
	web, rpc, box := labtest.HTTP(t), labtest.XMLRPC(t), labtest.POP3(t)
	files, mails, relay := labtest.FTP(t), labtest.IMAP(t), labtest.SMTP(t)
	for _, c := range []struct {
		name string
		o    *protocols.Options
		do   func(ctx context.Context) error
		want string
	}{
		{"FTP", files.Options, func(ctx context.Context) error {
			return labtest.Open(t, ftp.New, files.URL, files.Options).Chmod(ctx, "none", "600")
		}, "ftp chmod none: refused"},
		{"HTTP", web.Options, func(ctx context.Context) error {
			resp, err := labtest.Open(t, http.New, web.URL, web.Options).Do(ctx, &http.Request{Method: "HEAD", URL: labtest.URL(t, web.URL)})
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			resp.Body.Close()
			return err
		}, "http request " + protocols.Redact(labtest.URL(t, web.URL)) + ": ok"},
		{"IMAP", mails.Options, func(ctx context.Context) error {
			return labtest.Open(t, imap.New, mails.URL, mails.Options).Subscribe(ctx, "none", false)
		}, "imap subscribe none: refused"},
		{"POP3", box.Options, func(ctx context.Context) error {
			_, _, err := labtest.Open(t, pop3.New, box.URL, box.Options).Totals(ctx)
			return err
		}, "pop3 stat : ok"},
		{"SMTP", relay.Options, func(ctx context.Context) error {
			_, err := labtest.Open(t, smtp.New, relay.URL, relay.Options).SendMail(ctx, &smtp.Mail{From: "a@b.test"})
			return err
		}, "smtp send : usage"},
		{"XML-RPC", rpc.Options, func(ctx context.Context) error {
			_, err := labtest.Open(t, xmlrpc.New, rpc.URL, rpc.Options).Call(ctx, "none")
			return err
		}, "xmlrpc call none: refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{}
			c.o.Observe = r.observe
			err := c.do(t.Context())
			if got := r.take(); got != c.want {
				t.Errorf("seen %q, want %q (%v)", got, c.want, err)
			}
		})
	}
}
