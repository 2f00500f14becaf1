package verbs

import (
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/delivery"
)

// handingOn is where the messages of a sync go that is a delivery.
type handingOn struct {
	to   []string
	from kit.Optional
}

func (h *handingOn) flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&h.to, "to", nil, "messages to smtp: and lmtp: deliver to the recipient `ADDR`; may be repeated")
	fs.Var(&h.from, "from", "messages to smtp: and lmtp: sender of the envelope; the default is each message's Return-Path, or the null sender")
}

// delivers reports whether a target takes messages on, instead of keeping them.
func delivers(t *protocols.Target) bool { return kit.Is[protocols.Deliverer](kit.Sample(t.Spec)) }

// checkDelivery refuses a delivery that lacks something, and flags that do not go with it.
func (s *Syncer) checkDelivery(from, to *protocols.Target) error {
	given := len(s.to) > 0 || s.from.Value != nil
	if !delivers(to) || !kit.Is[protocols.MessageSource](kit.Sample(from.Spec)) {
		if given {
			return kit.Usage("sync: --to and --from are for messages to smtp: and lmtp:")
		}
		return nil
	}
	switch {
	case s.delete:
		return kit.Usage("sync: --delete is for places that keep messages; what was delivered cannot be deleted (--delete-after deletes from SRC)")
	case kit.IsCommand(to) && given:
		return kit.Usage("sync: --to and --from are for smtp: and lmtp:, not for a command")
	case !kit.IsCommand(to) && len(s.to) == 0:
		return kit.Usage("sync: whom are the messages for? --to ADDR (they are not sent to the addresses in their headers again)")
	}
	return nil
}

// destination returns one side of a transfer: a place, or one that hands messages on.
func (s *Syncer) destination(e *kit.Env, to *protocols.Target) transfer.Endpoint {
	end := e.Endpoint(to)
	if !delivers(to) {
		return end
	}
	open := end.Open
	end.Open = func() (protocols.Client, error) {
		c, err := open()
		if err != nil {
			return nil, err
		}
		o := delivery.Options{To: s.to, Early: kit.IsCommand(to), Warn: e.WarnOnce}
		if s.from.Value != nil {
			o.Sender, o.From = true, *s.from.Value
		}
		if s.journal != "" {
			o.Ledger = s.journal + ".sent"
		}
		if o.Dir, err = kit.StateDir("delivery"); err != nil {
			return nil, err
		}
		return delivery.New(c, end.URL, o)
	}
	return end
}

// pair reads source and destination, which may be a command.
func (s *Syncer) pair(e *kit.Env, args []string) (from, to *protocols.Target, err error) {
	to, is := kit.CommandTarget(args[1], e.Out.Words)
	if !is {
		return e.Pair(args)
	}
	from, err = e.Capable(args[0])
	return from, to, err
}
