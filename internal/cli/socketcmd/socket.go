// Package socketcmd has the verbs of TCP, UDP and UNIX sockets, and their flags.
package socketcmd

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/httpcmd"
	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

// socketVerbs are the verbs of tcp, udp and unix.
func Verbs() []*kit.Verb {
	var c, d connector
	var l streamListener
	var p packetListener
	var r receiver
	var s, w sender
	var f forwarder
	return []*kit.Verb{
		{
			Name: "connect", Args: "URL", Short: "join standard input and output with the socket", Lasting: true, Stands: kit.HostPort,
			Works: kit.Is[*socket.Client], Flags: c.flags, Run: forms(kit.On(c.run)),
			Examples: []string{
				"tcp connect host:25 --crlf",
				"tcp connect tls://host:443 < request > answer",
				"tcp connect wss://host/chat -H 'Origin: https://host'",
				"unix connect /run/app.sock --json",
			},
		},
		{
			Name: "connect", Args: "URL", Short: "send lines of standard input as datagrams, print what comes back", Lasting: true, Stands: kit.HostPort,
			Works: kit.Is[*socket.Datagram], Flags: d.viewFlags, Run: forms(kit.On(d.runDatagram)),
			Examples: []string{"udp connect host:7"},
		},
		{
			Name: "listen", Args: "URL", Short: "accept connections: greet, echo, run a command, or join the first one with standard input and output", Lasting: true,
			Works: kit.Is[*socket.Client], Flags: l.flags, Run: forms(kit.On(l.run)),
			Examples: []string{
				"tcp listen :12345 --greet 'Thank you for connecting'",
				"tcp listen localhost:7 --echo",
				"tcp listen tls://:8443 --exec 'cat index.http'",
				"unix listen @name --once",
				"tcp listen :9000 --broker --allow 10.0.0.0/8",
				"tcp listen :5140 --append all.log",
			},
		},
		{
			Name: "forward", Args: "LISTEN TARGET", Short: "accept connections and join each with a connection to TARGET", Lasting: true,
			Works: kit.Is[*socket.Client], Flags: f.flags, Run: forms(kit.On(f.run)),
			Examples: []string{
				"tcp forward localhost:8080 www.example.org:80",
				"tcp forward :5432 unix:///run/postgresql/.s.PGSQL.5432 --allow 127.0.0.1",
				"tcp forward localhost:1025 tls://mail.example.org:465",
			},
		},
		{
			Name: "listen", Args: "URL", Short: "print the datagrams that come", Lasting: true,
			Works: kit.Is[*socket.Datagram], Flags: p.flags, Run: forms(kit.On(p.run)),
			Examples: []string{
				"udp listen :514 --json",
				"udp listen :5353 --join 224.0.0.251",
				"udp listen :7 --exec 'tr a-z A-Z'", "udp listen :5000 --reply",
			},
		},
		{
			Name: "recv", Args: "URL", Short: "write what the peer sends to standard output, and end with it",
			Works: kit.Is[*socket.Client], Flags: r.flags, Run: forms(kit.On(r.run)),
			Examples: []string{
				"tcp recv host:13",
				"tcp recv host:12345 --bytes 1024",
			},
		},
		{
			Name: "send", Args: "URL [TEXT]", Short: "send bytes: the argument, else standard input; print what comes back",
			Works: kit.Is[*socket.Client], Flags: s.flags, Run: forms(kit.On(s.stream)),
			Examples: []string{
				"tcp send host:9 hello",
				"unix send /run/app.sock status",
			},
		},
		{
			Name: "send", Args: "URL [TEXT]", Short: "send a datagram: the argument, else standard input",
			Works: kit.Is[*socket.Datagram], Flags: w.datagramFlags, Run: forms(kit.On(w.datagram)),
			Examples: []string{
				"udp send host:514 '<13>hello'",
				"udp send '<broadcast>:9' wake --broadcast",
				"udp send host:7 hello --wait 1s",
			},
		},
	}
}

// forms lets the first argument have the forms of sockets that no URL has: a bare
// port, and the host "<broadcast>".
func forms(run kit.Run) kit.Run {
	return func(ctx context.Context, e *kit.Env, args []string) error {
		args = slices.Clone(args)
		if strings.Trim(args[0], "0123456789") == "" {
			args[0] = ":" + args[0]
		}
		args[0] = strings.Replace(args[0], "<broadcast>", "255.255.255.255", 1)
		return run(ctx, e, args)
	}
}

// sockoptFlags are the flags for options of the socket itself.
type sockoptFlags struct {
	keepAlive, linger      kit.Duration
	reset, delay           bool
	ttl, tos               kit.Count
	sendBuffer, recvBuffer kit.Size
	raw                    []string
}

