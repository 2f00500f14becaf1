package imap

import (
	"context"
	"slices"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
	"github.com/netclients/netclients/protocols/transport"
)

// do runs one operation: one at a time, connected and logged in, cut off when
// the context ends. args are what goes on the wire.
func (c *Client) do(ctx context.Context, op, name string, f func(s *session.Session) error, args ...string) error {
	release, err := c.enter(ctx, append(args, name)...)
	if err == nil {
		defer release()
		err = c.keeper.Run(ctx, f)
	}
	return c.wrap(err, op, name)
}

// parse reads a name, unless the client is closed.
func (c *Client) parse(text string) (*imapwire.Name, error) {
	if err := c.keeper.Open(); err != nil {
		return nil, err
	}
	if err := checkArgs(text); err != nil {
		return nil, err
	}
	return imapwire.ParseName(text)
}

// checkArgs refuses what would end or cut a command.
func checkArgs(args ...string) error {
	if err := wire.Check(args...); err != nil {
		return &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	return nil
}

// enter checks the arguments and lets one operation in; nothing is sent before.
func (c *Client) enter(ctx context.Context, names ...string) (release func(), err error) {
	if err := c.keeper.Open(); err != nil {
		return nil, err
	}
	return c.keeper.Enter(ctx, names...)
}

// on runs one operation on what a name points at. messages says whether that
// must be messages; their mailbox is then selected for writing.
func (c *Client) on(ctx context.Context, op, text string, messages bool, f func(s *session.Session, n *imapwire.Name) error) error {
	release, err := c.enter(ctx, text)
	if err != nil {
		return c.wrap(err, op, text)
	}
	defer release()
	n, err := imapwire.ParseName(text)
	switch {
	case err != nil:
	case n.Mailbox == "":
		err = protocols.UsageError(proto, op, "the URL does not name a mailbox")
	case messages && n.UIDs() == "":
		err = protocols.UsageError(proto, op, "the URL does not name a message: add ;UID=n after the mailbox")
	case !messages && n.Section != "":
		err = protocols.UsageError(proto, op, "the URL names a part of a message")
	}
	if err != nil {
		return c.wrap(err, op, text)
	}
	return c.wrap(c.keeper.Run(ctx, func(s *session.Session) error {
		if messages {
			if _, err := s.Open(n, true); err != nil {
				return err
			}
		}
		return f(s, n)
	}), op, text)
}

// dial opens the connection.
func (c *Client) dial(ctx context.Context) (*transport.Conn, error) {
	host, port := protocols.HostPort(c.url, c.scheme)
	return c.dialer.Dial(ctx, "control", "tcp", host, port)
}

// connect dials, greets, secures and logs in.
func (c *Client) connect(ctx context.Context) (*session.Session, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	done := conn.Use(ctx)
	defer done()
	s, _, err := c.begin(ctx, conn)
	if err == nil {
		err = c.logIn(ctx, s)
	}
	if err == nil {
		err = c.settle(s)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// begin reads the greeting and brings TLS up. It sends no secret.
func (c *Client) begin(ctx context.Context, conn *transport.Conn) (s *session.Session, greeted time.Duration, err error) {
	if c.scheme.TLS == protocols.TLSImplicit {
		if err := conn.StartTLS(ctx); err != nil {
			return nil, 0, err
		}
	}
	s = session.New(conn, session.Config{
		Limits: c.limits, Trace: c.opts.Trace != nil, RawNames: c.Settings.RawNames, TagPrefix: c.tag, OddNames: c.oddNames, URL: c.urlOf,
	})
	start := time.Now()
	if err := s.Greet(); err != nil {
		return s, 0, err
	}
	return s, time.Since(start), c.secure(ctx, s)
}

// secure upgrades with STARTTLS as scheme and options say (RFC 3501 6.2.1).
// After PREAUTH that is impossible: whoever sent it may want just that.
func (c *Client) secure(ctx context.Context, s *session.Session) error {
	mode := c.opts.TLS.Mode
	if c.scheme.TLS == protocols.TLSImplicit || mode == protocols.TLSOff {
		return nil
	}
	required := mode == protocols.TLSRequire
	if s.Preauth() {
		if required {
			return &protocols.Error{Kind: protocols.KindTLS, Text: "TLS required, but the server greets with PREAUTH, after which STARTTLS is impossible"}
		}
		return nil
	}
	if err := s.LearnCaps(); err != nil {
		return err
	}
	if !s.Has("STARTTLS") {
		if required {
			return &protocols.Error{Kind: protocols.KindTLS, Text: "TLS required, but the server does not offer STARTTLS"}
		}
		return nil
	}
	st, err := s.Command(nil, "STARTTLS")
	if err != nil {
		return err
	}
	if st.Word != "OK" {
		return &protocols.Error{Kind: protocols.KindTLS, Enhanced: st.Code, Text: st.Text + ": TLS was offered, but the server refused STARTTLS"}
	}
	if s.Buffered() > 0 {
		return s.Fail(&protocols.Error{Kind: protocols.KindTLS, Text: "unencrypted data after the STARTTLS reply (possible man-in-the-middle)"})
	}
	s.ForgetCaps(nil)
	return s.Fail(s.Conn().StartTLS(ctx))
}

// logIn authenticates, unless the server has done so.
func (c *Client) logIn(ctx context.Context, s *session.Session) error {
	s.User = c.url.User.Username()
	if s.Preauth() {
		return nil
	}
	cred, err := c.credential(ctx)
	if err != nil {
		return err
	}
	host, port := protocols.HostPort(c.url, c.scheme)
	return s.LogIn(&session.Login{Credential: cred, Mechanism: c.opts.Mechanism, Host: host, Port: port})
}

func (c *Client) credential(ctx context.Context) (cred protocols.Credential, err error) {
	u := c.url
	if ask := c.opts.Credentials; ask != nil {
		host, port := protocols.HostPort(u, c.scheme)
		cred, err = ask(ctx, protocols.CredentialRequest{Protocol: proto, Scheme: u.Scheme, Host: host, Port: port, User: u.User.Username()})
		if err != nil {
			return cred, protocols.Wrap(err, proto, "login", "")
		}
	} else if u.User != nil {
		cred = protocols.URLCredential(u)
	}
	for _, secret := range []string{cred.User, cred.Password, cred.Token, cred.AuthzID} {
		if wire.Check(secret) != nil { // its error would show the secret
			return cred, protocols.UsageError(proto, "login", "CR, LF or NUL in the credentials")
		}
	}
	return cred, nil
}

// settle turns on what the settings ask for.
func (c *Client) settle(s *session.Session) error {
	if err := s.LearnCaps(); err != nil {
		return err
	}
	if user := c.Settings.ProxyUser; user != "" {
		if err := s.Simple("PROXYAUTH", session.Text(user)); err != nil {
			return err
		}
	}
	wanted := slices.Clone(c.Settings.Enable)
	if s.Has("UTF8=ONLY") && !slices.Contains(wanted, "UTF8=ACCEPT") {
		wanted = append(wanted, "UTF8=ACCEPT")
	}
	if len(wanted) > 0 {
		if err := s.Enable(wanted...); err != nil {
			return err
		}
	}
	if c.Settings.Compress {
		return s.Compress()
	}
	return nil
}

// wrap adds the verb and the URL to an error.
func (c *Client) wrap(err error, op, name string) error {
	if err == nil {
		return nil
	}
	return protocols.Wrap(err, proto, op, c.urlOf(name))
}

// Close ends the session with LOGOUT and closes the connection. A running
// operation is cut off.
func (c *Client) Close() error { return c.keeper.Close() }
