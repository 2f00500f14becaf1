package socket

import (
	"context"
	"io"
	"math"
	"net"
	"sync"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/urgent"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// SendUrgent sends p with TCP's urgent pointer after it (MSG_OOB). The peer reads
// the last byte apart, or in the stream with SO_OOBINLINE. It cannot be done
// under TLS, nor over a UNIX socket.
func (c *Conn) SendUrgent(p []byte) error {
	if _, tcp := c.NetConn().(*net.TCPConn); !tcp || c.TLS() != nil {
		return protocols.Unsupported("", "", "urgent data needs plain TCP")
	}
	return protocols.Wrap(urgent.Send(c, p), "tcp", "send", "")
}

// SendFile sends count bytes of a file from an offset on, or with count 0 all up
// to its end, and returns how many went out: fewer when the file has no more. The
// file stands after what was sent then, after an error too. Of an os.File the
// kernel copies where it can, as [Conn.ReadFrom] says.
func (c *Conn) SendFile(f io.ReadSeeker, offset, count int64) (n int64, err error) {
	if offset < 0 || count < 0 {
		return 0, protocols.UsageError("", "send", "an offset and a count of bytes are not negative")
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	if count == 0 {
		count = math.MaxInt64
	}
	n, err = c.ReadFrom(&io.LimitedReader{R: f, N: count})
	if _, serr := f.Seek(offset+n, io.SeekStart); err == nil {
		err = serr
	}
	return n, err
}

// Talk connects, with TLS where the URL or the settings say so, and returns the
// open stream: a [*Conn]. The context covers it until it is closed.
func (c *Client) Talk(ctx context.Context) (io.ReadWriteCloser, error) {
	return expect.Opened(c.Connect(ctx))
}

// Connect is Talk with the concrete type.
func (c *Client) Connect(ctx context.Context) (*Conn, error) {
	ctx, done, closed := c.opts.Streamed(ctx, c.op("talk"))
	conn, err := c.open(ctx, closed)
	if err != nil {
		err = c.wrap(err, "connect")
		done(err)
	}
	return conn, err
}

// open takes the client and connects.
func (c *Client) open(ctx context.Context, closed func(func()) func()) (*Conn, error) {
	ctx, release, err := c.gate.Begin(ctx)
	if err != nil {
		return nil, err
	}
	release = closed(release)
	conn, err := c.begin(ctx, release)
	if err != nil {
		release()
	}
	return conn, err
}

// begin connects a client that was taken. The connection's Close calls release.
func (c *Client) begin(ctx context.Context, release func()) (*Conn, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	done := conn.Use(ctx)
	conn.stats = c.opts.Stats
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
	conn.release = sync.OnceFunc(func() {
		done()
		c.mu.Lock()
		c.conn = nil
		c.mu.Unlock()
		release()
	})
	return conn, nil
}

// dial connects and brings TLS up, and WebSocket.
func (c *Client) dial(ctx context.Context) (*Conn, error) {
	conn, err := c.secured(ctx)
	if err != nil {
		return nil, err
	}
	return c.stream(ctx, conn)
}

// stream makes a stream of a connection, which it closes after an error.
func (c *Client) stream(ctx context.Context, conn *transport.Conn) (*Conn, error) {
	if !c.Web() {
		return &Conn{conn: conn, release: func() {}}, nil
	}
	s, err := c.webStream(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	s.release = func() {}
	return s, nil
}

// secured connects and brings TLS up.
func (c *Client) secured(ctx context.Context) (*transport.Conn, error) {
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
	if w := c.Settings.WebSocket; err == nil && !c.Web() && len(w.Header)+len(w.Subprotocols) > 0 {
		err = protocols.UsageError(c.proto, "", "headers and subprotocols are for ws:// and wss://")
	}
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
	if c.Web() {
		host, port = protocols.HostPort(c.url, c.scheme)
		return "tcp", host, port, nil
	}
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
