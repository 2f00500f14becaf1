package socketcmd

import (
	"context"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

// connector is `connect`.
type connector struct {
	halfClose, crlf, reconnect bool
	preamble                   string
	view                       verbs.ViewOptions
}

func (c *connector) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&c.halfClose, "half-close", true, "close for writing at the end of standard input, and go on reading")
	fs.BoolVar(&c.reconnect, "reconnect", false, "connect again when the peer closes, until standard input ends")
	fs.StringVar(&c.preamble, "preamble", "", "send `TEXT` first on each connection")
	c.viewFlags(fs)
}

func (c *connector) viewFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&c.crlf, "crlf", false, "send each LF as CR LF")
	fs.BoolVar(&c.view.Hex, "hex", false, "show both directions as a hex dump")
	fs.BoolVar(&c.view.Times, "timestamps", false, "print received lines with the time")
}

func (c *connector) run(ctx context.Context, e *kit.Env, _ *socket.Client, at *protocols.Target, _ []string) error {
	client, opts, err := verbs.Conversing[*socket.Client](e, at)
	if err != nil {
		return err
	}
	defer client.Close()
	v := verbs.NewView(e, c.view)
	if v.Plain() && !c.crlf && !c.reconnect {
		return c.join(ctx, e, client)
	}
	t := &verbs.Joint{CRLF: c.crlf, HalfClose: c.halfClose, Preamble: c.preamble, E: e, V: v, Stats: opts.Stats, Idle: e.Silence(), Input: verbs.ReadAhead(e.Stdin)}
	for {
		err := t.Once(ctx, client.Talk)
		if !c.reconnect || t.Over || ctx.Err() != nil || show.IsStdout(err) {
			return err
		}
		if err != nil {
			e.Tell(err)
		}
		if retry.Sleep(ctx, time.Duration(e.Flags.RetryWait)) != nil {
			return ctx.Err()
		}
	}
}

// join is the plain way, on which the kernel copies.
func (c *connector) join(ctx context.Context, e *kit.Env, client *socket.Client) error {
	conn, err := client.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	e.Out.Detail("connected to " + conn.RemoteAddr().String() + " from " + conn.LocalAddr().String())
	w, err := e.Stream()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(conn, c.preamble); err != nil {
		return err
	}
	return e.Out.Copied(conn.Join(ctx, e.Stdin, w, &socket.JoinOptions{KeepOpen: !c.halfClose, Idle: e.Silence()}))
}

func (c *connector) runDatagram(ctx context.Context, e *kit.Env, _ *socket.Datagram, at *protocols.Target, _ []string) error {
	client, opts, err := verbs.Conversing[*socket.Datagram](e, at)
	if err != nil {
		return err
	}
	t := &verbs.Joint{CRLF: c.crlf, HalfClose: c.halfClose, Preamble: c.preamble, E: e, V: verbs.NewView(e, c.view), Stats: opts.Stats, Idle: e.Silence(), Input: verbs.ReadAhead(e.Stdin)}
	return t.Once(ctx, client.Talk)
}
