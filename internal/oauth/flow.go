package oauth

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/netclients/netclients/protocols"
)

// Device is what a person has to do in the device flow.
type Device struct {
	URL, Code string
	Complete  string // a URL that has the code in it; may be empty
	Expires   time.Time
}

// Device asks for a code, has show tell a person what to do with it, and waits until
// that is done (RFC 8628).
func (c *Client) Device(ctx context.Context, show func(Device)) (*oauth2.Token, error) {
	if c.Provider.DeviceURL == "" {
		return nil, protocols.Unsupported("", "login", "the authorization server has no device flow; leave --device away")
	}
	ctx = c.with(ctx)
	conf := c.config("")
	d, err := conf.DeviceAuth(ctx)
	if err != nil {
		return nil, plain(err)
	}
	show(Device{URL: d.VerificationURI, Code: d.UserCode, Complete: d.VerificationURIComplete, Expires: d.Expiry})
	t, err := conf.DeviceAccessToken(ctx, d)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return t, plain(err)
}

// browsing is how long a person has to log in with a browser.
const browsing = 10 * time.Minute

// answer is what a browser came back with.
type answer struct{ code, failure string }

// Browser sends a person to the provider's page, by open, and waits for the browser to
// come back to a loopback address (RFC 8252 7.3), with PKCE (RFC 7636).
func (c *Client) Browser(ctx context.Context, open func(url string)) (*oauth2.Token, error) {
	if c.Provider.AuthURL == "" {
		return nil, protocols.Unsupported("", "login", "the authorization server has no page to log in at; --device may work")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, browsing, &protocols.Error{Op: "login", Kind: protocols.KindTimeout, Text: fmt.Sprintf("nobody has logged in within %v", browsing)})
	defer cancel()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, protocols.Wrap(err, "", "login", "")
	}
	state, verifier, answers := rand.Text(), oauth2.GenerateVerifier(), make(chan answer, 1)
	s := &http.Server{Handler: comeBack(state, answers), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	conf := c.config("http://" + l.Addr().String() + "/")
	open(conf.AuthCodeURL(state, oauth2.AccessTypeOffline, oauth2.ApprovalForce, oauth2.S256ChallengeOption(verifier)))
	select {
	case a := <-answers:
		if a.failure != "" {
			return nil, &protocols.Error{Op: "login", Kind: protocols.KindAuth, Text: a.failure}
		}
		t, err := conf.Exchange(c.with(ctx), a.code, oauth2.VerifierOption(verifier))
		return t, plain(err)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// comeBack takes the answer that a browser brings. One with another state is not for
// this login, and is not taken.
func comeBack(state string, answers chan<- answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if r.URL.Path != "/" || q.Get("state") != state {
			http.Error(w, "This is not the login that netclients waits for.", http.StatusBadRequest)
			return
		}
		a := answer{code: q.Get("code")}
		if a.code == "" {
			a.failure = "the authorization server refused: " + q.Get("error") + " " + q.Get("error_description")
		}
		select {
		case answers <- a:
		default: // the first one counts
		}
		fmt.Fprintln(w, "netclients has the answer. This page may be closed.")
		if f, is := w.(http.Flusher); is {
			f.Flush()
		}
	})
}
