package socketcmd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/socket"
)

// sender is `send`.
type sender struct {
	broadcast, lines, half bool
	wait                   kit.Duration
	size                   kit.Size
	card                   string
	hops                   kit.Count
	end                    kit.Choice
}

// lineEnds are what --eol adds.
var lineEnds = map[string]string{"none": "", "lf": "\n", "crlf": "\r\n", "cr": "\r"}

func (s *sender) endFlag(fs *pflag.FlagSet, of string) {
	s.end = kit.OneOf("none", "none", "lf", "crlf", "cr")
	fs.Var(&s.end, "eol", "line end to add to TEXT"+of)
}

func (s *sender) flags(fs *pflag.FlagSet) {
	s.endFlag(fs, "")
	fs.Var(&s.wait, "wait", "print the answer until nothing has come for so long; else to the end of the stream, of a datagram socket not at all")
	fs.BoolVar(&s.half, "half-close", false, "close for writing after the data under TLS too")
}

func (s *sender) datagramFlags(fs *pflag.FlagSet) {
	s.hops.Most = 255
	s.endFlag(fs, ", or to each line of --lines")
	fs.BoolVar(&s.broadcast, "broadcast", false, "to a broadcast address; answers come from anybody")
	fs.Var(&s.wait, "wait", "print the answers of so long a time")
	fs.BoolVar(&s.lines, "lines", false, "each line of standard input is a datagram, without its line end")
	fs.Var(&s.size, "size", "cut standard input into datagrams of so many bytes; else it is one")
	fs.StringVar(&s.card, "interface", "", "send multicast through the interface `NAME`")
	fs.Var(&s.hops, "multicast-ttl", "how many networks multicast may cross; 0: the system's 1")
}

// text returns the argument with its line end.
func (s *sender) text(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	return []string{args[0] + lineEnds[s.end.Value]}
}

// stream sends over a stream and prints the answer up to its end.
func (s *sender) stream(ctx context.Context, e *kit.Env, c *socket.Client, at *protocols.Target, args []string) error {
	args = s.text(args)
	datagram := c.Settings.Type == "datagram"
	if !datagram && s.wait == 0 && !s.half {
		return verbs.SendBytes(ctx, e, c, at, args)
	}
	conn, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if datagram {
		return s.exchange(e, at, conn, args)
	}
	from := e.Stdin
	if len(args) > 0 {
		from = strings.NewReader(args[0])
	}
	n, err := conn.ReadFrom(from)
	if err == nil {
		err = expect.EndInput(conn, s.half)
	}
	if err != nil {
		return err
	}
	return s.answers(e, at, n, func(p []byte) (int, error) {
		if s.wait > 0 {
			conn.SetReadDeadline(time.Now().Add(time.Duration(s.wait)))
		}
		return conn.Read(p)
	})
}

// messageConn is a connection with messages.
type messageConn interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
}

// exchange sends the datagrams, and prints the answers of the time of --wait.
func (s *sender) exchange(e *kit.Env, at *protocols.Target, conn messageConn, args []string) error {
	n, err := s.each(e, args, func(p []byte) error { _, err := conn.Write(p); return err })
	if err != nil {
		return err
	}
	conn.SetReadDeadline(time.Now().Add(time.Duration(s.wait)))
	return s.answers(e, at, n, s.waiting(conn.Read))
}

// waiting returns read, or what reads nothing without --wait.
func (s *sender) waiting(read func([]byte) (int, error)) func([]byte) (int, error) {
	if s.wait > 0 {
		return read
	}
	return func([]byte) (int, error) { return 0, io.EOF }
}

// answers prints what comes until there is no more, or the time is over: as it
// is, or in the one line of JSON.
func (s *sender) answers(e *kit.Env, at *protocols.Target, sent int64, read func(p []byte) (int, error)) error {
	buf := make([]byte, 64<<10)
	var reply []byte
	w, err := e.Stream()
	for err == nil && len(reply) < verbs.MaxSendReply {
		n, rerr := read(buf)
		if e.Out.JSON {
			reply = append(reply, buf[:n]...)
		} else if _, err = w.Write(buf[:n]); err != nil {
			err = show.Wrote(err)
		}
		if rerr != nil {
			err = errors.Join(err, patient(rerr))
			break
		}
	}
	if e.Out.JSON && err == nil {
		err = verbs.PrintBytes(e, at, sent, reply)
	}
	return err
}

