package socketcmd

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

// streamListener is `listen` of tcp and unix.
type streamListener struct {
	greet      string
	echo, once bool
	share      bool
	exec       execFlags
	maxConns   kit.Count
	broker     bool
	file       string
	nets       networks
}

func (l *streamListener) flags(fs *pflag.FlagSet) {
	l.maxConns.Most = 1_000_000
	fs.StringVar(&l.greet, "greet", "", "send `TEXT` to each connection; alone: and close it")
	fs.BoolVar(&l.echo, "echo", false, "send back what comes")
	l.exec.flags(fs, "run `CMD`, split into words, for each connection, joined with its standard input and output")
	fs.BoolVar(&l.share, "reuse-port", false, "let several listeners have the port, and share the connections")
	fs.BoolVar(&l.once, "once", false, "end after the first connection")
	fs.BoolVar(&l.broker, "broker", false, "pass on what each peer sends to all others")
	fs.StringVar(&l.file, "append", "", "append what all peers send to `FILE`, line by line")
	l.nets.flags(fs)
	fs.Var(&l.maxConns, "max-conns", "connections at the same time; more have to wait; 0: 10000")
}

// conflict refuses flags that exclude each other, or have no effect.
func (l *streamListener) conflict(set socket.Settings) error {
	switch {
	case several(l.echo, l.exec.command != "", l.broker, l.file != ""):
		return kit.Usage("--echo, --exec, --broker and --append cannot be used together")
	case l.broker && set.Type == "datagram":
		return kit.Usage("--broker is for connections; datagrams have none")
	case l.maxConns.Value > 0 && set.Type == "datagram":
		return kit.Usage("--max-conns is for connections; datagrams have none")
	case len(l.nets.allowed)+len(l.nets.denied) > 0 && set.Type == "datagram":
		return kit.Usage("--allow and --deny are for networks; a UNIX socket has the permissions of its folder")
	case set.StartTLS != "":
		return kit.Usage("--starttls is for clients; to listen with TLS from the start, use tls://")
	}
	return nil
}

func (l *streamListener) run(ctx context.Context, e *kit.Env, c *socket.Client, at *protocols.Target, _ []string) error {
	if c.Web() {
		return errWebListen
	}
	if err := l.conflict(c.Settings); err != nil {
		return err
	}
	if c.Settings.Type == "datagram" {
		return (&packetListener{echo: l.echo, greet: l.greet, once: l.once, file: l.file, exec: l.exec}).serve(ctx, e, at, c.Settings.Sockopts)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	v := verbs.NewView(e, verbs.ViewOptions{})
	o, err := l.options(e, at, v, c.Settings)
	if err == nil {
		o.Takes, err = l.nets.filter(at.URL.Scheme)
	}
	if err == nil && l.file != "" {
		var a *appender
		if a, err = openAppender(l.file, cancel); err == nil {
			defer a.f.Close()
			o.Handle = a.serve
		}
	}
	if err != nil {
		return err
	}
	s, err := socket.Listen(ctx, at.URL, o)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := v.Listening(s.Addr().String()); err != nil {
		return err
	}
	return kit.CauseOf(ctx, s.Serve(ctx))
}

// errWebListen says what WebSocket is for.
var errWebListen = kit.Usage("ws:// and wss:// are for connecting; there is no WebSocket server here")

func several(set ...bool) bool {
	return slices.Contains(set, true) && slices.Contains(set[slices.Index(set, true)+1:], true)
}

func (l *streamListener) options(e *kit.Env, at *protocols.Target, v *verbs.TalkView, set socket.Settings) (*socket.ListenOptions, error) {
	set.Sockopts.ReusePort = l.share
	o := &socket.ListenOptions{
		Greet: l.greet, Echo: l.echo, Once: l.once, MaxConns: l.maxConns.Value,
		Idle: e.Silence(), Family: e.Opts.Family, Type: set.Type, Sockopts: set.Sockopts,
		Opened: func(p *socket.Peer) { l.opened(v, p) },
		Closed: func(p *socket.Peer, err error) { l.closed(v, p, err) },
	}
	x, err := l.exec.executor(e)
	switch {
	case err != nil:
		return nil, err
	case x != nil:
		o.Handle = x.serve
	case l.broker:
		o.Handle = (&broker{peers: map[*socket.Peer]chan []byte{}}).serve
	case !l.echo && l.greet == "" && l.file == "":
		o.Once = true
		o.Handle = func(ctx context.Context, p *socket.Peer) error { return joinPeer(ctx, e, v, p) }
	}
	if at.URL.Scheme != "tls" {
		return o, nil
	}
	o.TLS, err = serverTLS(e, at)
	return o, err
}

// serverTLS returns the certificate of --cert, or makes one and says how to
// recognise it.
func serverTLS(e *kit.Env, at *protocols.Target) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if given := e.Opts.TLS.Config; given != nil && len(given.Certificates) > 0 {
		conf.Certificates = given.Certificates
		return conf, nil
	}
	name, _ := os.Hostname()
	cert, err := socket.SelfSigned(at.URL.Hostname(), name, "localhost", "127.0.0.1", "::1")
	if err != nil {
		return nil, err
	}
	conf.Certificates = []tls.Certificate{cert}
	sum := sha256.Sum256(cert.Certificate[0])
	e.Out.Say("certificate made for this run; clients may trust it with --pin " + hex.EncodeToString(sum[:]))
	return conf, nil
}

func (l *streamListener) opened(v *verbs.TalkView, p *socket.Peer) {
	from := remote(p)
	_ = v.Tell(verbs.Event{Event: "connected", ID: p.ID, Remote: from}, fmt.Sprintf("connection %d from %s", p.ID, from))
}

func (l *streamListener) closed(v *verbs.TalkView, p *socket.Peer, err error) {
	got, sent := p.Moved()
	words := fmt.Sprintf("connection %d ended", p.ID)
	if err != nil {
		words += ": " + err.Error()
	}
	if v.E.Out.JSON {
		_ = v.Tell(verbs.Event{Event: "closed", ID: p.ID, Sent: sent, Got: got, Error: verbs.ErrorText(err)}, "")
	} else if err != nil || v.E.Out.Verbose {
		_ = v.Tell(verbs.Event{}, words)
	}
}

// remote names a peer; one on a UNIX socket mostly has no name.
func remote(p *socket.Peer) string {
	if a := p.RemoteAddr(); a != nil && a.String() != "" && a.String() != "@" {
		return a.String()
	}
	return "a local process"
}

// joinPeer is listening without a purpose: standard input and output are joined
// with the connection.
func joinPeer(ctx context.Context, e *kit.Env, v *verbs.TalkView, p *socket.Peer) error {
	if !v.Plain() {
		t := &verbs.Joint{End: func(any) error { return p.CloseWrite() }, E: e, V: v, Input: verbs.ReadAhead(e.Stdin)}
		return t.Both(ctx, p, func() int64 { _, sent := p.Moved(); return sent })
	}
	w, err := e.Stream()
	if err != nil {
		return err
	}
	return e.Out.Copied(p.Join(e.Stdin, w, false))
}
