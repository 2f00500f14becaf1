package imap

import (
	"context"
	"slices"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/line/login"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// protocol is IMAP on a session of package line.
func protocolOf(c *Client) line.Protocol[*session.Session] {
	return line.Protocol[*session.Session]{
		Name:  proto,
		URLOf: c.URL,
		Open: func(t *line.Core) (*session.Session, error) {
			return session.New(t, session.Config{
				Trace: c.line.Opts.Trace != nil, RawNames: c.Settings.RawNames, TagPrefix: c.tag, OddNames: c.oddNames, URL: c.URL,
			}), nil
		},
		Greet:    (*session.Session).Greet,
		Learn:    (*session.Session).Learn,
		Offers:   (*session.Session).OffersTLS,
		TLSVerb:  "STARTTLS",
		StartTLS: (*session.Session).StartTLS,
		LogIn: func(_ context.Context, s *session.Session) error {
			return s.LogIn(login.New(c.line, s.Core, proto))
		},
		Settle: func(_ context.Context, s *session.Session) error { return c.Settings.apply(s) },
		Capabilities: func(_ context.Context, s *session.Session) ([]protocols.Capability, error) {
			err := s.Learn()
			return s.Capabilities(), err
		},
		Lives:   func(s *session.Session) bool { return s.Simple("NOOP") == nil },
		Over:    (*session.Session).Over,
		Goodbye: (*session.Session).Goodbye,
	}
}

// apply turns on what the settings ask for.
func (settings *Settings) apply(s *session.Session) error {
	if user := settings.ProxyUser; user != "" {
		if err := s.Simple("PROXYAUTH", session.Text(user)); err != nil {
			return err
		}
	}
	wanted := slices.Clone(settings.Enable)
	if s.Has("UTF8=ONLY") && !slices.Contains(wanted, "UTF8=ACCEPT") {
		wanted = append(wanted, "UTF8=ACCEPT")
	}
	if len(wanted) > 0 {
		if err := s.Enable(wanted...); err != nil {
			return err
		}
	}
	if settings.Compress {
		return s.Compress()
	}
	return nil
}

// runOn runs one operation: one at a time, connected and logged in, cut off when
// the context ends. args are what goes on the wire.
func runOn(ctx context.Context, c *Client, op, name string, f func(ctx context.Context, s *session.Session) error, args ...string) error {
	return c.line.Do(ctx, op, name, args, f)
}

// parseFor reads a name, unless the client is closed.
func parseFor(c *Client, text string) (*imapwire.Name, error) {
	if err := c.line.Closed(); err != nil {
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

// on runs one operation on what a name points at. messages says whether that
// must be messages; their mailbox is then selected for writing.
func (c *Client) on(ctx context.Context, op, text string, messages bool, f func(ctx context.Context, s *session.Session, n *imapwire.Name) error) (err error) {
	ctx, done := c.line.Observed(ctx, op, text)
	defer func() { done(err) }()
	ctx, leave, err := c.line.Enter(ctx, text)
	if err != nil {
		return c.wrap(err, op, text)
	}
	defer leave()
	n, err := imapwire.ParseName(text)
	switch {
	case err != nil:
	case n.Mailbox == "":
		err = protocols.UsageError(proto, op, "the URL does not name a mailbox")
	case messages && n.UIDs() == "":
		err = errNoMessage(op)
	case !messages && n.Section != "":
		err = protocols.UsageError(proto, op, "the URL names a part of a message")
	}
	if err != nil {
		return c.wrap(err, op, text)
	}
	return c.wrap(c.line.Run(ctx, func(s *session.Session) error {
		if messages {
			if _, err := s.Open(n, true); err != nil {
				return err
			}
		}
		return f(ctx, s, n)
	}), op, text)
}

// errNoMessage says that a name is that of a mailbox.
func errNoMessage(op string) error {
	err := protocols.UsageError(proto, op, "the URL names a mailbox, not a message: add ;UID=n after the mailbox")
	if op == "rm" {
		err.Hint = "rmdir deletes an empty mailbox, rmdir --force one with all messages in it"
	}
	return err
}

// wrap adds the verb and the URL to an error.
func (c *Client) wrap(err error, op, name string) error { return c.line.Wrap(err, op, name) }

// Close ends the session with LOGOUT and closes the connection. A running
// operation is cut off.
func (c *Client) Close() error { return c.line.Close() }
