package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols/socket"
)

// connector is `connect`.
type connector struct {
	halfClose, crlf, reconnect bool
	preamble                   string
	view                       viewOptions
}

func (c *connector) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&c.halfClose, "half-close", true, "close for writing at the end of standard input, and go on reading")
	fs.BoolVar(&c.reconnect, "reconnect", false, "connect again when the peer closes, until standard input ends")
	fs.StringVar(&c.preamble, "preamble", "", "send `TEXT` first on each connection")
	c.viewFlags(fs)
}

func (c *connector) viewFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&c.crlf, "crlf", false, "send each LF as CR LF")
	fs.BoolVar(&c.view.hex, "hex", false, "show both directions as a hex dump")
	fs.BoolVar(&c.view.times, "timestamps", false, "print received lines with the time")
}

func (c *connector) run(ctx context.Context, e *env, _ *socket.Client, _ string, _ []string) error {
	client, opts, err := conversing[*socket.Client](e)
	if err != nil {
		return err
	}
	defer client.Close()
	v := newView(e, c.view)
	if v.plain() && !c.crlf && !c.reconnect {
		return c.join(ctx, e, client)
	}
	t := &joint{crlf: c.crlf, halfClose: c.halfClose, preamble: c.preamble, e: e, v: v, stats: opts.Stats, idle: e.silence(), input: readAhead(e.stdin)}
	for {
		err := t.once(ctx, client.Talk)
		if !c.reconnect || t.over || ctx.Err() != nil || isStdout(err) {
			return err
		}
		if err != nil {
			e.tell(err)
		}
		if !sleep(ctx, time.Duration(e.flags.retryWait)) {
			return ctx.Err()
		}
	}
}

// join is the plain way, on which the kernel copies.
func (c *connector) join(ctx context.Context, e *env, client *socket.Client) error {
	conn, err := client.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	e.out.detail("connected to " + conn.RemoteAddr().String() + " from " + conn.LocalAddr().String())
	w, err := e.out.bytes()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(conn, c.preamble); err != nil {
		return err
	}
	return e.out.copied(conn.Join(ctx, e.stdin, w, &socket.JoinOptions{KeepOpen: !c.halfClose, Idle: e.silence()}))
}

func (c *connector) runDatagram(ctx context.Context, e *env, _ *socket.Datagram, _ string, _ []string) error {
	client, opts, err := conversing[*socket.Datagram](e)
	if err != nil {
		return err
	}
	t := &joint{crlf: c.crlf, halfClose: c.halfClose, preamble: c.preamble, e: e, v: newView(e, c.view), stats: opts.Stats, idle: e.silence(), input: readAhead(e.stdin)}
	return t.once(ctx, client.Talk)
}
