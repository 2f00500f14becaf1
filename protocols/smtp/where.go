package smtp

import (
	"errors"

	"github.com/netclients/netclients/protocols"
)

// The stages of a session that an error may name, in their order.
const (
	atGreeting = "greeting"
	atHelo     = "helo"
	atSTARTTLS = "starttls"
	atAuth     = "auth"
	atMail     = "mail"
	atRcpt     = "rcpt"
	atData     = "data"
	atMessage  = "message" // the content, and the answer to it
)

// at returns an error that names the stage, unless it names one already.
func at(stage string, err error) error {
	e, ok := errors.AsType[*protocols.Error](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		errors.As(protocols.Wrap(err, proto, "", ""), &e)
	case e.Stage != "":
		return err
	}
	own := *e
	own.Stage = stage
	return &own
}

// refusalAt is refusal for a reply at a stage.
func refusalAt(stage string, r *protocols.Reply) *protocols.Error {
	e := refusal(r)
	e.Stage = stage
	return e
}
