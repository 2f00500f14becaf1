// Package kit has the helpers of package labtest, which the servers' own tests use
// too: those cannot import labtest, as it imports the servers. Everything fails the
// test instead of returning an error.
package kit

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
)

// Start starts a server, which ends with the test:
//
//	s := kit.Start(t, ftplab.Start, ftplab.Options{Quota: 1000})
func Start[O any, S io.Closer](t testing.TB, start func(O) (S, error), o O) S {
	t.Helper()
	s, err := start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Open makes a client for a URL with the New of an adapter; nil options are the
// defaults. The client is closed at the end of the test.
func Open[C protocols.Client](t testing.TB, create func(*url.URL, *protocols.Options) (C, error), rawURL string, o *protocols.Options) C {
	t.Helper()
	c, err := create(URL(t, rawURL), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Connectable is a server with a user.
type Connectable interface {
	base.Server
	Credentials() base.Credentials
	Authority() *base.Authority
}

// Connect is Open for a server: the client has the user that the server lets in,
// and trusts the server's authority unless the options have a TLS configuration.
func Connect[C protocols.Client](t testing.TB, create func(*url.URL, *protocols.Options) (C, error), s Connectable, o *protocols.Options) C {
	t.Helper()
	if o == nil {
		o = &protocols.Options{}
	}
	if a := s.Authority(); a != nil && o.TLS.Config == nil {
		o.TLS.Config = &tls.Config{RootCAs: a.Pool()}
	}
	return Open(t, create, WithUser(s.URL()), o)
}

// URL parses a URL.
func URL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := protocols.ParseURL(text, "")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// WithUser puts the default user and the password into a URL.
func WithUser(rawURL string) string {
	c := base.DefaultCredentials()
	return strings.Replace(rawURL, "://", "://"+c.User+":"+c.Password+"@", 1)
}

// Read returns the content of an object.
func Read(t testing.TB, c protocols.Getter, name string) string {
	t.Helper()
	o, err := c.Get(t.Context(), name, nil)
	return Object(t, o, err)
}

// Object returns the content of what a call returned, which it closes.
func Object(t testing.TB, o *protocols.Object, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer o.Body.Close()
	b, err := io.ReadAll(o.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Faults parses a fault specification, see [base.ParseFaults].
func Faults(t testing.TB, spec string) base.Faults {
	t.Helper()
	f, err := base.ParseFaults(spec)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// dialDeadline bounds everything that is done with a connection of Dial.
const dialDeadline = 20 * time.Second

// Dial opens a TCP connection, which is closed at the end of the test and times
// out after 20 seconds.
func Dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(dialDeadline))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ReadUntilEnd reads all that comes, and returns it with the error that ended it;
// the orderly end is none.
func ReadUntilEnd(r io.Reader) (string, error) {
	var b bytes.Buffer
	_, err := io.Copy(&b, r)
	return b.String(), err
}

// Equal fails the test when two values differ; it goes on.
func Equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// Pattern returns n bytes of [base.Pattern].
func Pattern(seed uint64, n int) string {
	p := make([]byte, n)
	base.Pattern(seed)(p, 0)
	return string(p)
}

// NoServerGoroutines fails the test when goroutines of servers are left.
func NoServerGoroutines(t testing.TB) {
	t.Helper()
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for g := range strings.SplitSeq(string(buf), "\n\n") {
		if strings.Contains(g, "protocols/lab/") && strings.Contains(g, ".(*") && !strings.Contains(g, "testing.tRunner") {
			t.Errorf("goroutine left:\n%s", g)
		}
	}
}
