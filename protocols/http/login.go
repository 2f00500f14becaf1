package http

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// login is what is known of one origin: above all how to log in. Nothing is sent and nobody
// is asked before a server wants one, unless a mechanism is named.
type login struct {
	x      *exchanger
	url    *url.URL
	asked  bool // cred was asked for
	cred   protocols.Credential
	way    string  // the mechanism that was agreed on: basic, bearer, digest
	digest *digest // its state
	noDAV  bool    // the server has no WebDAV
	hasDAV bool    // it has: a PROPFIND was answered
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

// authorize adds the login to a request, once it is known that the server wants
// it; at the client's own server also when the mechanism was named.
func (lg *login) authorize(ctx context.Context, m *outgoing) error {
	way := lg.way
	if way == "" && lg.x.owns(lg.url) && (lg.mechanism() == "basic" || lg.mechanism() == "bearer") {
		if err := lg.ask(ctx); err != nil {
			return err
		}
		way = lg.mechanism()
	}
	value := ""
	switch way {
	case "basic":
		value = "Basic " + base64.StdEncoding.EncodeToString([]byte(lg.cred.User+":"+lg.cred.Password))
	case "bearer":
		value = "Bearer " + lg.cred.Token
		if lg.cred.Token == "" {
			return &protocols.Error{Kind: protocols.KindAuth, Text: "no token for Bearer", Hint: "--token-file FILE"}
		}
	case "digest":
		var err error
		if value, err = lg.digest.authorization(m.method(), requestTarget(m.URL), m.Body, lg.cred); err != nil {
			return err
		}
	default:
		return nil
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return usage("a line break in the credentials")
	}
	m.header["Authorization"] = []string{value}
	return nil
}

// ask gets the credentials of the origin, once.
func (lg *login) ask(ctx context.Context) error {
	if lg.asked {
		return nil
	}
	x, u := lg.x, lg.url
	own, user := x.owns(u), ""
	if own {
		user = x.url.User.Username()
	}
	switch {
	case x.opts.Credentials != nil:
		cred, err := x.opts.Credentials(ctx, protocols.CredentialRequest{
			Protocol: proto, Scheme: u.Scheme, Host: u.Hostname(), Port: portOf(u), User: user,
		})
		if err != nil {
			return protocols.Wrap(err, proto, "login", "")
		}
		lg.cred = cred
	case own && x.url.User != nil:
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
	if sent != "" && lg.way != "digest" {
		return false, nil // refused, or the user's own header
	}
	offers := parseChallenges(resp.Header.Values("WWW-Authenticate"))
	if lg.way == "digest" {
		d := strongest(offers)
		if d == nil || !d.stale || sent == "" {
			return false, nil
		}
		lg.digest = d
		return true, nil
	}
	if err := lg.ask(ctx); err != nil {
		return false, err
	}
	return lg.choose(offers), nil
}

// choose takes the strongest way that the server offers and the credentials
// serve. A mechanism that was named is the only one.
func (lg *login) choose(offers []challenge) bool {
	want, has := lg.mechanism(), map[string]bool{}
	for _, o := range offers {
		has[o.scheme] = true
	}
	may := func(way string) bool { return want == "" || want == way }
	d := strongest(offers)
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