// patient forgives the end of the stream, and that of a wait that was set.
func patient(err error) error {
	if _, ours := errors.AsType[*protocols.Error](err); ours {
		return err
	}
	if t, ok := errors.AsType[net.Error](err); err == io.EOF || ok && t.Timeout() {
		return nil
	}
	return err
}

// each writes the datagrams to send: the argument, or standard input whole, by lines or
// by pieces.
func (s *sender) each(e *kit.Env, args []string, write func([]byte) error) (sent int64, err error) {
	send := func(p []byte) error {
		if len(p) > socket.MaxDatagram {
			return kit.Usage("more than %d bytes do not go into one datagram; --size cuts standard input into several", socket.MaxDatagram)
		}
		sent += int64(len(p))
		return write(p)
	}
	switch {
	case len(args) > 0:
		err = send([]byte(args[0]))
	case s.lines:
		err = eachLine(e.Stdin, lineEnds[s.end.Value], send)
	case s.size > 0:
		err = eachPiece(e.Stdin, int(s.size), send)
	default:
		var whole []byte
		if whole, err = io.ReadAll(io.LimitReader(e.Stdin, socket.MaxDatagram+1)); err == nil && len(whole) > 0 {
			err = send(whole)
		}
	}
	return sent, err
}

// eachPiece calls send for each piece of so many bytes.
func eachPiece(r io.Reader, size int, send func([]byte) error) error {
	buf := make([]byte, size)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if err := send(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// eachLine calls send for each line, with end in place of its own. A line has at most
// 64 KiB.
func eachLine(r io.Reader, end string, send func([]byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), socket.MaxDatagram+1)
	for lines.Scan() {
		if err := send(append(lines.Bytes(), end...)); err != nil {
			return err
		}
	}
	if lines.Err() == bufio.ErrTooLong {
		return kit.Usage("a line of more than %d bytes does not go into a datagram", socket.MaxDatagram)
	}
	return lines.Err()
}

// datagram sends datagrams: over a socket connected to the one peer, or to a
// group, whose answers come from other addresses.
func (s *sender) datagram(ctx context.Context, e *kit.Env, c *socket.Datagram, at *protocols.Target, args []string) error {
	args = s.text(args)
	if s.size < 0 || s.size > socket.MaxDatagram {
		return kit.Usage("--size: a datagram has 1 to %d bytes", socket.MaxDatagram)
	}
	host, _ := netip.ParseAddr(socket.Host(at.URL.Hostname()))
	if s.broadcast || host.IsMulticast() {
		return s.group(ctx, e, at, args, c.Settings.Sockopts)
	}
	conn, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return s.exchange(e, at, conn, args)
}

// group sends to an address that stands for many.
func (s *sender) group(ctx context.Context, e *kit.Env, at *protocols.Target, args []string, set socket.Sockopts) error {
	any4 := &url.URL{Scheme: "udp", Host: "0.0.0.0:0"}
	if strings.Contains(at.URL.Hostname(), ":") {
		any4.Host = "[::]:0"
	}
	p, err := socket.ListenPackets(ctx, any4, &socket.PacketOptions{Interface: s.card, Hops: s.hops.Value, Sockopts: set})
	if err != nil {
		return err
	}
	defer p.Close()
	to, err := p.Resolve(ctx, at.URL)
	if err != nil {
		return err
	}
	sent, err := s.each(e, args, func(b []byte) error { return p.SendTo(b, to) })
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(s.wait))
	defer cancel()
	return s.answers(e, at, sent, s.waiting(func(buf []byte) (int, error) {
		n, _, err := p.Receive(ctx, buf)
		return n, err
	}))
}
