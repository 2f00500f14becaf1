package http

import (
	"bytes"
	"context"
	"io"
	"net/url"
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

// TestProxyDigest: a proxy that takes whole requests gets the strongest login that it offers,
// over the request target as it is sent, and the next request has the next count.
func TestProxyDigest(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	const asks = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=p\r\nProxy-Authenticate: Digest realm=p, nonce=one, qop=auth\r\nContent-Length: 0\r\n\r\n"
	proxy := startRaw(t, asks, ok, ok, strings.Replace(asks, "nonce=one", "nonce=two", 1), ok)
	at := labtest.URL(t, proxy.url)
	at.User = url.UserPassword("pat", "pr0xy")
	c := labtest.Open(t, New, "http://origin.example/", &protocols.Options{Proxy: proxyTo(at)})
	for _, name := range []string{"a", "b", "c"} {
		labtest.Read(t, c, name)
	}
	heads := proxy.requests()
	if len(heads) != 5 {
		t.Fatalf("%d requests: %q", len(heads), heads)
	}
	for i, want := range []string{"", `uri="http://origin.example/a"`, "nc=00000002", "nc=00000003", `nonce="two"`} {
		if !strings.Contains(heads[i], want) || strings.Contains(heads[i], "Proxy-Authorization: Basic") || strings.Contains(heads[i], "pr0xy") {
			t.Errorf("request %d lacks %q: %q", i+1, want, heads[i])
		}
	}
	refused := startRaw(t, asks, asks)
	at = labtest.URL(t, refused.url)
	at.User = url.UserPassword("pat", "wrong")
	_, _, err := fetch(t, labtest.Open(t, New, "http://origin.example/", &protocols.Options{Proxy: proxyTo(at)}), "a", nil)
	wantKind(t, err, protocols.KindAuth)
	if n := len(refused.requests()); n != 2 {
		t.Errorf("%d requests with a wrong password", n)
	}
}

// TestDigestNoncesOfOneUse: a new nonce is taken where the server took the old one before,
// and so is one that it announces; a refused first login is not repeated.
func TestDigestNoncesOfOneUse(t *testing.T) {
	asks := func(nonce string) string {
		return "HTTP/1.1 401 Who\r\nWWW-Authenticate: Digest realm=p, qop=auth, nonce=" + nonce + "\r\nContent-Length: 0\r\n\r\n"
	}
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	s := startRaw(t, asks("one"), ok, asks("two"), strings.Replace(ok, "\r\n", "\r\nAuthentication-Info: nextnonce=\"three\"\r\n", 1), ok)
	cred := func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: "alice", Password: "secret"}, nil
	}
	c := labtest.Open(t, New, s.url, &protocols.Options{Credentials: cred})
	for _, name := range []string{"a", "b", "c"} {
		labtest.Read(t, c, name)
	}
	for i, want := range []string{"", `nonce="one"`, `nonce="one"`, `nonce="two"`, `nonce="three"`} {
		if head := s.requests()[i]; !strings.Contains(head, want) {
			t.Errorf("request %d lacks %q: %q", i+1, want, head)
		}
	}
	refused := startRaw(t, asks("one"), asks("two"), asks("three"))
	_, _, err := fetch(t, labtest.Open(t, New, refused.url, &protocols.Options{Credentials: cred}), "a", nil)
	wantKind(t, err, protocols.KindAuth)
	if n := len(refused.requests()); n != 2 {
		t.Errorf("%d requests with a wrong password", n)
	}
}

// TestCredentialsBeforeTheServerAsks: those that the user named go with the first request
// where nobody can read them, and no others.
func TestCredentialsBeforeTheServerAsks(t *testing.T) {
	const ok, asks = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 401 Who\r\nWWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n"
	give := func(c protocols.Credential) func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) { return c, nil }
	}
	alice := protocols.Credential{User: "alice", Password: "secret"}
	const basic, bearer = "Basic YWxpY2U6c2VjcmV0", "Bearer t0k"
	for _, c := range []struct {
		name, user, host string
		o                protocols.Options
		answers          []string
		want             []string // Authorization of each request
		refused          bool
	}{
		{"in the URL", "alice:secret@", "", protocols.Options{}, []string{ok}, []string{basic}, false},
		{"named", "", "", protocols.Options{Named: give(alice), Credentials: give(alice)}, []string{ok}, []string{basic}, false},
		{"a token", "", "", protocols.Options{Named: give(protocols.Credential{Token: "t0k"}), Credentials: give(alice)}, []string{ok}, []string{bearer}, false},
		{"a user alone", "alice@", "", protocols.Options{Credentials: give(alice)}, []string{strings.Replace(asks, "%s", "Basic", 1), ok}, []string{"", basic}, false},
		{"found", "", "", protocols.Options{Credentials: give(alice)}, []string{strings.Replace(asks, "%s", "Basic", 1), ok}, []string{"", basic}, false},
		{"refused", "alice:secret@", "", protocols.Options{}, []string{strings.Replace(asks, "%s", "Basic", 1)}, []string{basic}, true},
		{"Digest is wanted", "alice:secret@", "", protocols.Options{}, []string{strings.Replace(asks, "%s", "Digest realm=r, nonce=n", 1), ok}, []string{basic, "Digest "}, false},
		{"Digest was asked for", "alice:secret@", "", protocols.Options{Mechanism: "digest"}, []string{strings.Replace(asks, "%s", "Digest realm=r, nonce=n", 1), ok}, []string{"", "Digest "}, false},
		{"not to another host", "alice:secret@", "other.example", protocols.Options{}, []string{ok}, []string{""}, false},
		{"nor where plain passwords are allowed", "alice:secret@", "other.example", protocols.Options{AllowPlaintextAuth: true}, []string{ok}, []string{""}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startRaw(t, c.answers...)
			at := strings.Replace(s.url, "://", "://"+c.user, 1)
			if c.host != "" {
				proxy := labtest.URL(t, s.url)
				c.o.Proxy, at = proxyTo(proxy), "http://"+c.user+c.host+"/"
			}
			_, _, err := fetch(t, labtest.Open(t, New, at, &c.o), "x", nil)
			if c.refused != (protocols.KindOf(err) == protocols.KindAuth) || !c.refused && err != nil {
				t.Error(err)
			}
			heads := s.requests()
			if len(heads) != len(c.want) {
				t.Fatalf("%d requests, want %d: %q", len(heads), len(c.want), heads)
			}
			for i, want := range c.want {
				_, got, _ := strings.Cut(heads[i], "\r\nAuthorization: ")
				if !strings.HasPrefix(got, want) || want == "" && got != "" {
					t.Errorf("request %d: %q, want %q", i+1, got, want)
				}
			}
		})
	}
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

// TestWaysOfOneServer: areas of one server may want different logins; each gets its own,
// whichever came before. Wrong credentials end all the same.
func TestWaysOfOneServer(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, labtest.WithUser(s.URL()), nil)
	for _, way := range []string{"basic", "digest", "basic", "digest", "digest"} {
		if got := labtest.Read(t, c, "-/auth/"+way); got != "welcome, alice\n" {
			t.Errorf("%s: %q", way, got)
		}
	}
	wrong := labtest.Open(t, New, strings.Replace(s.URL(), "//", "//alice:wrong@", 1), nil)
	for _, way := range []string{"basic", "digest", "basic"} {
		_, err := wrong.Get(t.Context(), "-/auth/"+way, nil)
		wantKind(t, err, protocols.KindAuth)
	}
}
