package smtp

import (
	"context"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/keeper"
	"github.com/netclients/netclients/protocols"
)

// Stage is a point of a session at which a test of a server ends.
type Stage string

// The stages, in their order.
const (
	StageConnect Stage = "connect" // the connection stands, TLS from the start included
	StageBanner  Stage = "banner"  // the greeting came
	StageEhlo    Stage = "ehlo"    // EHLO is answered
	StageTLS     Stage = "tls"     // STARTTLS is done, if it is to be
	StageAuth    Stage = "auth"    // logged in
	StageMail    Stage = "mail"    // MAIL is answered
	StageRcpt    Stage = "rcpt"    // each RCPT is answered
	StageData    Stage = "data"    // DATA is answered; nothing of the message is sent
)

// Stages returns all of them in their order.
func Stages() []Stage {
	return []Stage{StageConnect, StageBanner, StageEhlo, StageTLS, StageAuth, StageMail, StageRcpt, StageData}
}

// Step is what happened at one stage.
type Step struct {
	Stage   Stage
	Command string // without secrets; empty where there is none
	Reply   *protocols.Reply
}

// Until goes through a session up to a stage, says goodbye and closes it; it never
// sends a message. each is called for every step; the error is the first that
// keeps the session from going on. Up to StageAuth m may be nil. It uses a
// connection of its own and waits for each reply.
func (c *Client) Until(ctx context.Context, last Stage, m *Mail, each func(Step)) error {
	at := slices.Index(Stages(), last)
	if at < 0 {
		return c.wrap(protocols.UsageError(proto, "", "there is no stage "+string(last)), "send")
	}
	release, err := c.keeper.Enter(ctx)
	if err == nil {
		err = c.until(ctx, at, m, each)
		release()
	}
	return c.wrap(plain(err), "send")
}

func (c *Client) until(ctx context.Context, last int, m *Mail, each func(Step)) error {
	s, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer s.conn.Close()
	defer s.conn.Use(ctx)()
	each(Step{Stage: StageConnect, Command: s.conn.RemoteAddr().String()})
	w := &walk{s: s, m: m, each: each}
	for i, step := range []func(context.Context) error{w.banner, w.ehlo, w.tls, w.auth, w.mail, w.rcpt, w.data} {
		if i+1 > last {
			break
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	if last != len(Stages())-1 {
		keeper.Goodbye(ctx, s)
	}
	return nil
}

// walk goes from stage to stage.
type walk struct {
	s    *session
	m    *Mail
	env  *envelope
	each func(Step)
}

func (w *walk) banner(context.Context) error {
	err := w.s.welcome()
	if w.s.greeting != nil {
		w.each(Step{StageBanner, "", w.s.greeting})
	}
	return err
}

func (w *walk) ehlo(context.Context) error {
	err := w.s.sayHello()
	if w.s.hello != nil {
		w.each(Step{StageEhlo, "EHLO", w.s.hello})
	}
	return err
}

func (w *walk) tls(ctx context.Context) error {
	clear := w.s.conn.TLS() == nil
	if err := w.s.secure(ctx); err != nil {
		return err
	}
	if clear && w.s.conn.TLS() != nil {
		w.each(Step{StageTLS, "EHLO", w.s.hello})
	}
	return w.s.pose()
}

func (w *walk) auth(ctx context.Context) error {
	if err := w.s.identify(ctx); err != nil {
		return err
	}
	if err := w.s.logIn(); err != nil {
		return err
	}
	if w.s.login > 0 {
		w.each(Step{Stage: StageAuth, Command: "AUTH"})
	}
	return nil
}

func (w *walk) mail(context.Context) error {
	if w.m == nil {
		return protocols.UsageError(proto, "", "this stage needs a sender and a recipient")
	}
	b := &body{}
	var err error
	if w.env, err = w.s.envelope(w.m, b); err != nil {
		return err
	}
	return w.say(StageMail, "MAIL", w.env.mail)
}

func (w *walk) say(stage Stage, verb, args string) error {
	r, err := w.s.cmd(verb, args)
	if err != nil {
		return err
	}
	w.each(Step{stage, strings.TrimSpace(verb + " " + args), r})
	return want(r, 2)
}

// rcpt names all recipients; the first refusal is told when all were named.
func (w *walk) rcpt(context.Context) error {
	var refused error
	for _, to := range w.env.rcpt {
		err := w.say(StageRcpt, "RCPT", to)
		if err != nil && !isRefusal(err) {
			return err
		}
		if refused == nil {
			refused = err
		}
	}
	return refused
}

// data asks for leave to send; the connection is then closed without a message,
// which the server throws away.
func (w *walk) data(context.Context) error {
	r, err := w.s.cmd("DATA")
	if err != nil {
		return err
	}
	w.each(Step{StageData, "DATA", r})
	return want(r, 3)
}
