package smtp

import "github.com/netclients/netclients/protocols"

// final reads the final answer of the oldest message: one, or one for each recipient that
// was accepted: with LMTP (RFC 2033 4.2), and where PRDR was asked for and the server says
// that they come, with one more for the message.
func (k *courier) final(f *flight) error {
	k.s.patience(finalWithin)
	defer k.s.patience(replyWithin)
	var err error
	switch {
	case k.s.c.lmtp() && f.taken > 0:
		k.s.Expect(f.taken - 1)
		err = k.eachAnswer(f)
	case f.prdr && f.taken > 0:
		err = k.announced(f)
	default:
		err = k.oneAnswer(f)
	}
	if err != nil {
		return err
	}
	k.done(f)
	return nil
}

// eachAnswer reads the answers for the recipients.
func (k *courier) eachAnswer(f *flight) error {
	delivered := 0
	for i := range f.receipt.Recipients {
		p := &f.receipt.Recipients[i]
		if !p.Accepted {
			continue
		}
		r, err := k.verdict()
		if err != nil {
			return err
		}
		*p = recipient(p.Address, r)
		f.final = i + 1
		f.receipt.Reply = *r
		if p.Accepted {
			delivered++
		}
	}
	f.taken = delivered
	return nil
}

// announced reads the answers of a server with PRDR: 353, those for the recipients, and one
// for the message, whose no holds for all. Where it has only one to give that stands alone.
func (k *courier) announced(f *flight) error {
	r, err := k.s.Reply()
	if err != nil {
		return err
	}
	if r.Code != answersFollow {
		if err := k.judge(r); err != nil {
			return err
		}
		f.close(r)
		return nil
	}
	k.s.Expect(f.taken + 1)
	if err := k.eachAnswer(f); err != nil {
		return err
	}
	f.final = 0 // until the message is answered no recipient has it for sure
	if r, err = k.verdict(); err != nil {
		return err
	}
	if f.taken > 0 {
		f.close(r)
	}
	return nil
}

// answersFollow is the code that announces answers for the recipients (PRDR).
const answersFollow = 353

// verdict reads a final answer.
func (k *courier) verdict() (*protocols.Reply, error) {
	r, err := k.s.Reply()
	if err == nil {
		err = k.judge(r)
	}
	return r, err
}

// judge looks at a final answer for what concerns the session.
func (k *courier) judge(r *protocols.Reply) error {
	if outOfStep(r) {
		return k.s.Fail(refusal(r))
	}
	if r.Code == 421 {
		_ = k.close(nil, r)
	}
	return nil
}

// oneAnswer reads the answer that stands for all recipients.
func (k *courier) oneAnswer(f *flight) error {
	r, err := k.verdict()
	if err != nil || f.err != nil || f.taken == 0 {
		return err // or an answer to a message that goes to nobody
	}
	f.close(r)
	return nil
}

// close notes the answer for the whole message.
func (f *flight) close(r *protocols.Reply) {
	f.receipt.Reply = *r
	if r.Code/100 != 2 {
		f.refuse(atMessage, r)
	}
}
