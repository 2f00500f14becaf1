package protocoltest

import (
	"io"
	"net/url"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// Open makes a client for a URL with the New of an adapter. It is closed at the
// end of the test.
func Open[C protocols.Client](t testing.TB, create func(*url.URL, *protocols.Options) (C, error), rawURL string, o *protocols.Options) C {
	t.Helper()
	u, err := protocols.ParseURL(rawURL, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := create(u, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Start starts a server, such as those of package lab. It is closed at the end of
// the test.
func Start[O any, S io.Closer](t testing.TB, start func(O) (S, error), o O) S {
	t.Helper()
	s, err := start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
