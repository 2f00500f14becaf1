package roundtrip_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/roundtrip"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

func end(t *testing.T, url string) roundtrip.End {
	t.Helper()
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	at, err := reg.Parse(url, "")
	if err != nil {
		t.Fatal(err)
	}
	return roundtrip.End{Target: at, Open: func() (protocols.Client, error) { return at.Open(&protocols.Options{}) }}
}

func names(steps []roundtrip.Step) string {
	var all []string
	for _, s := range steps {
		all = append(all, s.Name)
	}
	return strings.Join(all, " ")
}

// count lists what is at a URL.
func count(t *testing.T, url string) (n int) {
	t.Helper()
	e := end(t, url)
	c, err := e.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, err := range protocols.List(t.Context(), c, e.Target.Name) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestTrips(t *testing.T) {
	mail := labtest.Mail(t)
	ftp := labtest.WithUser(labtest.Start(t, lab.StartFTP, lab.FTPOptions{}).URL())
	news := labtest.WithUser(labtest.Start(t, lab.StartNNTP, lab.NNTPOptions{}).URL())
	dav := labtest.WithUser(labtest.Start(t, lab.StartHTTP, lab.HTTPOptions{}).URL())
	inbox := mail.IMAP + "INBOX"
	for _, c := range []struct{ name, from, to, steps string }{
		{"SMTP to IMAP", mail.SMTP, inbox, "send arrive read delete"},
		{"SMTP to POP3", mail.SMTP, mail.POP3, "send arrive read delete"},
		{"NNTP", news + "local.test", news + "local.test", "send arrive"},
		{"FTP", ftp + "incoming/", ftp + "incoming/", "write read delete"},
		{"WebDAV", dav + "incoming/", dav + "incoming/", "write read delete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			left := 0
			if !strings.HasPrefix(c.name, "NNTP") {
				left = count(t, c.to)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			steps, err := roundtrip.Run(ctx, end(t, c.from), end(t, c.to), roundtrip.Options{To: "alice@lab.invalid"})
			if err != nil {
				t.Fatal(err)
			}
			labtest.Equal(t, "steps", names(steps), c.steps)
			if !strings.HasPrefix(c.name, "NNTP") {
				labtest.Equal(t, "entries left", count(t, c.to), left)
			}
		})
	}
}

// TestNothingIsLeft: a file that cannot be read back is deleted all the same.
func TestNothingIsLeft(t *testing.T) {
	s := labtest.Start(t, lab.StartFTP, lab.FTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:RETR=550 no*1")}})
	url := labtest.WithUser(s.URL()) + "incoming/"
	before := count(t, url)
	steps, err := roundtrip.Run(t.Context(), end(t, url), end(t, url), roundtrip.Options{})
	if err == nil || !slices.Equal([]string{names(steps)}, []string{"write"}) {
		t.Errorf("steps %s, %v", names(steps), err)
	}
	labtest.Equal(t, "entries left", count(t, url), before)
}

// TestLost: a message that does not come is a timeout that says so.
func TestLost(t *testing.T) {
	sink := labtest.Start(t, lab.StartSMTP, lab.SMTPOptions{Discard: true})
	mail := labtest.Mail(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	steps, err := roundtrip.Run(ctx, end(t, sink.URL()), end(t, mail.IMAP+"INBOX"), roundtrip.Options{To: "alice@lab.invalid"})
	if protocols.KindOf(err) != protocols.KindTimeout || !strings.Contains(err.Error(), "has not arrived") || names(steps) != "send" {
		t.Errorf("steps %s, %v", names(steps), err)
	}
}

func TestNoWay(t *testing.T) {
	gopher := labtest.Start(t, lab.StartGopher, lab.GopherOptions{})
	_, err := roundtrip.Run(t.Context(), end(t, gopher.URL()), end(t, gopher.URL()), roundtrip.Options{})
	labtest.Equal(t, "kind", protocols.KindOf(err), protocols.KindUsage)
}
