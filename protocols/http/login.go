package http

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/httpauth"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// login is what is known of one origin: above all how to log in. Nothing is sent and nobody
// is asked before a server wants one, unless a mechanism is named, or the user named the
// credentials for this server and nobody on the way can read them.
type login struct {
	x      *exchanger
	url    *url.URL
	asked  bool // cred was asked for
	cred   protocols.Credential
	way    string           // the mechanism that was agreed on: basic, bearer, digest
	digest *httpauth.Digest // its state

	named  *protocols.Credential // what the user named; nil: not asked for
	noDAV  bool                  // the server has no WebDAV
	hasDAV bool                  // it has: a PROPFIND was answered
}

// login returns the login of the origin of u.
func (x *exchanger) login(u *url.URL) *login {
	key := origin(u)
	if lg := x.logins[key]; lg != nil {
		return lg
	}
	if len(x.logins) >= maxConnections {
		clear(x.logins)
	}
	lg := &login{x: x, url: u}
	x.logins[key] = lg
	return lg
}

// mechanism returns the one that the user asked for, in lower case.
func (lg *login) mechanism() string { return strings.ToLower(lg.x.opts.Mechanism) }

// authorize adds the login to a request: the one that was agreed on; at the client's own
// server before that the mechanism that was named, or what the user named.
func (lg *login) authorize(ctx context.Context, m *outgoing) error {
	way, cred := lg.way, lg.cred
	if way == "" && lg.x.owns(lg.url) {
		if want := lg.mechanism(); want == "basic" || want == "bearer" {
			if err := lg.ask(ctx); err != nil {
				return err
			}
			way, cred = want, lg.cred
		} else if want == "" && mayBePrivate(m.URL, lg.x.settings) {
			if err := lg.askNamed(ctx); err != nil {
				return err
			}
			way, cred = early(*lg.named), *lg.named
			m.early = way != ""
		}
	}
	value, err := lg.value(m, way, cred)
	if err != nil || value == "" {
		return err
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return usage("a line break in the credentials")
	}
	m.header["Authorization"] = []string{value}
	return nil
}

// value returns the value of Authorization, or nothing when there is no login.
func (lg *login) value(m *outgoing, way string, cred protocols.Credential) (string, error) {
	switch way {
	case "basic":
		return httpauth.Basic(cred), nil
	case "bearer":
		if cred.Token == "" {
			return "", &protocols.Error{Kind: protocols.KindAuth, Text: "no token for Bearer", Hint: "--token-file FILE"}
		}
		return "Bearer " + cred.Token, nil
	case "digest":
		return lg.digest.Authorization(m.method(), requestTarget(m.URL), m.Body, cred)
	}
	return "", nil
}

// early returns the mechanism for credentials that go out before the server asks.
func early(cred protocols.Credential) string {
	switch {
	case cred.Token != "":
		return "bearer"
	case cred.HasPassword() && cred.User+cred.Password != "":
		return "basic"
	}
	return ""
}

// mayBePrivate reports whether the connection to a URL may be one that nobody can read;
// the connection itself decides.
func mayBePrivate(u *url.URL, s *Settings) bool {
	return u.Scheme == "https" || s.UnixSocket != "" || transport.IsLoopback(transport.HostOf(u))
}

// askNamed gets what the user named for the client's own server, once.
func (lg *login) askNamed(ctx context.Context) error {
	if lg.named != nil {
		return nil
	}
	x, cred := lg.x, protocols.Credential{}
	switch {
	case x.opts.Named != nil:
		var err error
		if cred, err = x.opts.Named(ctx, x.credentialRequest(lg.url)); err != nil {
			return protocols.Wrap(err, proto, "login", "")
		}
	case x.opts.Credentials == nil && x.url.User != nil:
		cred = protocols.URLCredential(x.url)
	}
	lg.named = &cred
	return nil
}

func (x *exchanger) credentialRequest(u *url.URL) protocols.CredentialRequest {
	user := ""
	if x.owns(u) {
		user = x.url.User.Username()
	}
	return protocols.CredentialRequest{Protocol: proto, Scheme: u.Scheme, Host: u.Hostname(), Port: portOf(u), User: user}
}

// ask gets the credentials of the origin, once.
func (lg *login) ask(ctx context.Context) error {
	if lg.asked {
		return nil
	}
	x := lg.x
	switch {
	case x.opts.Credentials != nil:
		cred, err := x.opts.Credentials(ctx, x.credentialRequest(lg.url))
		if err != nil {
			return protocols.Wrap(err, proto, "login", "")
		}
		lg.cred = cred
	case x.owns(lg.url) && x.url.User != nil:
		lg.cred = protocols.URLCredential(x.url)
	}
	if cred := &lg.cred; cred.User != "" && cred.Token == "" && !cred.HasPassword() {
		return protocols.NoPasswordError(cred.User)
	}
	lg.asked = true
	return nil
}

// challenged looks for a way to satisfy a 401. again is false when there is none,
// or the credentials were refused: then the 401 is the answer.
func (lg *login) challenged(ctx context.Context, resp *Response, m *outgoing) (again bool, err error) {
	sent := m.header.Get("Authorization")
	offers := httpauth.Parse(resp.Header.Values("WWW-Authenticate"))
	if way := lg.way; sent != "" && way != "" && !m.early && !offered(offers, way) {
		return lg.choose(offers) && lg.way != way, nil // an area of the server that has another way
	}
	if sent != "" && lg.way != "digest" && !m.early {
		return false, nil // refused, or the user's own header
	}
	if lg.way == "digest" {
		d := httpauth.Strongest(offers)
		if d == nil || sent == "" || !d.Renews(lg.digest) {
			return false, nil
		}
		lg.digest = d
		return true, nil
	}
	if err := lg.ask(ctx); err != nil {
		return false, err
	}
	if !lg.choose(offers) {
		return false, nil
	}
	if m.early && lg.way != "digest" {
		if same, err := lg.value(m, lg.way, lg.cred); err != nil || same == sent {
			return false, err // refused already
		}
	}
	return true, nil
}

// offered reports whether a way is among those that a server offers, or it says none.
func offered(offers []httpauth.Challenge, way string) bool {
	return len(offers) == 0 || slices.ContainsFunc(offers, func(o httpauth.Challenge) bool { return o.Scheme == way })
}

// answered notes that the server took the login of a request.
func (lg *login) answered(resp *Response, m *outgoing) {
	if lg.way == "digest" && m.header.Get("Authorization") != "" {
		lg.digest.Accepted(resp.Header.Get("Authentication-Info"))
	}
}

// choose takes the strongest way that the server offers and the credentials
// serve. A mechanism that was named is the only one.
func (lg *login) choose(offers []httpauth.Challenge) bool {
	want, has := lg.mechanism(), map[string]bool{}
	for _, o := range offers {
		has[o.Scheme] = true
	}
	may := func(way string) bool { return want == "" || want == way }
	d := httpauth.Strongest(offers)
	switch {
	case lg.cred.Token != "" && may("bearer") && (has["bearer"] || len(offers) == 0):
		lg.way = "bearer"
	case lg.cred.User == "" && lg.cred.Password == "":
	case d != nil && may("digest"):
		lg.way, lg.digest = "digest", d
	case has["basic"] && may("basic"):
		lg.way = "basic"
	}
	return lg.way != ""
}
