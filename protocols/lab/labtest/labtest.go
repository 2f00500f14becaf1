// Package labtest starts servers for the tests of programs that talk to servers:
//
//	func TestNewsletter(t *testing.T) {
//		mail := labtest.Mail(t)
//		sendNewsletter(mail.SMTP, mail.Options) // the program under test
//		letter := mail.WaitFor("Newsletter", 5*time.Second)
//		...
//	}
//
// Each function starts one server on a loopback port, with the default user, and ends
// it with the test. What it returns has the URL, with the login in it, and the options
// that trust the server's certificate. The options of the lab's servers change
// everything else; Faults are the ways in which a server misbehaves:
//
//	ftp := labtest.FTP(t, func(o *ftplab.Options) { o.Faults = labtest.Faults(t, "data.cut=3M*1") })
//
// Everything fails the test instead of returning an error. The package implements no
// RFC.
package labtest

import (
	"io"
	"net"
	"net/url"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/kit"
)

// Connectable is a server with a user.
type Connectable = kit.Connectable

// Start starts a server, which ends with the test:
//
//	s := labtest.Start(t, ftplab.Start, ftplab.Options{Quota: 1000})
func Start[O any, S io.Closer](t testing.TB, start func(O) (S, error), o O) S {
	t.Helper()
	return kit.Start(t, start, o)
}

// Open makes a client for a URL with the New of an adapter; nil options are the
// defaults. The client is closed at the end of the test.
func Open[C protocols.Client](t testing.TB, create func(*url.URL, *protocols.Options) (C, error), rawURL string, o *protocols.Options) C {
	t.Helper()
	return kit.Open(t, create, rawURL, o)
}

// Connect is Open for a server: the client has the user that the server lets in,
// and trusts the server's authority unless the options have a TLS configuration.
func Connect[C protocols.Client](t testing.TB, create func(*url.URL, *protocols.Options) (C, error), s Connectable, o *protocols.Options) C {
	t.Helper()
	return kit.Connect(t, create, s, o)
}

// URL parses a URL.
func URL(t testing.TB, text string) *url.URL {
	t.Helper()
	return kit.URL(t, text)
}

// WithUser puts the default user and the password into a URL.
func WithUser(rawURL string) string { return kit.WithUser(rawURL) }

// Read returns the content of an object.
func Read(t testing.TB, c protocols.Getter, name string) string {
	t.Helper()
	return kit.Read(t, c, name)
}

// Object returns the content of what a call returned, which it closes:
//
//	o, err := c.Top(t.Context(), name, 10)
//	text := labtest.Object(t, o, err)
func Object(t testing.TB, o *protocols.Object, err error) string {
	t.Helper()
	return kit.Object(t, o, err)
}

// Faults parses a fault specification, see [base.ParseFaults].
func Faults(t testing.TB, spec string) base.Faults {
	t.Helper()
	return kit.Faults(t, spec)
}

// Dial opens a TCP connection, which is closed at the end of the test and times
// out after 20 seconds.
func Dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	return kit.Dial(t, addr)
}

// ReadUntilEnd reads all that comes, and returns it with the error that ended it;
// the orderly end is none.
func ReadUntilEnd(r io.Reader) (string, error) { return kit.ReadUntilEnd(r) }

// Equal fails the test when two values differ; it goes on.
func Equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	kit.Equal(t, what, got, want)
}

// Pattern returns n bytes of [base.Pattern].
func Pattern(seed uint64, n int) string { return kit.Pattern(seed, n) }

// NoServerGoroutines fails the test when goroutines of servers are left.
func NoServerGoroutines(t testing.TB) {
	t.Helper()
	kit.NoServerGoroutines(t)
}
