package verbs

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/roundtrip"
	"github.com/netclients/netclients/protocols"
)

// tripFlags are the flags of a round trip.
type tripFlags struct {
	url, from, to string

	arrives *kit.Env // for the end where it arrives; nil: that of the probe
}

func (f *tripFlags) flags(fs *pflag.FlagSet) {
	fs.StringVar(&f.url, "round-trip", "", "send something, and see that it arrives at `URL`: SMTP to IMAP or POP3; NNTP and files to the URL itself")
	fs.StringVar(&f.to, "to", "", "`ADDRESS` that the message of a round trip goes to; the default is the user where it arrives")
	fs.StringVar(&f.from, "from", "", "`ADDRESS` that it comes from; the default is the one it goes to")
}

// run makes the round trip from a target that is up, where one is wanted.
func (f *tripFlags) run(ctx context.Context, e *kit.Env, t *protocols.Target) ([]roundtrip.Step, error) {
	if f.url == "" {
		return nil, nil
	}
	other := e
	if f.arrives != nil {
		other = f.arrives
	}
	to, err := e.Reg.Parse(f.url, "")
	if err != nil {
		return nil, err
	}
	end := func(e *kit.Env, t *protocols.Target) roundtrip.End {
		return roundtrip.End{Target: t, Open: func() (protocols.Client, error) { return e.DialWith(t, e.OptionsFor(t)) }}
	}
	return roundtrip.Run(ctx, end(e, t), end(other, to), roundtrip.Options{From: f.from, To: f.to})
}
