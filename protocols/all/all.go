// Package all is the catalog of the adapters that come with netclients.
package all

import (
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/gopher"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/nntp"
	"github.com/netclients/netclients/protocols/pop3"
	"github.com/netclients/netclients/protocols/smtp"
	"github.com/netclients/netclients/protocols/socket"
	"github.com/netclients/netclients/protocols/telnet"
	"github.com/netclients/netclients/protocols/xmlrpc"
)

// All returns the catalog of all adapters. Nothing is connected, and each call
// makes a catalog of its own.
func All() (*protocols.Registry, error) {
	return protocols.NewRegistry(
		file.Spec(),
		ftp.Spec(),
		http.Spec(),
		gopher.Spec(),
		xmlrpc.Spec(),
		pop3.Spec(),
		mailstore.MaildirSpec(),
		mailstore.MboxSpec(),
		smtp.Spec(),
		imap.Spec(),
		nntp.Spec(),
		telnet.Spec(),
		socket.TCP(),
		socket.UDP(),
		socket.UNIX(),
	)
}

// Parse finds the adapter of a URL, and the name in it that the client's verbs
// take.
func Parse(text string) (*protocols.Target, error) {
	catalog, err := All()
	if err != nil {
		return nil, err
	}
	return catalog.Parse(text, "")
}

// Open makes a client for the server of a URL, and returns the name in it that the
// client's verbs take. It does no I/O. The caller closes the client. A nil o means
// the defaults.
func Open(text string, o *protocols.Options) (c protocols.Client, name string, err error) {
	t, err := Parse(text)
	if err != nil {
		return nil, "", err
	}
	c, err = t.Open(o)
	return c, t.Name, err
}
