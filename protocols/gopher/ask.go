package gopher

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// enter checks the arguments and takes the gate; nothing is sent before. The operation
// uses the context that is returned, which ends when the client is closed, until it
// calls release.
func (c *Client) enter(ctx context.Context, args ...string) (_ context.Context, release func(), err error) {
	if err := wire.Check(args...); err != nil {
		return nil, nil, &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	return c.gate.Begin(ctx)
}

// connect dials the server of an item, with TLS where its scheme says so.
func (c *Client) connect(ctx context.Context, it *item) (*transport.Conn, error) {
	dialer, scheme := c.dialer, c.scheme
	host, port := c.address(it)
	if it.server != nil {
		if !c.Settings.Foreign {
			return nil, &protocols.Error{Kind: protocols.KindUsage, Text: "it is on another server, " + it.server.Host}
		}
		scheme, _ = Spec().Scheme(it.server.Scheme)
		dialer = transport.NewDialer(proto, it.server, c.opts)
	}
	if scheme.TLS == protocols.TLSNone && c.opts.TLS.Mode == protocols.TLSRequire {
		return nil, &protocols.Error{Kind: protocols.KindTLS, Text: "TLS was asked for, and gopher: URLs have none", Hint: "use gophers:"}
	}
	conn, err := dialer.Dial(ctx, "control", "tcp", host, port)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.conn = conn
	c.mu.Unlock()
	if scheme.TLS == protocols.TLSImplicit {
		if err := conn.StartTLS(ctx); err != nil {
			c.drop(conn)
			return nil, err
		}
	}
	return conn, nil
}

// drop closes a connection.
func (c *Client) drop(conn *transport.Conn) {
	c.mu.Lock()
	if c.conn == conn {
		c.conn = nil
	}
	c.mu.Unlock()
	conn.Close()
}

// pause keeps the time between two requests.
func (c *Client) pause(ctx context.Context) error {
	wait := c.Settings.Delay - time.Since(c.last)
	if c.last.IsZero() || wait <= 0 {
		return nil
	}
	return retry.Sleep(ctx, wait)
}

// headSize is what is read ahead of an answer, to see what it is.
const headSize = 4 << 10

// answer is an answer whose first bytes have come, as a stream of its content.
// Its owner closes it.
type answer struct {
	c    *Client
	conn *transport.Conn
	done func()
	room [headSize]byte
	head []byte // of room: read, not handed out
	eof  bool   // nothing comes after head
	size int64  // bytes that Gopher+ has promised; -1: none
	left int64  // of them; -1: to the end
	text bool   // Gopher+ says that a dot ends it
	menu bool   // a menu was asked for
}

// ask sends the request and waits for the first bytes. An answer that says no is
// an error.
func (c *Client) ask(ctx context.Context, it *item) (*answer, error) {
	if err := c.pause(ctx); err != nil {
		return nil, err
	}
	conn, err := c.connect(ctx, it)
	if err != nil {
		return nil, err
	}
	a := &answer{c: c, conn: conn, done: conn.Use(ctx), size: -1, left: -1, menu: it.isMenu()}
	if err := a.begin(it); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *answer) begin(it *item) error {
	out := wire.NewWriter(a.conn, int(a.c.limits.Line))
	out.OnCmd = func(line string) { a.conn.Event(protocols.EventSend, line, 0) }
	if err := send(out, it); err != nil {
		return err
	}
	if err := a.fill(); err != nil {
		return err
	}
	if it.plus != "" {
		return a.plusHeader()
	}
	return a.noted()
}

// send writes the request, and answers to the server's questions as a text that a
// dot ends.
func send(out *wire.Writer, it *item) error {
	lines := []string{it.line()}
	if it.answers != nil {
		lines = append(lines, "+-1")
		for _, text := range it.answers {
			if strings.HasPrefix(text, ".") {
				text = "." + text
			}
			lines = append(lines, text)
		}
		lines = append(lines, ".")
	}
	for _, line := range lines {
		if err := out.Raw(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

// noted looks whether the answer says no.
func (a *answer) noted() error {
	switch {
	case len(a.head) > 0 && a.head[0] == kindError:
		return a.refusal()
	case len(a.head) > 0 && a.head[0] == gophernicusNo[0]:
		return a.bareRefusal()
	}
	return nil
}

// gophernicusNo begins the text with which Gophernicus 3.1 refuses an item whose
// type it cannot know: no menu line, and all there is.
const gophernicusNo = "Error: "

// bareRefusal returns the error of such a text. Others that begin so are content.
func (a *answer) bareRefusal() error {
	line, _, err := a.firstLine()
	if err != nil {
		return err
	}
	text, ok := strings.CutPrefix(line, gophernicusNo)
	if !ok || !strings.HasPrefix(text, "File or directory not found!") && !strings.HasPrefix(text, "Access denied!") {
		return nil
	}
	a.conn.Event(protocols.EventRecv, line, 0)
	return refused(strings.TrimSuffix(text, " (null)"))
}

// fill reads once more into the head.
func (a *answer) fill() error {
	n := len(a.head)
	if a.eof || n == headSize {
		return nil
	}
	m, err := a.conn.Read(a.room[n:])
	a.head = a.room[:n+m]
	if err == io.EOF {
		a.eof = true
		return nil
	}
	return err
}

// firstLine returns the first line of the head, reading on until it is there; what
// has no line end within the head is not a line.
func (a *answer) firstLine() (line string, ok bool, err error) {
	for {
		if i := bytes.IndexByte(a.head, '\n'); i >= 0 {
			return strings.TrimSuffix(string(a.head[:i]), "\r"), true, nil
		}
		if a.eof || len(a.head) == headSize {
			return string(a.head), false, nil
		}
		if err := a.fill(); err != nil {
			return "", false, err
		}
	}
}

// refusal returns the error of an answer that is one menu line of type 3, in place of a menu
// also without some of its fields; content that only begins with a 3 is none.
func (a *answer) refusal() error {
	line, whole, err := a.firstLine()
	if err != nil {
		return err
	}
	fields := strings.Split(line, "\t")
	if bare := a.menu && len(fields) < 4 && (whole || a.eof); !bare && (len(fields) < 4 || len(fields) > 5 || !isNumber(fields[3])) {
		return nil
	}
	a.conn.Event(protocols.EventRecv, line, 0)
	return refused(fields[0][1:])
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	return err == nil
}

// refusals tell by a server's words what its no stands for: Gopher has no codes.
var refusals = []struct {
	words string // any of them, parted by |
	kind  protocols.Kind
	class error
}{
	{"denied|forbidden|permission|not allowed|unauthorized", protocols.KindRefused, fs.ErrPermission},
	{"too many|busy|overload|try again|temporar|unavailable", protocols.KindTemporary, nil},
}

// refused makes the error of a server's no.
func refused(text string) *protocols.Error {
	e := &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: strings.TrimSpace(text)}
	lower := strings.ToLower(text)
	for _, r := range refusals {
		for word := range strings.SplitSeq(r.words, "|") {
			if strings.Contains(lower, word) {
				e.Kind, e.Sentinel, e.Retryable = r.kind, r.class, r.kind == protocols.KindTemporary
				return e
			}
		}
	}
	return e
}

// Read reads content.
func (a *answer) Read(p []byte) (int, error) {
	if a.left == 0 {
		return 0, io.EOF
	}
	if a.left > 0 && int64(len(p)) > a.left {
		p = p[:a.left]
	}
	n, err := a.read(p)
	if a.left > 0 {
		a.left -= int64(n)
	}
	if err == io.EOF && a.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (a *answer) read(p []byte) (int, error) {
	if len(a.head) > 0 {
		n := copy(p, a.head)
		a.head = a.head[n:]
		return n, nil
	}
	if a.eof {
		return 0, io.EOF
	}
	return a.conn.Read(p)
}

// WriteTo copies the rest to w. A plain connection is spliced to a file.
func (a *answer) WriteTo(w io.Writer) (int64, error) {
	if a.left >= 0 || a.eof {
		return io.Copy(w, struct{ io.Reader }{a})
	}
	n, err := w.Write(a.head)
	total := int64(n)
	if err != nil {
		return total, err
	}
	a.head = nil
	m, err := a.conn.WriteTo(w)
	return total + m, err
}

// close ends the request.
func (a *answer) close() {
	a.done()
	a.c.drop(a.conn)
	a.c.last = time.Now()
}

// cut says what an end in the middle means.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the answer is cut short"}
	}
	return err
}
