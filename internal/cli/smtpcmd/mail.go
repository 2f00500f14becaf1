package smtpcmd

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/verbs"
	mailmsg "github.com/netclients/netclients/protocols/message"
	"github.com/netclients/netclients/protocols/smtp"
)

// build makes the message of a letter, signed if it is to be.
func (m *mailer) build(e *kit.Env, l *verbs.Letter) (*mailmsg.Message, error) {
	msg, err := m.Compose(e, l)
	if err != nil || m.dkimKey == "" {
		return msg, err
	}
	key, err := m.key()
	if err != nil {
		return nil, err
	}
	domain := m.dkimDomain
	if domain == "" {
		domain = msg.From[strings.LastIndexByte(msg.From, '@')+1:]
	}
	return msg.Sign(mailmsg.DKIM{Domain: domain, Selector: m.dkimSelector, Key: key})
}

// mail makes what is given to the client: a letter's message with its envelope.
func (m *mailer) mail(e *kit.Env, l *verbs.Letter) (*smtp.Mail, error) {
	msg, err := m.build(e, l)
	if err != nil {
		return nil, err
	}
	to := msg.Recipients
	if l.Finished() && len(l.To) > 0 {
		if to, err = mailmsg.Addresses(slices.Concat(l.To, l.Cc, l.Bcc)...); err != nil {
			return nil, err
		}
	}
	if len(to) == 0 {
		return nil, kit.Usage("the message has no recipient: give --to")
	}
	x := m.options
	x.From, x.To, x.Open, x.Size, x.MessageID = msg.From, to, msg.Open, msg.Size, msg.ID
	if x.From, err = senderOf(l, msg); err != nil {
		return nil, err
	}
	x.Return = strings.ToUpper(x.Return)
	x.DeliverBy = time.Duration(m.deliverBy)
	if m.prioritySet {
		x.Priority = &m.priority
	}
	return &x, nil
}

// senderOf returns the sender of the envelope. A finished message is sent for the
// address of --from even if its header names another one.
func senderOf(l *verbs.Letter, msg *mailmsg.Message) (string, error) {
	switch {
	case l.EnvelopeFrom != nil:
		return *l.EnvelopeFrom, nil
	case l.From != "" && l.Finished():
		from, err := mailmsg.Addresses(l.From)
		if err != nil || len(from) == 0 {
			return "", cmp.Or(err, kit.Usage("--from %q is not an address", l.From))
		}
		return from[0], nil
	case msg.From == "":
		return "", kit.Usage("the message has no sender: give --from, or --envelope-from ('' is the null sender)")
	}
	return msg.From, nil
}
