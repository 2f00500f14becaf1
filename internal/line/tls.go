package line

import (
	"context"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// upgrade is what is decided of TLS on a connection that begins without it.
type upgrade struct {
	never    bool // not even when it is offered
	required bool // or the session fails
	// lenient: the session may as well go on unencrypted, since no secret goes over it
	// or the secret may go so. A server that is not verified, or whose TLS does not
	// work, is then better than none (RFC 7435).
	lenient bool
}

// upgrade decides, for all protocols alike.
func (c *Client[S]) upgrade(t *Core) upgrade {
	mode := c.Opts.TLS.Mode
	u := upgrade{required: mode == protocols.TLSRequire || c.Scheme.TLS == protocols.TLSRequired}
	u.lenient = !u.required && (!t.Secret || t.Conn.AllowSecret() == nil)
	// A failure that one session could do without is none that a secret may go
	// unencrypted for in the next one.
	failed := u.lenient && c.plain.Load()
	u.never = c.Scheme.TLS == protocols.TLSImplicit || t.Conn.TLS() != nil || !u.required && (mode == protocols.TLSOff || failed)
	return u
}

// errPlain says that an upgrade has failed which the session can do without, and that
// the connection is of no use.
type errPlain struct{ error }

func (e *errPlain) Unwrap() error { return e.error }

// Secure upgrades the connection as mode, scheme and server say. A server that
// refuses what it offered is like one that offers nothing. Nothing may have come
// after its yes: it would be taken for the server's word under TLS (CVE-2021-22947).
func (c *Client[S]) Secure(ctx context.Context, s S) error {
	t := s.Line()
	u := c.upgrade(t)
	if u.never || !u.required && !c.p.Offers(s) {
		return nil
	}
	refusal, err := c.p.StartTLS(s)
	if err != nil {
		return err
	}
	if refusal != nil {
		return c.refusedTLS(t, u, refusal)
	}
	if err := t.Quiet(false); err != nil {
		return t.Fail(&protocols.Error{Kind: protocols.KindTLS, Text: "unencrypted data after the " + c.p.TLSVerb + " reply (possible man-in-the-middle)"})
	}
	if err := c.handshake(ctx, t, u); err != nil {
		return t.Fail(err)
	}
	return c.learn(s)
}

func (c *Client[S]) learn(s S) error {
	if c.p.Learn == nil {
		return nil
	}
	return c.p.Learn(s)
}

// refusedTLS judges a no to the upgrade.
func (c *Client[S]) refusedTLS(t *Core, u upgrade, refusal *protocols.Error) error {
	switch {
	case u.required:
		e := *refusal
		e.Kind, e.Sentinel, e.Retryable, e.Hint = protocols.KindTLS, nil, false, ""
		e.Text = strings.TrimPrefix(e.Text+": TLS required, but the server refused "+c.p.TLSVerb, ": ")
		return &e
	case refusal.Kind == protocols.KindProtocol: // neither yes nor no
		e := *refusal
		e.Kind = protocols.KindTLS
		return t.Fail(&e)
	}
	t.Conn.Event(protocols.EventNote, "the server refused "+c.p.TLSVerb+", going on without TLS", 0)
	return nil
}

// handshake brings TLS up. One that fails before a certificate came is like a refused
// upgrade, but for the connection, which is lost.
func (c *Client[S]) handshake(ctx context.Context, t *Core, u upgrade) error {
	if u.lenient {
		t.Conn.Lenient()
	}
	err := t.Conn.StartTLS(ctx)
	if err == nil {
		t.warnUnverified()
		return nil
	}
	kind := protocols.KindOf(err)
	if u.lenient && !t.Conn.Certified() && (kind == protocols.KindTLS || kind == protocols.KindConnect) {
		return &errPlain{err}
	}
	return err
}

func (t *Core) warnUnverified() {
	why := t.Conn.Unverified()
	if why == nil {
		return
	}
	t.Conn.Event(protocols.EventWarning, "could not verify the server: "+why.Error()+"; the connection is encrypted, but anybody could be at its other end", 0)
}
