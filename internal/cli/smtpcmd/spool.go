package smtpcmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/spool"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/smtp"
)

// spooled are the options of a message that its entry keeps.
type spooled struct {
	UTF8, AsIs, Binary, PRDR     bool     `json:",omitempty"`
	RequireTLS                   bool     `json:",omitempty"`
	Notify                       []string `json:",omitempty"`
	Return, EnvelopeID, Original string   `json:",omitempty"`
	DeliverBy                    time.Duration
	DeliverOr, Submitter         string   `json:",omitempty"`
	Priority                     *int     `json:",omitempty"`
	MailOptions, RcptOptions     []string `json:",omitempty"`
}

func keepOptions(x *smtp.Mail) (json.RawMessage, error) {
	return json.Marshal(spooled{
		x.UTF8, x.AsIs, x.Binary, x.PRDR, x.RequireTLS, x.Notify, x.Return, x.EnvelopeID, x.Original, x.DeliverBy, x.DeliverOr, x.Submitter, x.Priority, x.MailOptions, x.RcptOptions,
	})
}

// mailOf makes the message of an entry; its content is set by the caller.
func mailOf(en *spool.Entry) (*smtp.Mail, error) {
	var o spooled
	if err := json.Unmarshal(en.Options, &o); err != nil {
		return nil, &protocols.Error{Kind: protocols.KindLocal, Text: "the spool's entry " + en.ID, Err: err}
	}
	return &smtp.Mail{
		From: en.From, To: slices.Clone(en.To), MessageID: en.MessageID, Size: en.Size,
		UTF8: o.UTF8, AsIs: o.AsIs, Binary: o.Binary, PRDR: o.PRDR, RequireTLS: o.RequireTLS, Notify: o.Notify, Return: o.Return, EnvelopeID: o.EnvelopeID, Original: o.Original,
		DeliverBy: o.DeliverBy, DeliverOr: o.DeliverOr, Submitter: o.Submitter, Priority: o.Priority, MailOptions: o.MailOptions, RcptOptions: o.RcptOptions,
	}, nil
}

// courier sends what a spool holds.
type courier struct {
	m      *mailer
	e      *kit.Env
	s      *spool.Spool
	giveUp time.Duration
	now    func() time.Time
}

