package socketcmd

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

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
