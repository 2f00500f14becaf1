package smtp

import (
	"errors"
	"io"
	"syscall"

	"github.com/netclients/netclients/protocols"
)

// verdictOf makes the error of a message that has its final answer: nil when all
// recipients were accepted.
func verdictOf(f *flight) error {
	refused := 0
	var firstNo *protocols.Recipient
	for i := range f.receipt.Recipients {
		if p := &f.receipt.Recipients[i]; !p.Accepted {
			refused++
			if firstNo == nil || firstNo.Code == 0 {
				firstNo = p
			}
		}
	}
	switch {
	case f.err != nil:
		if e, ok := errors.AsType[*protocols.Error](f.err); ok && f.complete && f.taken > 0 {
			e.Retryable = false // content went out: a person or a queue decides
		}
		return f.err
	case refused == 0:
		return nil
	case refused < len(f.receipt.Recipients) && f.taken > 0 && f.complete:
		err := partly(f.receipt.Recipients)
		if k := len(f.receipt.Recipients); f.named == k {
			return at(atMessage, err) // with LMTP
		}
		return at(atRcpt, err)
	}
	e := refusal(&protocols.Reply{Code: firstNo.Code, Enhanced: firstNo.Enhanced, Lines: []string{firstNo.Text + " (" + firstNo.Address + ")"}})
	e.Stage = atRcpt
	if f.named > 0 {
		e.Stage = atMessage
	}
	e.Retryable = e.Retryable && f.named == 0 // else content went out, and a person or a queue decides
	return e
}

// salvage sorts what was under way when the connection failed: what the server
// may have accepted is reported as unknown, the rest is given back, with the error
// that the session ends with.
func (k *courier) salvage(cause error) (left []*Mail, err error) {
	told := k.closing != nil && ended(cause)
	left = k.redo
	for i, f := range k.queue {
		f.body.close()
		switch {
		case f.err != nil && !f.risky && !f.closing:
			k.s.answered++
			spoil(f, "not sent")
			k.report(f.m, f.receipt, f.err)
		case told || !f.risky:
			// What the server closed the connection on after a 421 was not carried out.
			left = append(left, f.m)
		default:
			if i == 0 {
				k.s.answered++
			}
			spoil(f, ErrUnknown.Error())
			k.report(f.m, f.receipt, unknown(cause))
		}
	}
	k.queue = nil
	if told {
		cause = k.closing
	}
	return append(left, k.again...), cause
}

// ended: the connection is closed, and did not just fall silent.
func ended(cause error) bool {
	var closing *errClosing
	return errors.As(cause, &closing) || errors.Is(cause, io.EOF) || errors.Is(cause, io.ErrUnexpectedEOF) ||
		errors.Is(cause, syscall.ECONNRESET) || errors.Is(cause, syscall.EPIPE)
}

// unknown is the error of a message that may have been accepted or not.
func unknown(cause error) error {
	return &protocols.Error{Kind: protocols.KindOf(protocols.Wrap(cause, proto, "", "")), Sentinel: ErrUnknown, Err: cause, Stage: atMessage,
		Text: "connection lost after the message was sent and before the server replied: it may have been accepted or not"}
}
