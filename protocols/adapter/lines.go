package adapter

import (
	"io"
	"strings"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Lines reads and writes the lines of a connection, within the limits of the options.
type Lines struct {
	in     *wire.LineReader
	out    *wire.Writer
	limits protocols.Limits
	allow  func() error // a secret
}

func newLines(conn *transport.Conn, l protocols.Limits, traced bool) *Lines {
	s := &Lines{in: wire.NewLineReader(conn, int(l.Line)), out: wire.NewWriter(conn, int(l.Line)), limits: l, allow: conn.AllowSecret}
	if traced {
		s.in.OnLine = func(line []byte) { conn.Event(protocols.EventRecv, string(line), 0) }
		s.out.OnCmd = func(line string) { conn.Event(protocols.EventSend, line, 0) }
	}
	return s
}

// Send writes a command with its arguments, separated by spaces, and CR LF. What the
// server has sent is read before it: a reply that came before its command is nobody's
// answer (a server or somebody between may have sent it), and an error of kind Protocol.
func (l *Lines) Send(command string, args ...string) error {
	if err := l.nothingUnread(); err != nil {
		return err
	}
	if err := l.out.Cmd(command, args...); err != nil {
		return err
	}
	return l.out.Flush()
}

// SendSecret is Send for a command whose arguments no trace may show: display stands
// for them. It is sent over TLS and to this machine, and elsewhere only with
// Options.AllowPlaintextAuth; what it is refused with is [protocols.ErrCleartext].
func (l *Lines) SendSecret(command, display string, args ...string) error {
	if err := l.allow(); err != nil {
		return err
	}
	if err := l.nothingUnread(); err != nil {
		return err
	}
	if err := l.out.Secret(command, display, args...); err != nil {
		return err
	}
	return l.out.Flush()
}

func (l *Lines) nothingUnread() error {
	if l.in.Buffered() == 0 {
		return nil
	}
	return &protocols.Error{Kind: protocols.KindProtocol, Text: "unexpected data from the server, before any command asked for it (possible man-in-the-middle)"}
}

// Line reads a line, without its end. The end of the stream is io.EOF; inside of a line
// it is io.ErrUnexpectedEOF.
func (l *Lines) Line() (string, error) {
	b, err := l.in.ReadLine()
	return string(b), err
}

// Reply reads a reply with a three-digit code: every line has it, followed by a hyphen
// on all but the last, as in SMTP (RFC 5321 section 4.2.1) and DICT (RFC 2229 section 2.4).
// The end of the stream before it is io.ErrUnexpectedEOF.
func (l *Lines) Reply() (*protocols.Reply, error) {
	r, err := wire.ReadReply(l.in, wire.SMTP, wire.Limits{Lines: l.limits.ReplyLines, Bytes: int(l.limits.Reply)})
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return &protocols.Reply{Code: r.Code, Lines: r.Lines}, nil
}

// Text returns a reader of text that ends with a line of one dot, without the dots that
// were doubled (RFC 2229 section 2.4.1). It ends with io.EOF only when that line came,
// and is read to its end before the next line.
func (l *Lines) Text() io.Reader { return wire.NewDotReader(l.in) }

// Rest returns a reader of all that comes until the server closes the connection.
func (l *Lines) Rest() io.Reader { return l.in }

// Words splits a line into words. Double quotes hold words together, and a backslash
// takes the next character as it is (RFC 2229 section 2.2).
func Words(line string) []string {
	var words []string
	var b strings.Builder
	quoted, inside := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
			inside = true
		case c == '"':
			quoted, inside = !quoted, true
		case !quoted && (c == ' ' || c == '\t'):
			if inside {
				words = append(words, b.String())
			}
			b.Reset()
			inside = false
		default:
			b.WriteByte(c)
			inside = true
		}
	}
	if inside {
		words = append(words, b.String())
	}
	return words
}
