package socket

import (
	"context"
	"io"
	"sync"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Conn is an open stream, or a UNIX socket of another type. One goroutine may
// read while another writes. Its owner closes it; until then the client is busy.
type Conn struct {
	*transport.Conn
	stats   *protocols.Stats
	release func()
}

// Close frees the connection and the client. It may be called many times.
func (c *Conn) Close() error {
	err := c.Conn.Close()
	c.release()
	return err
}

// Talk connects, with TLS where the URL or the settings say so, and gives the
// open stream: a [*Conn]. The context covers it until it is closed.
func (c *Client) Talk(ctx context.Context) (io.ReadWriteCloser, error) {
	conn, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Connect is Talk with the concrete type.
func (c *Client) Connect(ctx context.Context) (*Conn, error) {
	conn, err := c.open(ctx)
	return conn, c.wrap(err, "connect")
}

// open takes the gate and connects.
func (c *Client) open(ctx context.Context) (*Conn, error) {
	if err := c.gate.Enter(); err != nil {
		return nil, err
	}
	raw, err := c.dial(ctx)
	if err != nil {
		c.gate.Leave()
		return nil, err
	}
	done := raw.Use(ctx)
	conn := &Conn{Conn: raw, stats: c.opts.Stats}
	conn.release = sync.OnceFunc(func() {
		done()
		c.mu.Lock()
		c.conn = nil
		c.mu.Unlock()
		c.gate.Leave()
	})
	c.mu.Lock()
	closed := c.closed
	c.conn = conn
	c.mu.Unlock()
	if closed {
		conn.Close()
		return nil, &protocols.Error{Kind: protocols.Usage, Class: protocols.ErrClosed}
	}
	return conn, nil
}

// dial connects and brings TLS up.
func (c *Client) dial(ctx context.Context) (*transport.Conn, error) {
	conn, err := c.reach(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.secure(ctx, conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// reach connects and sets the options of the socket.
func (c *Client) reach(ctx context.Context) (*transport.Conn, error) {
	network, host, port, err := c.address()
	if err != nil {
		return nil, err
	}
	conn, err := c.dialer().Dial(ctx, "", network, host, port)
	if err != nil {
		return nil, err
	}
	if err := c.Settings.Sockopts.apply(conn.NetConn()); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (c *Client) address() (network, host, port string, err error) {
	if c.proto != "unix" {
		host, port, err = peer(c.url)
		return "tcp", host, port, err
	}
	if _, ok := unixNetworks[c.Settings.Type]; !ok {
		return "", "", "", protocols.UsageError(c.proto, "", "type "+c.Settings.Type+" is not stream, datagram or packet")
	}
	path, err := unixPath(c.url)
	return "unix", path, "", err
}

// secure puts TLS on a new connection: at once, or after the words of a protocol.
func (c *Client) secure(ctx context.Context, conn *transport.Conn) error {
	name := c.Settings.StartTLS
	if name == "" && c.scheme.TLS != protocols.TLSImplicit {
		return nil
	}
	done := conn.Use(ctx)
	defer done()
	if name != "" {
		if err := askTLS(conn, name, c.url.Hostname()); err != nil {
			return err
		}
	}
	return conn.StartTLS(ctx)
}

// Get reads what the peer sends until it closes the stream, as servers of
// daytime, finger or netstat do. name must be empty, and there is no resuming.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	if name != "" && c.proto != "unix" || o.Offset != 0 || o.Same != nil {
		return nil, c.wrap(protocols.Unsupported(c.proto, "get", "a stream has one content, read from its start"), "get")
	}
	conn, err := c.open(ctx)
	if err != nil {
		return nil, c.wrap(err, "get")
	}
	object := &protocols.Object{Body: conn}
	object.Entry = protocols.Entry{Protocol: c.proto, URL: protocols.Redact(c.url), Name: c.url.Host, Path: name, Type: protocols.TypeFile, Size: -1}
	if o.Length > 0 {
		object.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(conn, o.Length), conn}
	}
	return object, nil
}
