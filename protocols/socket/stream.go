package socket

import (
	"context"
	"io"
	"math"
	"net"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/urgent"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/socket/internal/wsframe"
	"github.com/netclients/netclients/protocols/transport"
)

// Conn is an open stream, or a UNIX socket of another type. One goroutine may
// read while another writes. Its owner closes it; until then the client is busy.
type Conn struct {
	*transport.Conn
	frames  *wsframe.Stream // of a WebSocket; nil: the bytes are the content
	stats   *protocols.Stats
	release func()
}

// Ended reports of a WebSocket whether the last Read has reached the end of a message, and
// whether that is one of text.
func (c *Conn) Ended() (end, text bool) {
	if c.frames == nil {
		return false, false
	}
	return c.frames.Ended()
}

// HalfCloses reports whether the end of what is sent ends one direction only, under TLS too.
func (c *Conn) HalfCloses() bool { return c.frames != nil }

// Read reads what the peer sends; from one message where there are such.
func (c *Conn) Read(p []byte) (int, error) {
	if c.frames != nil {
		return c.frames.Read(p)
	}
	return c.Conn.Read(p)
}

// Write sends p; as one message where there are such.
func (c *Conn) Write(p []byte) (int, error) {
	if c.frames != nil {
		return c.frames.Write(p)
	}
	return c.Conn.Write(p)
}

// WriteTo copies everything that comes to w.
func (c *Conn) WriteTo(w io.Writer) (int64, error) { return c.WriteToN(w, math.MaxInt64) }

// WriteToN is WriteTo for at most n bytes.
func (c *Conn) WriteToN(w io.Writer, n int64) (int64, error) {
	if c.frames != nil {
		return io.Copy(w, io.LimitReader(c.frames, n))
	}
	return c.Conn.WriteToN(w, n)
}

// ReadFrom sends all of r.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if c.frames != nil {
		return io.Copy(struct{ io.Writer }{c.frames}, r)
	}
	return c.Conn.ReadFrom(r)
}

// CloseWrite tells the peer that no more will be sent.
func (c *Conn) CloseWrite() error {
	if c.frames != nil {
		return c.frames.CloseWrite()
	}
	return c.Conn.CloseWrite()
}

// goodbyeWait is how long the last frame of a WebSocket may take.
const goodbyeWait = time.Second

// Close frees the connection and the client. It may be called many times.
func (c *Conn) Close() error {
	if c.frames != nil {
		c.Conn.SetWriteDeadline(time.Now().Add(goodbyeWait))
		_ = c.frames.CloseWrite() // of a conversation that is over
	}
	err := c.Conn.Close()
	c.release()
	return err
}

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
// kernel copies where it can, as [transport.Conn.ReadFrom] says.
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
	conn, err := c.open(ctx)
	return conn, c.wrap(err, "connect")
}

// open takes the client and connects.
func (c *Client) open(ctx context.Context) (*Conn, error) {
	ctx, release, err := c.gate.Begin(ctx)
	if err != nil {
		return nil, err
	}
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
		return &Conn{Conn: conn, release: func() {}}, nil
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
