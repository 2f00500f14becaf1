package line

import (
	"cmp"
	"context"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// identify finds out who logs in, and how, before anything is sent.
func (c *Client[S]) identify(ctx context.Context, t *Core) error {
	user := c.URL.User.Username()
	if c.p.User != nil {
		user, t.Mechanism = c.p.User(user)
	}
	t.Mechanism = strings.ToUpper(cmp.Or(c.Opts.Mechanism, t.Mechanism))
	cred, err := c.credential(ctx, user)
	if err != nil {
		return protocols.Wrap(err, c.p.Name, "login", "")
	}
	if c.p.Complete != nil {
		c.p.Complete(&cred)
	}
	c.Mask.AddCredential(cred)
	if wire.Check(cred.User, cred.Password, cred.Account, cred.Token, cred.AuthzID) != nil { // its error would show the secret
		return protocols.UsageError(c.p.Name, "login", "CR, LF or NUL in the credentials")
	}
	if cred.User == "" && cred.HasPassword() && t.Mechanism != "EXTERNAL" && t.Mechanism != "ANONYMOUS" {
		return NoUser("there is a password and no user name")
	}
	t.Cred = cred
	t.Secret = cred.HasPassword() || cred.Token != "" || cred.Account != ""
	if c.p.Anonymous != nil {
		t.Secret = t.Secret && !c.p.Anonymous(cred)
	}
	return nil
}

// credential asks for user and secret. An empty user means that of the URL.
func (c *Client[S]) credential(ctx context.Context, user string) (cred protocols.Credential, err error) {
	switch ask := c.Opts.Credentials; {
	case ask != nil:
		host, port := c.Server()
		cred, err = ask(ctx, protocols.CredentialRequest{Protocol: c.p.Name, Scheme: c.URL.Scheme, Host: host, Port: port, User: user})
		if c.p.User != nil {
			cred.User, _ = c.p.User(cred.User)
		}
	case c.URL.User != nil:
		cred = protocols.URLCredential(c.URL)
		cred.User = user
	}
	cred.User = cmp.Or(cred.User, user)
	return cred, err
}

// NoUser is the error of a login without a user name.
func NoUser(text string) *protocols.Error {
	return &protocols.Error{Kind: protocols.KindAuth, Op: "login", Sentinel: protocols.ErrLoginNeeded, Text: text, Hint: "write it into the URL, as user@host, or give --user"}
}
