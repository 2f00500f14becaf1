package http

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// TestDigestOverTheBody: a server that wants the body protected gets its hash, and
// the body; one that can be read only once is refused before it goes out.
func TestDigestOverTheBody(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, labtest.WithUser(s.URL()), nil)
	at := labtest.URL(t, s.URL()+"-/auth/digest-int")
	for _, body := range []io.Reader{nil, strings.NewReader("small"), bytes.NewReader(make([]byte, 300<<10))} {
		r := &Request{Method: "POST", URL: at, Body: body}
		if sized, ok := body.(interface{ Len() int }); ok {
			r.Length = int64(sized.Len())
		}
		if resp, got := do(t, c, r); resp.Status != 200 || got != "welcome, alice\n" {
			t.Errorf("%d %s", resp.Status, got)
		}
	}
	_, err := c.Do(t.Context(), &Request{Method: "POST", URL: at, Body: io.MultiReader(strings.NewReader("once")), Length: -1})
	wantKind(t, err, protocols.KindRefused)
}

// TestLoginsThatAreNotSupported: the error names what the server wants.
func TestLoginsThatAreNotSupported(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, labtest.WithUser(s.URL()), nil)
	_, err := c.Get(t.Context(), "-/auth/ntlm", nil)
	wantKind(t, err, protocols.KindAuth)
	if err == nil || !strings.Contains(err.Error(), "negotiate, ntlm only, which are not supported") {
		t.Errorf("%v", err)
	}
}
