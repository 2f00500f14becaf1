package tracecmd

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/trace"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
)

// replayer is `trace replay` with its flags.
type replayer struct {
	listen, caOut string
	once, strict  bool
}

func (r *replayer) flags(fs *pflag.FlagSet) {
	fs.StringVar(&r.listen, "listen", "127.0.0.1:0", "`ADDR` to listen on; only loopback")
	fs.BoolVar(&r.once, "once", false, "end when as many connections as were recorded have been served")
	fs.BoolVar(&r.strict, "strict", false, "close a connection at the first command that is not the recorded one")
	fs.StringVar(&r.caOut, "ca-out", "", "write the certificate that clients are to trust to `FILE`")
}

// readyJSON says where the server is.
type readyJSON struct {
	URL         string `json:"url"`
	Protocol    string `json:"protocol"`
	Connections int    `json:"connections"` // recorded
}

// strayJSON is a command of a client that is not the recorded one.
type strayJSON struct {
	Conn  int    `json:"conn"`           // of the client, from 1
	Stray string `json:"stray"`          // other, skipped, repeated or unknown
	Want  string `json:"want,omitempty"` // the recorded command
	Got   string `json:"got,omitempty"`
}

func (r *replayer) run(ctx context.Context, e *kit.Env, args []string) error {
	f, err := open(e, args[0])
	if err != nil {
		return err
	}
	all, err := trace.Dialogues(args[0], f)
	f.Close()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(d *trace.Dialogue) bool { return len(d.Exchanges) == 0 })
	if len(all) == 0 {
		return kit.Usage("%s holds no dialogue", args[0])
	}
	authority, err := r.authority(all)
	if err != nil {
		return err
	}
	if host, _, err := net.SplitHostPort(r.listen); err != nil || !loopback(host) {
		return kit.Usage("--listen %s: want HOST:PORT of this machine's loopback, such as 127.0.0.1:2121", r.listen)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", r.listen)
	if err != nil {
		return &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	s := &replay{out: e.Out, all: all, strict: r.strict, authority: authority}
	if err := s.ready(e.Reg, l.Addr().String()); err != nil {
		l.Close()
		return err
	}
	most := 0
	if r.once {
		most = len(all)
	}
	return s.serve(ctx, l, most)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// authority makes a certificate where the dialogue has TLS.
func (r *replayer) authority(all []*trace.Dialogue) (*base.Authority, error) {
	hasTLS := func(d *trace.Dialogue) bool { return slices.ContainsFunc(d.Exchanges, beginsTLS) }
	if !slices.ContainsFunc(all, hasTLS) && r.caOut == "" {
		return nil, nil
	}
	a, err := base.NewAuthority()
	if err == nil && r.caOut != "" {
		err = os.WriteFile(r.caOut, a.CAPEM(), 0o644)
	}
	return a, err
}

func beginsTLS(x *trace.Exchange) bool {
	return slices.ContainsFunc(x.Events, func(ev protocols.Event) bool { return ev.Kind == protocols.EventTLS })
}

// replay is a server that says what was recorded.
type replay struct {
	all       []*trace.Dialogue
	strict    bool
	authority *base.Authority

	mu     sync.Mutex // guards the output and what follows
	out    *show.Output
	strays int
	failed error
}

// serve takes connections until ctx ends, or most of them were served.
func (s *replay) serve(ctx context.Context, l net.Listener, most int) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for n := 0; most == 0 || n < most; n++ {
		c, err := l.Accept()
		if err != nil {
			break
		}
		p := &player{s: s, n: n + 1, d: s.all[n%len(s.all)], local: l.Addr()}
		running.Go(func() { p.run(ctx, c) })
	}
	if ctx.Err() != nil || most == 0 {
		cancel()
	}
	running.Wait()
	cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil && s.strays > 0 {
		return differs{}
	}
	return s.failed
}

// ready prints the URL of the server.
func (s *replay) ready(reg *protocols.Registry, address string) error {
	proto := cmp.Or(s.all[0].Protocol, guess(s.all[0]))
	ready := readyJSON{URL: schemeOf(reg, proto, s.all[0]) + "://" + address + "/", Protocol: proto, Connections: len(s.all)}
	if err := s.out.Record(ready, func() string { return ready.URL }); err != nil {
		return err
	}
	if s.authority != nil {
		s.out.Say("the dialogue has TLS: clients need --insecure, or --ca-file with what --ca-out has written and the host localhost")
	}
	return s.out.Flush()
}

// schemeOf returns the scheme for clients: the one with TLS from the first byte where the
// dialogue begins with it.
func schemeOf(reg *protocols.Registry, proto string, d *trace.Dialogue) string {
	spec := reg.Spec(proto)
	if spec == nil {
		return "tcp"
	}
	for _, sc := range spec.Schemes {
		if beginsTLS(d.Exchanges[0]) && sc.TLS == protocols.TLSImplicit {
			return sc.Name
		}
	}
	return spec.Schemes[0].Name
}

// stray reports a command that is not the recorded one.
func (s *replay) stray(j strayJSON) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strays++
	err := s.out.Record(j, func() string {
		text := fmt.Sprintf("#%d %s:", j.Conn, j.Stray)
		if j.Want != "" {
			text += " recorded " + j.Want
		}
		if j.Got != "" {
			text += " got " + j.Got
		}
		return show.Safe(s.out.Hidden.Text(text))
	})
	s.failed = cmp.Or(s.failed, err, s.out.Flush())
}

func (s *replay) tls() (*tls.Config, error) {
	if s.authority == nil {
		return nil, kit.Usage("no certificate for a connection with TLS")
	}
	return s.authority.ServerConfig(), nil
}
