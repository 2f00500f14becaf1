// Package oauth gets tokens for logins: by the device flow (RFC 8628), or by a browser
// that comes back to a loopback address, with PKCE (RFC 8252, 7636). It finds the
// endpoints of an authorization server by its metadata (RFC 8414), refreshes tokens (RFC
// 6749 6) and revokes them (RFC 7009). The exchanges are those of golang.org/x/oauth2,
// over the connections of package roundtrip.
package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/roundtrip"
)

// Provider is an authorization server, and what its tokens are good for.
type Provider struct {
	Name      string   `json:"name"` // "google", or the issuer
	AuthURL   string   `json:"auth_url,omitempty"`
	TokenURL  string   `json:"token_url"`
	DeviceURL string   `json:"device_url,omitempty"`
	RevokeURL string   `json:"revoke_url,omitempty"`
	Scopes    []string `json:"scopes,omitempty"`
	Servers   []string `json:"-"` // further hosts that take the tokens
}

// presets are the providers with names.
var presets = map[string]Provider{
	"google": {
		Name: "google", AuthURL: "https://accounts.google.com/o/oauth2/v2/auth", TokenURL: "https://oauth2.googleapis.com/token",
		DeviceURL: "https://oauth2.googleapis.com/device/code", RevokeURL: "https://oauth2.googleapis.com/revoke",
		Scopes: []string{"https://mail.google.com/"}, Servers: []string{"imap.gmail.com", "smtp.gmail.com", "pop.gmail.com"},
	},
	"microsoft": {
		Name: "microsoft", AuthURL: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
		TokenURL: "https://login.microsoftonline.com/common/oauth2/v2.0/token", DeviceURL: "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
		Scopes:  []string{"https://outlook.office.com/IMAP.AccessAsUser.All", "https://outlook.office.com/POP.AccessAsUser.All", "https://outlook.office.com/SMTP.Send", "offline_access"},
		Servers: []string{"outlook.office365.com", "smtp.office365.com"},
	},
}

// Token is what a login came to.
type Token = oauth2.Token

// Client is a program that is known to a provider.
type Client struct {
	Provider Provider
	ID       string // that the provider knows this program, or its user, by
	Secret   string // of the client; empty for public ones

	web *http.Client
}

// New makes a client whose requests have the options: proxy, authorities, time limits.
// The caller closes it.
func New(p Provider, id, secret string, o *protocols.Options) *Client {
	own := *o
	own.Credentials, own.Named = nil, nil // the secrets of other servers
	own.TLS.ServerName, own.TLS.Pins = "", nil
	return &Client{Provider: p, ID: id, Secret: secret, web: &http.Client{Transport: roundtrip.New(roundtrip.Config{Options: &own}), CheckRedirect: noRedirect}}
}

// noRedirect: what is sent holds secrets, and goes to no other place.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close frees the connections.
func (c *Client) Close() error {
	t, _ := c.web.Transport.(*roundtrip.Transport)
	return t.Close()
}

func (c *Client) config(redirect string) *oauth2.Config {
	p := c.Provider
	return &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, RedirectURL: redirect, Scopes: p.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: p.AuthURL, TokenURL: p.TokenURL, DeviceAuthURL: p.DeviceURL, AuthStyle: oauth2.AuthStyleInParams},
	}
}

func (c *Client) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, c.web)
}

// maxMetadata bounds the metadata of a server.
const maxMetadata = 256 << 10

// wellKnown are the places of metadata: RFC 8414 3.1, and that of OpenID Connect.
var wellKnown = []func(issuer url.URL) url.URL{
	func(u url.URL) url.URL {
		u.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.Path, "/")
		return u
	},
	func(u url.URL) url.URL {
		u.Path = strings.TrimSuffix(u.Path, "/") + "/.well-known/openid-configuration"
		return u
	},
}

// Discover finds a provider: a name of the presets, or the URL of an issuer.
func Discover(ctx context.Context, name string, scopes []string, o *protocols.Options) (Provider, error) {
	p, known := presets[name]
	if !known {
		issuer, err := url.Parse(name)
		if err != nil || issuer.Host == "" {
			return p, protocols.UsageError("", "login", fmt.Sprintf("--oauth %s: want google, microsoft, or the URL of an issuer", name))
		}
		c := New(Provider{}, "", "", o)
		defer c.Close()
		if p, err = c.metadata(ctx, *issuer); err != nil {
			return p, err
		}
	}
	if len(scopes) > 0 {
		p.Scopes = scopes
	}
	return p, p.check()
}

