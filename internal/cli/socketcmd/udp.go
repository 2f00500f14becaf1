package socketcmd

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

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
	reply bool
	file  string
	nets  networks
	exec  execFlags
	runs  *executor // of exec; nil: none
	to    io.Writer // where datagrams are printed
}

func (l *packetListener) flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&l.join, "join", nil, "join the multicast group `ADDR`")
	fs.StringVar(&l.card, "interface", "", "join on the interface `NAME`")
	fs.BoolVar(&l.echo, "echo", false, "send each datagram back")
	fs.BoolVar(&l.share, "reuse-port", false, "let several listeners have the port, and share what comes")
	fs.StringVar(&l.greet, "greet", "", "answer each datagram with `TEXT`")
	fs.BoolVar(&l.once, "once", false, "end after the first datagram")
	fs.BoolVar(&l.reply, "reply", false, "send each line of standard input to the sender of the last datagram")
	fs.StringVar(&l.file, "append", "", "append what comes to `FILE`")
	l.nets.flags(fs)
	l.exec.flags(fs, "run `CMD`, split into words, for one datagram after the other: its input is the datagram, its output the answer")
	fs.BoolVar(&l.peers, "show-peer", false, "print the sender before each datagram")
}

func (l *packetListener) run(ctx context.Context, e *kit.Env, c *socket.Datagram, at *protocols.Target, _ []string) error {
	return l.serve(ctx, e, at, c.Settings.Sockopts)
}

func (l *packetListener) serve(ctx context.Context, e *kit.Env, at *protocols.Target, set socket.Sockopts) error {
	if l.exec.command != "" && (l.echo || l.greet != "" || l.reply || l.file != "") {
		return kit.Usage("--exec cannot be used together with --echo, --greet, --reply or --append")
	}
	takes, err := l.nets.filter(at.URL.Scheme)
	if err == nil {
		l.runs, err = l.exec.executor(e)
	}
	if err != nil {
		return err
	}
	if l.file != "" {
		a, err := openAppender(l.file, func(error) {})
		if err != nil {
			return err
		}
		defer a.f.Close()
		l.to = a
	}
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
	var last answerer
	if l.reply {
		stop := last.answer(ctx, e, p)
		defer stop()
	}
	buf := make([]byte, 64<<10)
	for {
		n, from, err := p.Receive(ctx, buf)
		if err != nil {
			return err
		}
		if takes != nil && (from == nil || !takes(from)) {
			continue
		}
		last.set(from)
		if err := l.got(ctx, e, v, p, buf[:n], from); err != nil || l.once {
			return err
		}
	}
}

// got prints a datagram and answers it.
func (l *packetListener) got(ctx context.Context, e *kit.Env, v *verbs.TalkView, p *socket.Packets, data []byte, from net.Addr) error {
	name := ""
	if from != nil {
		name = from.String()
	}
	if err := l.print(e, v, data, name); err != nil || from == nil {
		return err
	}
	answer := []byte(l.greet)
	switch {
	case l.echo:
		answer = data
	case l.runs != nil:
		var err error
		if answer, err = l.runs.answer(ctx, data, name, p.Addr().String()); err != nil && ctx.Err() == nil {
			e.Out.Warn(fmt.Sprintf("no answer to %s: %v", name, err))
			return nil
		}
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
	if l.echo || l.runs != nil {
		return nil
	}
	if l.to != nil {
		_, err := l.to.Write(data)
		return err
	}
	w, err := e.Out.Bytes()
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return show.Wrote(err)
}

// answerer sends lines to whoever sent last.
type answerer struct {
	mu   sync.Mutex
	last net.Addr
	some chan struct{} // closed when somebody has sent; nil: nobody wants to know
}

func (a *answerer) set(from net.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if from == nil || a.some == nil {
		return
	}
	if a.last == nil {
		close(a.some)
	}
	a.last = from
}

func (a *answerer) get() net.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// answer sends each line of standard input, once there is somebody to send it to. stop ends
// that.
func (a *answerer) answer(ctx context.Context, e *kit.Env, p *socket.Packets) (stop func()) {
	a.some = make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	input := lines(e)
	go func() {
		select {
		case <-a.some:
		case <-ctx.Done():
			return
		}
		for {
			select {
			case line, more := <-input:
				if !more {
					return
				}
				if err := p.SendTo(line, a.get()); err != nil {
					e.Out.Warn(fmt.Sprintf("no answer to %s: %v", a.get(), err))
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return cancel
}
