package socketcmd

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/socket"
)

// forwarder is `forward`.
type forwarder struct {
	maxConns kit.Count
	nets     networks
	dialling sync.Mutex // clients are made one at a time
}

func (f *forwarder) flags(fs *pflag.FlagSet) {
	f.maxConns.Most = 1_000_000
	fs.Var(&f.maxConns, "max-conns", "connections at the same time; more have to wait; 0: 10000")
	f.nets.flags(fs)
}

// run listens, and joins each connection with one of its own to the target.
func (f *forwarder) run(ctx context.Context, e *kit.Env, c *socket.Client, at *protocols.Target, args []string) error {
	if c.Web() {
		return errWebListen
	}
	proto := e.Proto
	if kit.HasScheme(args[0]) { // of another kind of stream
		e.Proto = ""
	}
	to, err := e.Target(args[0])
	e.Proto = proto
	if err != nil {
		return err
	}
	if to.URL.Scheme == "udp" || c.Settings.Type == "datagram" {
		return kit.Usage("forward joins streams; datagrams have no connections to forward")
	}
	takes, err := f.nets.filter(at.URL.Scheme)
	if err != nil {
		return err
	}
	v := verbs.NewView(e, verbs.ViewOptions{})
	l := &streamListener{}
	o := &socket.ListenOptions{
		MaxConns: f.maxConns.Value, Idle: e.Silence(), Family: e.Opts.Family, Type: c.Settings.Type, Sockopts: c.Settings.Sockopts, Takes: takes,
		Opened: func(p *socket.Peer) { l.opened(v, p) },
		Closed: func(p *socket.Peer, err error) { l.closed(v, p, err) },
		Handle: func(ctx context.Context, p *socket.Peer) error { return f.join(ctx, e, to, p) },
	}
	if at.URL.Scheme == "tls" {
		if o.TLS, err = serverTLS(e, at); err != nil {
			return err
		}
	}
	s, err := socket.Listen(ctx, at.URL, o)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := v.Listening(s.Addr().String()); err != nil {
		return err
	}
	return s.Serve(ctx)
}

// lingering is how long a target with TLS may be silent after the peer's end before it is
// told: it may take that for the end of both directions, as [expect.EndInput] says.
const lingering = 2 * time.Second

func (f *forwarder) join(ctx context.Context, e *kit.Env, to *protocols.Target, p *socket.Peer) error {
	f.dialling.Lock()
	client, opts, err := verbs.Conversing[*socket.Client](e, to)
	f.dialling.Unlock()
	if err != nil {
		return err
	}
	if client == nil {
		return errors.New("the target is not a stream")
	}
	defer client.Close()
	conn, err := client.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := io.Reader(p)
	if conn.TLS() != nil {
		in = &patientReader{ctx: ctx, r: p, moved: opts.Stats.Read.Load}
	}
	if err := conn.Join(ctx, in, p, &socket.JoinOptions{HalfClose: true}); err != nil {
		return err
	}
	return expect.EndInput(p, true)
}

// patientReader holds back the end of a stream until nothing comes the other way.
type patientReader struct {
	ctx   context.Context
	r     io.Reader
	moved func() int64
}

func (r *patientReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if err == io.EOF {
		_ = expect.Silence(r.ctx, lingering, r.moved) // it ends by silence, or with the connection
	}
	return n, err
}
