package smtp

import (
	"errors"
	"fmt"

	"github.com/netclients/netclients/protocols"
)

// rest is what a message leaves to a second one: servers take so many recipients
// at a time, and say 452 to the others (RFC 5321 4.5.3.1.10).
type rest struct {
	of      *Mail
	receipt *protocols.Receipt // of those who got it already
	at      []int              // where in it the recipients of the second message stand
}

// leftOver returns a second message for the recipients that were too many, or nil.
func leftOver(f *flight) *Mail {
	if !f.complete || f.err != nil || f.taken == 0 {
		return nil
	}
	r := &rest{of: f.m, receipt: f.receipt}
	m := *f.m
	m.To = nil
	for _, i := range f.tooMany {
		m.To = append(m.To, f.m.To[i])
		r.at = append(r.at, i)
	}
	if len(m.To) == 0 {
		return nil
	}
	m.rest = r
	return &m
}

// merge puts the second message's result into that of the first.
func (r *rest) merge(second *protocols.Receipt, err error) (*protocols.Receipt, error) {
	if second != nil {
		for i, p := range second.Recipients {
			r.receipt.Recipients[r.at[i]] = p
		}
	}
	if errors.Is(err, ErrUnknown) {
		return r.receipt, err
	}
	return r.receipt, partly(r.receipt.Recipients)
}

// partly is the error of a message that some recipients got: nil when all did.
func partly(all []protocols.Recipient) error {
	refused, first := 0, protocols.Recipient{}
	for _, p := range all {
		if p.Accepted {
			continue
		}
		if refused++; first.Code == 0 {
			first = p
		}
	}
	if refused == 0 {
		return nil
	}
	return &protocols.Error{Kind: protocols.KindPartial, Code: first.Code, Enhanced: first.Enhanced,
		Text: fmt.Sprintf("%s %s: %d of %d recipients refused, the first %s", first.Enhanced, first.Text, refused, len(all), first.Address)}
}
