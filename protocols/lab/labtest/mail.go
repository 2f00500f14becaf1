package labtest

import (
	"bytes"
	"crypto/tls"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// MailServer is what Mail starts: three servers on one store of messages. What is sent
// to SMTP can be read with IMAP and POP3, and from Store.
type MailServer struct {
	SMTP, IMAP, POP3 string             // URLs with the login
	Address          string             // of the user, for the envelope and the header
	Options          *protocols.Options // of clients that trust the servers
	Store            *maillab.Mailboxes // empty at first
	Received         *maillab.SMTPServer

	t testing.TB
}

// Mail starts an SMTP, an IMAP and a POP3 server on an empty store, which takes mail to
// every address; the default user sees all of it, and each address what was sent to it,
// with any password. They offer TLS, with certificates of one authority. change changes
// the options of the SMTP server.
func Mail(t testing.TB, change ...func(*maillab.SMTPOptions)) *MailServer {
	t.Helper()
	a, err := base.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	user := base.DefaultCredentials()
	store, err := maillab.NewStore(maillab.StoreOptions{Users: []base.Credentials{user}, Open: true})
	if err != nil {
		t.Fatal(err)
	}
	with := base.ServerOptions{TLS: base.TLSExplicit, Authority: a}
	smtp := maillab.SMTPOptions{ServerOptions: with, Mail: store}
	for _, f := range change {
		f(&smtp)
	}
	m := &MailServer{Store: store, Address: user.User + "@example.org", t: t, Options: &protocols.Options{}}
	m.Options.TLS.Config = &tls.Config{RootCAs: a.Pool()}
	m.Received = Start(t, maillab.StartSMTP, smtp)
	m.SMTP = login(t, m.Received)
	m.IMAP = login(t, Start(t, maillab.StartIMAP, maillab.IMAPOptions{ServerOptions: with, Mail: store}))
	m.POP3 = login(t, Start(t, maillab.StartPOP3, maillab.POP3Options{ServerOptions: with, Mail: store}))
	return m
}

// WaitFor returns the oldest message whose subject contains a
// text. It fails the test, and lists the subjects that came, when there is none in time.
func (m *MailServer) WaitFor(subject string, within time.Duration) *mail.Message {
	m.t.Helper()
	end := time.NewTimer(within)
	defer end.Stop()
	for {
		changed := m.Store.Changed() // before looking: nothing is missed
		found, subjects := m.find(subject)
		if found != nil {
			return found
		}
		select {
		case <-changed:
		case <-end.C:
			m.t.Fatalf("no message whose subject contains %q came within %v; came %q", subject, within, subjects)
		}
	}
}

func (m *MailServer) find(subject string) (found *mail.Message, subjects []string) {
	m.t.Helper()
	all, err := m.Store.Snapshot(base.DefaultCredentials().User, maillab.Inbox)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, stored := range all {
		letter, err := mail.ReadMessage(bytes.NewReader(stored.Data))
		if err != nil {
			subjects = append(subjects, "(not a message: "+err.Error()+")")
			continue
		}
		text := letter.Header.Get("Subject")
		if plain, err := new(mime.WordDecoder).DecodeHeader(text); err == nil {
			text = plain
		}
		if strings.Contains(text, subject) {
			return letter, nil
		}
		subjects = append(subjects, text)
	}
	return nil, subjects
}
