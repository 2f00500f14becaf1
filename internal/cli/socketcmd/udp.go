package socketcmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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
	"github.com/netclients/netclients/protocols/socket"
)

func (s *sender) datagramFlags(fs *pflag.FlagSet) {
	s.hops.Most, s.size = 255, 1400
	fs.BoolVar(&s.broadcast, "broadcast", false, "to a broadcast address; answers come from anybody")
	fs.Var(&s.wait, "wait", "print the answers of so long a time")
	fs.BoolVar(&s.lines, "lines", false, "each line of standard input is a datagram, without its line end")
	fs.Var(&s.size, "size", "most bytes of a datagram from standard input")
	fs.StringVar(&s.card, "interface", "", "send multicast through the interface `NAME`")
	fs.Var(&s.hops, "multicast-ttl", "how many networks multicast may cross; 0: the system's 1")
}

// datagram sends datagrams: over a socket connected to the one peer, or to a
// group, whose answers come from other addresses.
func (s *sender) datagram(ctx context.Context, e *kit.Env, c *socket.Datagram, at *protocols.Target, args []string) error {
	if s.size < 1 || s.size > socket.MaxDatagram {
		return kit.Usage("--size: a datagram has 1 to %d bytes", socket.MaxDatagram)
	}
	host, _ := netip.ParseAddr(socket.Host(at.URL.Hostname()))
	everybody := host == netip.AddrFrom4([4]byte{255, 255, 255, 255})
	if everybody && !s.broadcast {
		return kit.Usage("%s is for all of the network; say --broadcast when that is meant", host)
	}
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
	return s.answers(e, at, sent, func(buf []byte) (int, error) {
		n, _, err := p.Receive(ctx, buf)
		return n, err
	})
}

// patient forgives the end of a wait that was set.
func patient(err error) error {
	if _, ours := errors.AsType[*protocols.Error](err); ours {
		return err
	}
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() {
		return nil
	}
	return err
}

// eachLine calls send for each line, without its end. A line has at most 64 KiB.
func eachLine(r io.Reader, send func([]byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), socket.MaxDatagram)
	for lines.Scan() {
		if err := send(lines.Bytes()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// packetListener is `udp listen`, and listen on a UNIX datagram socket.
type packetListener struct {
	join  []string
	card  string
	echo  bool
	greet string
	once  bool
	peers bool
	share bool
}

func (l *packetListener) flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&l.join, "join", nil, "join the multicast group `ADDR`")
	fs.StringVar(&l.card, "interface", "", "join on the interface `NAME`")
	fs.BoolVar(&l.echo, "echo", false, "send each datagram back")
	fs.BoolVar(&l.share, "reuse-port", false, "let several listeners have the port, and share what comes")
	fs.StringVar(&l.greet, "greet", "", "answer each datagram with `TEXT`")
	fs.BoolVar(&l.once, "once", false, "end after the first datagram")
	fs.BoolVar(&l.peers, "show-peer", false, "print the sender before each datagram")
}

func (l *packetListener) run(ctx context.Context, e *kit.Env, c *socket.Datagram, at *protocols.Target, _ []string) error {
	return l.serve(ctx, e, at, c.Settings.Sockopts)
}

func (l *packetListener) serve(ctx context.Context, e *kit.Env, at *protocols.Target, set socket.Sockopts) error {
	set.ReusePort = set.ReusePort || l.share
	p, err := socket.ListenPackets(ctx, at.URL, &socket.PacketOptions{Join: l.join, Interface: l.card, Family: e.Opts.Family, Sockopts: set})
	if err != nil {
		return err
	}
	defer p.Close()
	v := verbs.NewView(e, verbs.ViewOptions{})
	if err := v.Listening(p.Addr().String()); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for {
		n, from, err := p.Receive(ctx, buf)
		if err != nil {
			return err
		}
		if err := l.got(e, v, p, buf[:n], from); err != nil || l.once {
			return err
		}
	}
}

// got prints a datagram and answers it.
func (l *packetListener) got(e *kit.Env, v *verbs.TalkView, p *socket.Packets, data []byte, from net.Addr) error {
	name := ""
	if from != nil {
		name = from.String()
	}
	if err := l.print(e, v, data, name); err != nil || from == nil {
		return err
	}
	answer := []byte(l.greet)
	if l.echo {
		answer = data
	}
	if len(answer) == 0 {
		return nil
	}
	if err := p.SendTo(answer, from); err != nil {
		e.Out.Warn(fmt.Sprintf("no answer to %s: %v", name, err)) // it may be gone; others are not
	}
	return nil
}

func (l *packetListener) print(e *kit.Env, v *verbs.TalkView, data []byte, from string) error {
	if e.Out.JSON {
		return v.Event(verbs.Event{Event: "received", Remote: from, Bytes: len(data)}, data)
	}
	if l.peers {
		e.Out.Say(from + ":")
	}
	if l.echo {
		return nil
	}
	w, err := e.Out.Bytes()
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return show.Wrote(err)
}
