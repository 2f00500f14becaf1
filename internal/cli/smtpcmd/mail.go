package smtpcmd

import (
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
	if (l.Raw != nil || l.RawFile != "") && len(l.To) > 0 {
		if to, err = mailmsg.Addresses(slices.Concat(l.To, l.Cc, l.Bcc)...); err != nil {
			return nil, err
		}
	}
	if len(to) == 0 {
		return nil, kit.Usage("the message has no recipient: give --to")
	}
	x := m.options
	x.From, x.To, x.Open, x.Size, x.MessageID = msg.From, to, msg.Open, msg.Size, msg.ID
	if x.From == "" && l.From != "" {
		from, err := mailmsg.Addresses(l.From)
		if err != nil {
			return nil, err
		}
		x.From = from[0]
	}
	if l.EnvelopeFrom != nil {
		x.From = *l.EnvelopeFrom
	}
	x.Return = strings.ToUpper(x.Return)
	x.DeliverBy = time.Duration(m.deliverBy)
	if m.prioritySet {
		x.Priority = &m.priority
	}
	return &x, nil
}
