package labtest

import (
	"crypto/tls"
	"io"
	"net/url"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// Running is a server that runs until the test ends.
type Running[S any] struct {
	Server  S                  // what it serves and has seen: Commands, Connections, Tree, ...
	URL     string             // with the login, ending in "/"
	Options *protocols.Options // of clients that trust the server; not shared with others
}

// server is what every server of the lab is.
type server interface {
	io.Closer
	URL() string
}

// run starts a server with options that the caller may change.
func run[O any, S server](t testing.TB, start func(O) (S, error), o O, change []func(*O)) Running[S] {
	t.Helper()
	for _, f := range change {
		f(&o)
	}
	s := Start(t, start, o)
	return Running[S]{Server: s, URL: login(t, s), Options: trusting(s)}
}

// login returns the URL of a server with its user, if it has any.
func login(t testing.TB, s server) string {
	t.Helper()
	has, ok := s.(interface{ Credentials() base.Credentials })
	if !ok {
		return s.URL()
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if c := has.Credentials(); c.User != "" {
		u.User = url.UserPassword(c.User, c.Password)
	}
	return u.String()
}

// trusting returns options with the server's authority.
func trusting(s server) *protocols.Options {
	o := &protocols.Options{}
	if has, ok := s.(interface{ Authority() *base.Authority }); ok && has.Authority() != nil {
		o.TLS.Config = &tls.Config{RootCAs: has.Authority().Pool()}
	}
	return o
}

// upgraded are the options of a server that offers TLS after the greeting.
func upgraded() base.ServerOptions { return base.ServerOptions{TLS: base.TLSExplicit} }

// FTP starts an FTP server that serves the sample files and offers TLS.
func FTP(t testing.TB, change ...func(*ftplab.Options)) Running[*ftplab.Server] {
	t.Helper()
	return run(t, ftplab.Start, ftplab.Options{ServerOptions: upgraded()}, change)
}

// HTTP starts a web server with WebDAV that serves the sample files, without TLS: with
// it the URL's scheme is https.
func HTTP(t testing.TB, change ...func(*weblab.HTTPOptions)) Running[*weblab.HTTPServer] {
	t.Helper()
	return run(t, weblab.StartHTTP, weblab.HTTPOptions{}, change)
}

// XMLRPC starts an XML-RPC server without TLS.
func XMLRPC(t testing.TB, change ...func(*weblab.XMLRPCOptions)) Running[*weblab.XMLRPCServer] {
	t.Helper()
	return run(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{}, change)
}

// SMTP starts a mail server that takes mail for its user and offers TLS.
func SMTP(t testing.TB, change ...func(*maillab.SMTPOptions)) Running[*maillab.SMTPServer] {
	t.Helper()
	return run(t, maillab.StartSMTP, maillab.SMTPOptions{ServerOptions: upgraded()}, change)
}

// POP3 starts a POP3 server with the sample mail that offers TLS.
func POP3(t testing.TB, change ...func(*maillab.POP3Options)) Running[*maillab.POP3Server] {
	t.Helper()
	return run(t, maillab.StartPOP3, maillab.POP3Options{ServerOptions: upgraded()}, change)
}

// IMAP starts an IMAP server with the sample mail that offers TLS.
func IMAP(t testing.TB, change ...func(*maillab.IMAPOptions)) Running[*maillab.IMAPServer] {
	t.Helper()
	return run(t, maillab.StartIMAP, maillab.IMAPOptions{ServerOptions: upgraded()}, change)
}

// NNTP starts a news server with the sample groups that offers TLS.
func NNTP(t testing.TB, change ...func(*newslab.Options)) Running[*newslab.Server] {
	t.Helper()
	return run(t, newslab.Start, newslab.Options{ServerOptions: upgraded()}, change)
}

// Gopher starts a Gopher server that serves the sample files.
func Gopher(t testing.TB, change ...func(*textlab.GopherOptions)) Running[*textlab.GopherServer] {
	t.Helper()
	return run(t, textlab.StartGopher, textlab.GopherOptions{}, change)
}

// Telnet starts a Telnet server with a login.
func Telnet(t testing.TB, change ...func(*textlab.TelnetOptions)) Running[*textlab.TelnetServer] {
	t.Helper()
	return run(t, textlab.StartTelnet, textlab.TelnetOptions{}, change)
}
