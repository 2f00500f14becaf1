// Package telnet is a client of the Telnet protocol with a network virtual
// terminal of its own: RFC 854 and 855 (the protocol and its options), 1143 (the
// option state machine), 856 (BINARY), 857 (ECHO), 858 (SGA), 859 (STATUS), 860
// (timing mark), 885 (end of record), 1073 (NAWS), 1079 (TSPEED), 1091 (TTYPE),
// 1184 (LINEMODE), 1572 (NEW-ENVIRON), 2066 (CHARSET), 4248 (URLs), and the
// START_TLS draft.
//
// # URLs
//
// telnet://user@host:23/ and telnets://host:992/ (TLS from the start). A user is
// told to servers that ask for the variable USER; a password is not used.
//
// # Data
//
// What [Conn.Write] takes arrives as it is, all 256 byte values: 255 is doubled,
// and in text mode a CR without LF becomes CR NUL, which [Conn.Read] undoes.
//
// # Privacy
//
// Nothing is reported of the user but the terminal's type and size, and those
// variables of the environment that Settings.Environ names.
package telnet

import (
	"context"
	"io"
	"net/url"
	"strings"
	"sync"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/urgent"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// proto is the name in errors and traces.
const proto = "telnet"

// Spec describes the adapter to the catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name:    proto,
		Summary: "terminal sessions: interactive, or by scripts",
		Schemes: []protocols.Scheme{
			{Name: "telnet", Port: 23, TLS: protocols.TLSUpgrade},
			{Name: "telnets", Port: 992, TLS: protocols.TLSImplicit},
		},
		RFCs:     []int{854, 855, 856, 857, 858, 859, 860, 885, 1073, 1079, 1091, 1143, 1184, 1572, 2066, 4248},
		Replaces: "telnetlib",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     path,
	}
}

// path: a telnet URL has none.
func path(u *url.URL) (string, error) {
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", protocols.UsageError(proto, "", "a telnet URL ends after the port")
	}
	return "", nil
}

// Client has one session at a time with one server.
type Client struct {
	Settings Settings

	url    *url.URL
	scheme protocols.Scheme
	opts   *protocols.Options
	limits protocols.Limits
	dialer *transport.Dialer
	gate   protocols.Gate

	mu   sync.Mutex // guards what Close shares with a session
	conn *Conn
}

var (
	_ protocols.Client = (*Client)(nil)
	_ protocols.Talker = (*Client)(nil)
)

// New makes a client for the server of u. It does no I/O. A nil o means the
// defaults.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	s, o, err := Spec().Accept(u, o)
	if err != nil {
		return nil, err
	}
	return &Client{url: u, scheme: s, opts: o, limits: o.Limits.WithDefaults(), dialer: transport.NewDialer(proto, u, o)}, nil
}

// Talk connects and returns the session: a [*Conn]. Negotiation goes on while it
// is read. The context covers it until it is closed.
func (c *Client) Talk(ctx context.Context) (io.ReadWriteCloser, error) {
	return expect.Opened(c.Connect(ctx))
}

// Connect is Talk with the concrete type.
func (c *Client) Connect(ctx context.Context) (*Conn, error) {
	ctx, done, closed := c.opts.Streamed(ctx, protocols.Op{Protocol: proto, Verb: "talk", Host: c.url.Host})
	conn, err := c.open(ctx, closed)
	if err != nil {
		err = c.wrap(err, "open")
		done(err)
	}
	return conn, err
}

func (c *Client) open(ctx context.Context, closed func(func()) func()) (*Conn, error) {
	ctx, release, err := c.gate.Begin(ctx)
	if err != nil {
		return nil, err
	}
	release = closed(release)
	raw, err := c.dial(ctx)
	if err != nil {
		release()
		return nil, err
	}
	conn := c.newConn(ctx, raw, release)
	c.mu.Lock()
	c.conn = conn
	c.mu.Unlock()
	if err := conn.begin(); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// dial connects, with TLS where the scheme begins with it.
func (c *Client) dial(ctx context.Context) (*transport.Conn, error) {
	host, port := protocols.HostPort(c.url, c.scheme)
	raw, err := c.dialer.Dial(ctx, "", "tcp", host, port)
	if err != nil {
		return nil, err
	}
	urgent.Inline(raw) // or the data mark of a Synch goes missing after its IAC
	if c.scheme.TLS != protocols.TLSImplicit {
		return raw, nil
	}
	if err := raw.StartTLS(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return raw, nil
}

// newConn makes the session of a connection. Its end calls release.
func (c *Client) newConn(ctx context.Context, raw *transport.Conn, release func()) *Conn {
	done := raw.Use(ctx)
	w := &wire{ctx: ctx, raw: raw, trace: c.opts.Trace != nil}
	w.e.set, w.e.limit = c.settings(), int(c.limits.Literal)
	w.e.set.Observe = w.observe(c.Settings.Observe)
	w.e.window = [2]int{w.e.set.Width, w.e.set.Height}
	w.e.startTLS = raw.TLS() == nil && c.opts.TLS.Mode != protocols.TLSOff
	w.needTLS = c.opts.TLS.Mode == protocols.TLSRequire && raw.TLS() == nil
	conn := &Conn{Stream: expect.NewStream(w, 0), w: w}
	conn.release = sync.OnceFunc(func() {
		done()
		c.mu.Lock()
		c.conn = nil
		c.mu.Unlock()
		release()
	})
	return conn
}

// settings adds the user of the URL to the variables.
func (c *Client) settings() Settings {
	s := c.Settings
	if name := c.url.User.Username(); name != "" {
		env := map[string]string{"USER": name}
		for k, v := range s.Environ {
			env[k] = v
		}
		s.Environ = env
	}
	return s
}

// Close ends the session that is open, if any; what waits in it ends with an error of
// class [protocols.ErrClosed]. It may be called twice.
func (c *Client) Close() error {
	c.gate.Close()
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		return conn.Close()
	}
	return nil
}

func (c *Client) wrap(err error, op string) error {
	return protocols.Wrap(err, proto, op, protocols.Redact(c.url))
}
