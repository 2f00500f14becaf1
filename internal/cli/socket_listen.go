package cli

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols/socket"
)

// streamListener is `listen` of tcp and unix.
type streamListener struct {
	greet, command    string
	echo, once, shell bool
	share             bool
	env               []string
	maxConns          count
}

func (l *streamListener) flags(fs *pflag.FlagSet) {
	l.maxConns.most = 1_000_000
	fs.StringVar(&l.greet, "greet", "", "send `TEXT` to each connection; alone: and close it")
	fs.BoolVar(&l.echo, "echo", false, "send back what comes")
	fs.StringVar(&l.command, "exec", "", "run `CMD`, split into words, for each connection, joined with its standard input and output")
	fs.BoolVar(&l.shell, "shell", false, "of --exec: let sh -c run the command")
	fs.StringArrayVar(&l.env, "env", nil, "of --exec: variable for the command, `NAME=VALUE`, or NAME to pass one on; else it gets PATH, HOME, the locale and their like")
	fs.BoolVar(&l.share, "reuse-port", false, "let several listeners have the port, and share the connections")
	fs.BoolVar(&l.once, "once", false, "end after the first connection")
	fs.Var(&l.maxConns, "max-conns", "connections at the same time; more have to wait; 0: 10000")
}

func (l *streamListener) run(ctx context.Context, e *env, c *socket.Client, _ string, _ []string) error {
	if l.echo && l.command != "" {
		return usage("--echo and --exec exclude each other")
	}
	if c.Settings.Type == "datagram" {
		return (&packetListener{echo: l.echo, greet: l.greet, once: l.once}).serve(ctx, e, c.Settings.Sockopts)
	}
	v := newView(e, viewOptions{})
	o, err := l.options(e, v, c.Settings)
	if err != nil {
		return err
	}
	s, err := socket.Listen(ctx, e.at.URL, o)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := v.listening(s.Addr().String()); err != nil {
		return err
	}
	return s.Serve(ctx)
}

func (l *streamListener) options(e *env, v *talkView, set socket.Settings) (*socket.ListenOptions, error) {
	set.Sockopts.ReusePort = l.share
	o := &socket.ListenOptions{
		Greet: l.greet, Echo: l.echo, Once: l.once, MaxConns: l.maxConns.value,
		Idle: e.silence(), Family: e.opts.Family, Type: set.Type, Sockopts: set.Sockopts,
		Opened: func(p *socket.Peer) { l.opened(v, p) },
		Closed: func(p *socket.Peer, err error) { l.closed(v, p, err) },
	}
	switch {
	case l.command != "":
		extra, err := variables(l.env)
		if err != nil {
			return nil, err
		}
		x, err := newExecutor(l.command, l.shell, extra, e.out.words)
		if err != nil {
			return nil, err
		}
		o.Handle = x.serve
	case !l.echo && l.greet == "":
		o.Once = true
		o.Handle = func(ctx context.Context, p *socket.Peer) error { return joinPeer(ctx, e, v, p) }
	}
	if e.at.URL.Scheme != "tls" {
		return o, nil
	}
	var err error
	o.TLS, err = serverTLS(e)
	return o, err
}

// serverTLS returns the certificate of --cert, or makes one and tells how to
// recognise it.
func serverTLS(e *env) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if given := e.opts.TLS.Config; given != nil && len(given.Certificates) > 0 {
		conf.Certificates = given.Certificates
		return conf, nil
	}
	name, _ := os.Hostname()
	cert, err := socket.SelfSigned(e.at.URL.Hostname(), name, "localhost", "127.0.0.1", "::1")
	if err != nil {
		return nil, err
	}
	conf.Certificates = []tls.Certificate{cert}
	sum := sha256.Sum256(cert.Certificate[0])
	e.out.say("certificate made for this run; clients may trust it with --pin " + hex.EncodeToString(sum[:]))
	return conf, nil
}

func (l *streamListener) opened(v *talkView, p *socket.Peer) {
	from := remote(p)
	v.tell(event{Event: "connected", ID: p.ID, Remote: from}, fmt.Sprintf("connection %d from %s", p.ID, from))
}

func (l *streamListener) closed(v *talkView, p *socket.Peer, err error) {
	got, sent := p.Moved()
	words := fmt.Sprintf("connection %d ended", p.ID)
	if err != nil {
		words += ": " + err.Error()
	}
	if v.e.out.json {
		v.tell(event{Event: "closed", ID: p.ID, Sent: sent, Got: got, Error: errorText(err)}, "")
	} else if err != nil || v.e.out.verbose {
		v.tell(event{}, words)
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
func joinPeer(ctx context.Context, e *env, v *talkView, p *socket.Peer) error {
	if !v.plain() {
		t := &joint{halfClose: true, e: e, v: v, input: readAhead(e.stdin)}
		return t.both(ctx, p, func() int64 { _, sent := p.Moved(); return sent })
	}
	w, err := e.out.bytes()
	if err != nil {
		return err
	}
	return e.out.copied(p.Join(e.stdin, w, false))
}