// spoolMail stores a message in the folder of --spool and tries to send it. What a later
// attempt may help stays there, and is not an error: the message is safe.
func (m *mailer) spoolMail(ctx context.Context, e *kit.Env, at *protocols.Target, x *smtp.Mail) error {
	s, err := spool.Open(m.spool)
	if err != nil {
		return err
	}
	defer s.Close()
	en := spool.Entry{URL: protocols.Redact(at.URL), MX: m.mx, From: x.From, To: x.To, MessageID: x.MessageID, State: spool.Queued, Created: time.Now().UTC(), Next: time.Now().UTC()}
	if en.Options, err = keepOptions(x); err != nil {
		return err
	}
	r, err := x.Open()
	if err != nil {
		return err
	}
	en, err = s.Add(en, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	c := &courier{m: m, e: e, s: s, giveUp: defaultGiveUp, now: time.Now}
	err = c.deliver(ctx, at, &en)
	if en.State == spool.Queued && err != nil && ctx.Err() == nil {
		e.Out.Say(fmt.Sprintf("%s waits in %s for another attempt (%v); netclients smtp flush %s makes it", cmp.Or(en.MessageID, en.ID), m.spool, e.Out.Hidden.Error(err), m.spool))
		return nil
	}
	return err
}

// deliver makes one attempt, tells the result, and stores what became of the message.
func (c *courier) deliver(ctx context.Context, at *protocols.Target, en *spool.Entry) error {
	x, err := mailOf(en)
	if err != nil {
		return err
	}
	var once sync.Once
	var marked error
	x.Open = func() (io.ReadCloser, error) {
		once.Do(func() { // from here on a run that ends without a word leaves the question open
			en.State = spool.Sending
			marked = c.s.Put(*en)
		})
		if marked != nil {
			return nil, marked
		}
		return c.s.Message(*en)
	}
	by, r, err := c.attempt(ctx, at, en, x)
	kept := c.settle(ctx, en, r, err)
	return cmp.Or(kept, c.m.tell(c.e, by, r, err))
}

func (c *courier) attempt(ctx context.Context, at *protocols.Target, en *spool.Entry, x *smtp.Mail) (by way, r *protocols.Receipt, err error) {
	if en.MX {
		return c.m.viaMX(ctx, c.e, at, at.URL.Hostname(), x)
	}
	by.url = en.URL
	client, err := c.e.Dial(at)
	if err != nil {
		return by, nil, err
	}
	defer client.Close()
	s, ok := protocols.As[*smtp.Client](client)
	if !ok {
		return by, nil, kit.Usage("%s is not a server of mail", en.URL)
	}
	r, err = s.SendMail(ctx, x)
	return by, r, protocols.Wrap(err, "smtp", "send", en.URL)
}

// settle stores what an attempt has made of a message: recipients that have it are not
// asked for again.
func (c *courier) settle(ctx context.Context, en *spool.Entry, r *protocols.Receipt, err error) error {
	en.Attempts++
	if r != nil {
		for _, rcpt := range r.Recipients {
			if rcpt.Accepted || rcpt.Code >= 500 {
				en.To = slices.DeleteFunc(en.To, func(a string) bool { return a == rcpt.Address })
			}
			if !rcpt.Accepted && rcpt.Code >= 500 {
				en.Refused = append(en.Refused, rcpt.Address)
			}
		}
	}
	en.Error = ""
	if err != nil {
		en.Error = c.e.Out.Hidden.Error(err).Error()
	}
	switch {
	case err == nil && len(en.Refused) == 0:
		return c.s.Remove(*en)
	case errors.Is(err, smtp.ErrUnknown):
		en.State = spool.Held
	case err == nil, len(en.To) == 0, !mayPass(ctx, err), c.now().Sub(en.Created) > c.giveUp:
		en.State = spool.Failed
	default:
		en.State, en.Next = spool.Queued, c.now().Add(spool.Pause(en.Attempts)).UTC()
	}
	return c.s.Put(*en)
}

// mayPass reports whether a later attempt may end better: after all but a refusal for good
// and a message that nobody can send. Of several recipients those are left whom a server
// has not refused for good.
func mayPass(ctx context.Context, err error) bool {
	if ctx.Err() != nil || protocols.IsRetryable(err) {
		return true
	}
	switch protocols.KindOf(err) {
	case protocols.KindConnect, protocols.KindTLS, protocols.KindAuth, protocols.KindTemporary, protocols.KindTimeout, protocols.KindProtocol, protocols.KindLocal, protocols.KindPartial:
		return true
	}
	return false
}

// defaultGiveUp is how long a message is tried (RFC 5321 4.5.4.1).
const defaultGiveUp = 5 * 24 * time.Hour

// flusher is the verb flush.
type flusher struct {
	m                 *mailer
	now, held, failed bool
	giveUp            kit.Duration
}

func (f *flusher) flags(fs *pflag.FlagSet) {
	f.giveUp = kit.Duration(defaultGiveUp)
	fs.BoolVar(&f.now, "now", false, "send what is not due yet too")
	fs.BoolVar(&f.held, "held", false, "send what may have been accepted before too: it may come twice")
	fs.BoolVar(&f.failed, "failed", false, "send what was given up too")
	fs.Var(&f.giveUp, "give-up", "give a message up that has waited this long")
	f.m.mxFlags(fs)
}

// run sends what is due in each spool.
func (f *flusher) run(ctx context.Context, e *kit.Env, dirs []string) error {
	var tally kit.Tally
	for _, dir := range dirs {
		s, err := spool.Open(dir)
		if err == nil {
			err = errors.Join(f.flush(ctx, e, s, &tally), s.Close())
		}
		if err != nil {
			return err
		}
	}
	return tally.Err()
}

func (f *flusher) flush(ctx context.Context, e *kit.Env, s *spool.Spool, tally *kit.Tally) error {
	all, err := s.Entries(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b spool.Entry) int { return a.Next.Compare(b.Next) })
	c := &courier{m: f.m, e: e, s: s, giveUp: time.Duration(f.giveUp), now: time.Now}
	counts := map[spool.State]int{}
	for i := range all {
		en := &all[i]
		if en.State == spool.Sending {
			en.State, en.Error = spool.Held, "a run ended while the message was on its way: it may have been accepted"
			if err := s.Put(*en); err != nil {
				return err
			}
		}
		if !f.due(en) {
			counts[en.State]++
			continue
		}
		at, err := e.Target(en.URL)
		if err == nil {
			err = c.deliver(ctx, at, en)
		}
		tally.Add(err)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			counts[en.State]++
			e.Tell(err)
		} else {
			counts["sent"]++
		}
	}
	e.Out.Say(countText(counts))
	return nil
}

func (f *flusher) due(en *spool.Entry) bool {
	switch en.State {
	case spool.Queued:
		return f.now || !time.Now().Before(en.Next)
	case spool.Held:
		return f.held
	case spool.Failed:
		return f.failed && len(en.To) > 0
	}
	return false
}

func countText(counts map[spool.State]int) string {
	text := fmt.Sprintf("%d sent, %d waiting", counts["sent"], counts[spool.Queued])
	for _, more := range []spool.State{spool.Held, spool.Failed} {
		if n := counts[more]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, strings.ToLower(string(more)))
		}
	}
	return text
}