// metadata asks an issuer for its endpoints.
func (c *Client) metadata(ctx context.Context, issuer url.URL) (Provider, error) {
	var failed error
	for _, place := range wellKnown {
		at := place(issuer)
		if err := private(at.String()); err != nil {
			return Provider{}, err
		}
		var m struct {
			Issuer string `json:"issuer"`
			Auth   string `json:"authorization_endpoint"`
			Token  string `json:"token_endpoint"`
			Device string `json:"device_authorization_endpoint"`
			Revoke string `json:"revocation_endpoint"`
		}
		if err := c.getJSON(ctx, at.String(), &m); err != nil {
			failed = err
			continue
		}
		if strings.TrimSuffix(m.Issuer, "/") != strings.TrimSuffix(issuer.String(), "/") { // RFC 8414 3.3
			return Provider{}, protocols.ProtocolError("", "login", fmt.Sprintf("%s says that it is the issuer %q", at.String(), m.Issuer))
		}
		return Provider{Name: issuer.String(), AuthURL: m.Auth, TokenURL: m.Token, DeviceURL: m.Device, RevokeURL: m.Revoke}, nil
	}
	return Provider{}, failed
}

func (c *Client) getJSON(ctx context.Context, at string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	resp, err := c.web.Do(r)
	if err != nil {
		return plain(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxMetadata))
	switch {
	case err != nil:
		return plain(err)
	case resp.StatusCode != http.StatusOK:
		return &protocols.Error{Proto: "http", Op: "login", URL: at, Kind: protocols.KindRefused, Code: resp.StatusCode, Text: "no metadata of an authorization server", Hint: "is the issuer's URL right? --oauth wants the issuer, not the page to log in at"}
	}
	if err := json.Unmarshal(text, into); err != nil {
		return protocols.ProtocolError("http", "login", at+": "+err.Error())
	}
	return nil
}

// check refuses endpoints that tokens would go to unencrypted.
func (p *Provider) check() error {
	if p.TokenURL == "" {
		return protocols.ProtocolError("", "login", "the authorization server names no token endpoint")
	}
	for _, at := range []string{p.AuthURL, p.TokenURL, p.DeviceURL, p.RevokeURL} {
		if err := private(at); err != nil {
			return err
		}
	}
	return nil
}

// private returns an error unless a URL is https or of this machine.
func private(at string) error {
	u, err := url.Parse(at)
	if at == "" || err == nil && (u.Scheme == "https" || u.Scheme == "http" && transport.IsLoopback(u.Hostname())) {
		return nil
	}
	return &protocols.Error{Op: "login", URL: at, Kind: protocols.KindAuth, Sentinel: protocols.ErrCleartext, Text: "an authorization server needs https"}
}

// Refresh gets a new token for a refresh token.
func (c *Client) Refresh(ctx context.Context, refresh string) (*oauth2.Token, error) {
	t, err := c.config("").TokenSource(c.with(ctx), &oauth2.Token{RefreshToken: refresh, Expiry: time.Unix(1, 0)}).Token()
	return t, plain(err)
}

// Revoke ends a refresh token, and with it the login (RFC 7009). A provider without an
// endpoint for that is an error of class [errors.ErrUnsupported].
func (c *Client) Revoke(ctx context.Context, refresh string) error {
	if c.Provider.RevokeURL == "" {
		return protocols.Unsupported("", "logout", "the authorization server cannot revoke tokens")
	}
	form := url.Values{"token": {refresh}, "token_type_hint": {"refresh_token"}, "client_id": {c.ID}}
	if c.Secret != "" {
		form.Set("client_secret", c.Secret)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Provider.RevokeURL, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.web.Do(r)
	if err != nil {
		return plain(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &protocols.Error{Op: "logout", URL: c.Provider.RevokeURL, Kind: protocols.KindRefused, Code: resp.StatusCode, Text: "the token was not revoked"}
	}
	return nil
}

// ErrEnded is the class of the error of a login that the provider does not know any more.
var ErrEnded = errors.New("the login has ended")

// plain makes an error of the exchange one of this program: without the answer, which
// may hold tokens.
func plain(err error) error {
	if err == nil {
		return nil
	}
	if r, is := errors.AsType[*oauth2.RetrieveError](err); is {
		e := &protocols.Error{Op: "login", Kind: protocols.KindAuth, Text: strings.TrimSpace(r.ErrorCode + " " + r.ErrorDescription)}
		if r.Response != nil && r.ErrorCode == "" {
			e.Code, e.Text = r.Response.StatusCode, "the authorization server gave no token"
			if e.Code >= 500 {
				e.Kind, e.Retryable = protocols.KindTemporary, true
			}
		}
		if r.ErrorCode == "invalid_grant" {
			e.Sentinel = ErrEnded
		}
		return e
	}
	if e, is := errors.AsType[*protocols.Error](err); is {
		return e
	}
	return protocols.Wrap(err, "http", "login", "")
}