func (f *sockoptFlags) register(fs *pflag.FlagSet) {
	f.ttl.Most, f.tos.Most = 255, 255
	fs.Var(&f.keepAlive, "keepalive", "time between keep-alive probes of TCP")
	fs.Var(&f.linger, "linger", "wait so long on close for what was not sent yet")
	fs.BoolVar(&f.reset, "reset", false, "end with a reset, not with the end of the stream")
	fs.BoolVar(&f.delay, "delay", false, "let the kernel join small writes (Nagle's algorithm)")
	fs.Var(&f.ttl, "ttl", "time to live, or hop limit, of what is sent; 0: the system's")
	fs.Var(&f.tos, "tos", "type of service, or traffic class, of what is sent")
	fs.Var(&f.sendBuffer, "send-buffer", "size of the kernel's buffer for sending")
	fs.Var(&f.recvBuffer, "recv-buffer", "size of the kernel's buffer for receiving")
	fs.StringArrayVar(&f.raw, "sockopt", nil, "any other option: `LEVEL:NAME=VALUE`, as tcp:USER_TIMEOUT=5000 or socket:PRIORITY=6")
}

func (f *sockoptFlags) options() (socket.Sockopts, error) {
	o := socket.Sockopts{
		KeepAlive: time.Duration(f.keepAlive), Delay: f.delay, Linger: time.Duration(f.linger),
		TTL: f.ttl.Value, TOS: f.tos.Value, SendBuf: int(f.sendBuffer), RecvBuf: int(f.recvBuffer),
	}
	if f.reset {
		o.Linger = -1
	}
	for _, text := range f.raw {
		raw, err := socket.ParseRawOption(text)
		if err != nil {
			return o, err
		}
		o.Raw = append(o.Raw, raw)
	}
	return o, nil
}

// StreamFlags are the flags that all verbs of tcp and unix have.
func StreamFlags() *kit.Setup {
	var o sockoptFlags
	start := kit.OneOf("", socket.StartTLSNames()...)
	kind := kit.OneOf("stream", socket.UnixTypes()...)
	var w webFlags
	flags := kit.FlagsFor(func(fs *pflag.FlagSet) {
		fs.Var(&start, "starttls", "start TLS after connecting, as this protocol does")
		fs.Var(&kind, "type", "kind of UNIX socket")
		w.register(fs)
		o.register(fs)
	}, func(c *socket.Client) (err error) {
		c.Settings = socket.Settings{StartTLS: start.Value, Type: kind.Value}
		if c.Settings.WebSocket, err = w.options(); err != nil {
			return err
		}
		c.Settings.Sockopts, err = o.options()
		return err
	})
	flags.Link = func(e *kit.Env, _ protocols.Client) error {
		httpcmd.LearnHeaders(e.Out.Hidden, w.headers)
		return nil
	}
	return flags.With(nil, []string{"auth", "authzid", "account"}, nil)
}

// DatagramFlags are the flags that all verbs of udp have.
func DatagramFlags() *kit.Setup {
	var o sockoptFlags
	return kit.FlagsFor(o.register, func(c *socket.Datagram) (err error) {
		c.Settings.Sockopts, err = o.options()
		return err
	}).With(nil, noLogin, nil)
}

// receiver is `recv`.
type receiver struct{ bytes kit.Size }

func (r *receiver) flags(fs *pflag.FlagSet) {
	fs.Var(&r.bytes, "bytes", "read at most this many bytes, in one read when they come at once; 0: to the end")
}

func (r *receiver) run(ctx context.Context, e *kit.Env, c *socket.Client, at *protocols.Target, _ []string) error {
	conn, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if e.Out.JSON {
		return r.events(e, at, conn)
	}
	if r.bytes == 0 {
		return verbs.CopyOut(e, conn)
	}
	w, err := e.Stream()
	if err != nil {
		return err
	}
	_, err = conn.WriteToN(w, int64(r.bytes))
	return e.Out.Copied(err)
}

// events prints what comes as lines of JSON.
func (r *receiver) events(e *kit.Env, at *protocols.Target, conn io.Reader) error {
	if r.bytes > 0 {
		conn = io.LimitReader(conn, int64(r.bytes))
	}
	v := verbs.NewView(e, verbs.ViewOptions{})
	buf := make([]byte, 32<<10)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			x := verbs.Event{Event: "received", Remote: at.URL.Host, Bytes: n}
			if err := v.Event(x, buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// noLogin are flags that work everywhere but for sockets. User and password are for the
// scripts of run.
var noLogin = []string{"auth", "authzid", "account", "token-file", "token-command"}
