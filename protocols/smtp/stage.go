package smtp

import (
	"context"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/line"
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
	ctx, leave, err := c.line.Enter(ctx)
	if err == nil {
		err = c.until(ctx, at, m, each)
		leave()
	}
	return c.wrap(plain(err), "send")
}

// reached are the stages that the making of a session goes through.
var reached = map[Stage]line.Stage{
	StageConnect: line.Connected, StageBanner: line.Greeted, StageEhlo: line.Learned, StageTLS: line.Secured, StageAuth: line.LoggedIn,
}

func (c *Client) until(ctx context.Context, last int, m *Mail, each func(Step)) error {
	w := &walk{m: m, each: each}
	stop, ok := reached[Stages()[last]]
	if !ok {
		stop = line.LoggedIn
	}
	s, err := c.line.Walk(ctx, stop, w.at)
	w.unsaid(s)
	if err != nil {
		return err
	}
	w.s = s
	defer s.Conn.Close()
	defer s.Conn.Use(ctx)()
	for i, step := range []func() error{w.mail, w.rcpt, w.data} {
		if i+len(reached) > last {
			break
		}
		if err := step(); err != nil {
			return err
		}
	}
	if last != len(Stages())-1 {
		c.line.Goodbye(ctx, s)
	}
	return nil
}

// walk goes from stage to stage.
type walk struct {
	s     *session
	m     *Mail
	env   *envelope
	each  func(Step)
	hello *protocols.Reply // told already
	told  line.Stage       // the last one
}

// at reports a stage that was reached.
func (w *walk) at(stage line.Stage, s *session) error {
	w.told = stage
	switch stage {
	case line.Connected:
		w.each(Step{Stage: StageConnect, Command: s.Conn.RemoteAddr().String()})
	case line.Greeted:
		w.each(Step{StageBanner, "", s.greeting})
	case line.Learned:
		w.hello = s.hello
		w.each(Step{StageEhlo, "EHLO", s.hello})
	case line.Secured:
		if s.hello != w.hello {
			w.each(Step{StageTLS, "EHLO", s.hello})
		}
	case line.LoggedIn:
		if s.loggedIn {
			w.each(Step{Stage: StageAuth, Command: "AUTH"})
		}
	}
	return nil
}

// unsaid reports an answer that ended the walk.
func (w *walk) unsaid(s *session) {
	switch {
	case s == nil:
	case w.told == line.Connected && s.greeting != nil:
		w.each(Step{StageBanner, "", s.greeting})
	case w.told == line.Greeted && s.hello != nil:
		w.each(Step{StageEhlo, "EHLO", s.hello})
	}
}

func (w *walk) mail() error {
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
	r, err := w.s.Cmd(verb, args)
	if err != nil {
		return err
	}
	w.each(Step{stage, strings.TrimSpace(verb + " " + args), r})
	return want(r, 2)
}

// rcpt names all recipients; the first refusal is told when all were named.
func (w *walk) rcpt() error {
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
func (w *walk) data() error {
	r, err := w.s.Cmd("DATA")
	if err != nil {
		return err
	}
	w.each(Step{StageData, "DATA", r})
	return want(r, 3)
}
