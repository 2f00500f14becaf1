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
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/socket"
)

// connector is `connect`.
type connector struct {
	halfClose       *pflag.Flag
	crlf, reconnect bool
	preamble        string
	view            verbs.ViewOptions
}

func (c *connector) flags(fs *pflag.FlagSet) {
	fs.Bool("half-close", true, "close for writing at the end of standard input, and go on reading; under TLS only when it is given, because many servers then discard their answer")
	c.halfClose = fs.Lookup("half-close")
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
	if client.Settings.Messages() {
		return c.joint(e, v, opts.Stats, lines(e)).Once(ctx, client.Talk)
	}
	if client.Web() {
		t := c.joint(e, v, opts.Stats, nil)
		return c.again(ctx, e, t, c.web(e, v, client, t))
	}
	if v.Plain() && !c.crlf && !c.reconnect {
		return c.join(ctx, e, client)
	}
	t := c.joint(e, v, opts.Stats, verbs.ReadAhead(e.Stdin))
	t.End = c.end
	return c.again(ctx, e, t, client.Talk)
}

// again talks over one connection, and with --reconnect over the next ones.
func (c *connector) again(ctx context.Context, e *kit.Env, t *verbs.Joint, open func(context.Context) (io.ReadWriteCloser, error)) error {
	for {
		err := t.Once(ctx, open)
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
	return e.Out.Copied(conn.Join(ctx, e.Stdin, w, &socket.JoinOptions{KeepOpen: !c.half(), HalfClose: c.halfClose.Changed, Idle: e.Silence()}))
}

func (c *connector) half() bool { return c.halfClose.Value.String() == "true" }

// end tells the peer the end of standard input.
func (c *connector) end(conn any) error {
	if !c.half() {
		return nil
	}
	return expect.EndInput(conn, c.halfClose.Changed)
}

func (c *connector) joint(e *kit.Env, v *verbs.TalkView, stats *protocols.Stats, input <-chan []byte) *verbs.Joint {
	return &verbs.Joint{CRLF: c.crlf, Preamble: c.preamble, E: e, V: v, Stats: stats, Idle: e.Silence(), Input: input}
}

// lines reads standard input for a talk in messages: each line is one.
func lines(e *kit.Env) <-chan []byte { return verbs.ReadLines(e.Stdin, socket.MaxDatagram) }

func (c *connector) runDatagram(ctx context.Context, e *kit.Env, _ *socket.Datagram, at *protocols.Target, _ []string) error {
	client, opts, err := verbs.Conversing[*socket.Datagram](e, at)
	if err != nil {
		return err
	}
	return c.joint(e, verbs.NewView(e, c.view), opts.Stats, lines(e)).Once(ctx, client.Talk)
}
