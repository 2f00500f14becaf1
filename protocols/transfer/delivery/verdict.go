package delivery

import (
	"errors"

	"github.com/netclients/netclients/protocols"
)

// refusalOfOne marks an error that says nothing of other messages.
type refusalOfOne struct{ error }

func (r refusalOfOne) Unwrap() error { return r.error }

func ofMessage(err error) bool {
	_, ok := errors.AsType[refusalOfOne](err)
	return ok
}

// lost reports whether an error leaves open what became of a message that was sent whole.
func lost(err error) bool {
	if e, ok := errors.AsType[*protocols.Error](err); ok && e.Code != 0 {
		return false
	}
	switch protocols.KindOf(err) {
	case protocols.KindConnect, protocols.KindTLS, protocols.KindTimeout, protocols.KindProtocol, protocols.KindTemporary:
		return true
	}
	return false
}

// closing is the code of a server that ends the session.
const closing = 421

// refusal returns the error of a delivery. Where the server refused this message, for now or
// for good, the others are delivered all the same. One that knows none of the recipients, or
// refuses before there is a message, refuses them all.
func refusal(err error) error {
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || e.Code == closing {
		return err
	}
	switch e.Kind {
	case protocols.KindPartial:
	case protocols.KindRefused, protocols.KindTemporary:
		if !stages[e.Stage] {
			return err
		}
	default:
		return err
	}
	one := *e
	one.Kind, one.Sentinel, one.Retryable = protocols.KindRefused, nil, false
	return refusalOfOne{&one}
}

// stages are those in which a server speaks of a message. Senders without stages have none.
var stages = map[string]bool{"mail": true, "data": true, "message": true, "": true}

func inDoubtError(err error) error {
	e := &protocols.Error{Kind: protocols.KindRefused, Err: err, Text: "it may have been delivered or not: the answer was lost", Hint: "the next run delivers it again"}
	return refusalOfOne{e}
}
