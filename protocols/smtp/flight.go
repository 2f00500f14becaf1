package smtp

import (
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// The bounds of what may be under way on one connection without an answer. The
// replies must fit into the buffers between the two sides, or both would wait.
const (
	maxUnderWay   = 64        // messages
	maxBytesAhead = 256 << 10 // of messages
	maxRcptAhead  = 100       // RCPT commands
)

// flight is one message under way.
type flight struct {
	m       *Mail
	env     *envelope
	body    *body
	receipt *protocols.Receipt
	err     error            // first refusal; the message goes to nobody
	no      *protocols.Reply // first refusal of a recipient

	asked    int   // commands of the envelope that were queued
	taken    int   // recipients accepted
	named    int   // recipients accepted by RCPT
	final    int   // of the recipients, have their final answer (LMTP)
	tooMany  []int // recipients that came too late for this message
	heard    bool  // the envelope is answered
	complete bool  // the end of the content is queued: the final answer is due
	risky    bool  // it may have reached the server
	commands bool  // the content has lines that could be taken for commands
	prdr     bool  // an answer for each recipient was asked for
	early    bool  // content went after the envelope without an answer
	closing  bool  // 421 was among the answers
	bytes    int64 // in memory, ahead of the answers
}

// courier brings messages to one session. The oldest message under way is first
// in the queue; answers come in that order.
type courier struct {
	s       *session
	next    func() (*Mail, bool)
	report  func(*Mail, *protocols.Receipt, error)
	queue   []*flight
	again   []*Mail // to be sent once more on this session: MAIL came too early
	bytes   int64
	buf     []byte // a chunk
	piece   []byte // of what goes into it
	dots    *wire.DotWriter
	closing *errClosing // the server has said 421; what is under way may still be answered
	redo    []*Mail     // what it kept from being sent
	failed  bool        // the message before failed, and left the server in doubt
	pause   bool        // what is under way is to be answered before more is taken
}

// errClosing says that the server has told that it closes the connection.
type errClosing struct{ reply *protocols.Error }

func (e *errClosing) Error() string { return e.reply.Error() }
func (e *errClosing) Unwrap() error { return e.reply }

// run brings all messages. On a failure of the connection it returns those that the
// server cannot have accepted, oldest first; those which it may have accepted are
// reported with an error of class ErrUnknown.
func (k *courier) run() (left []*Mail, err error) {
	for {
		if err = k.fill(); err != nil {
			return k.salvage(err)
		}
		if len(k.queue) == 0 && k.closing == nil {
			return nil, nil
		}
		if len(k.queue) == 0 {
			return k.salvage(k.closing)
		}
		f := k.queue[0]
		if err = k.flush(); err == nil {
			if f.heard {
				err = k.final(f)
			} else {
				err = k.envelope(f)
			}
		}
		if err != nil {
			return k.salvage(err)
		}
	}
}

// flush writes what is queued; from then on the contents are out of our hands.
func (k *courier) flush() error {
	if err := k.s.Ready(); err != nil {
		return err
	}
	for _, f := range k.queue {
		f.risky = f.risky || f.complete
	}
	return k.s.Flush()
}

// close notes that the server has said 421. Nothing new is started; the answers to
// what is under way are still read, since a server that goes on in spite of its
// words must not get a message twice.
func (k *courier) close(f *flight, r *protocols.Reply) error {
	if f != nil {
		f.closing = true
	}
	k.closing = &errClosing{refusal(r)}
	return k.closing
}

// fill starts messages while there is room.
func (k *courier) fill() error {
	for k.room() {
		m, ok := k.take()
		if !ok {
			return nil
		}
		rested := k.pause
		if k.pause = m == nil; k.pause {
			continue
		}
		if err := k.ready(rested); err != nil {
			k.again = append([]*Mail{m}, k.again...)
			return err
		}
		f, err := k.prepare(m)
		if err != nil {
			k.report(m, nil, err)
			continue
		}
		k.queue = append(k.queue, f)
		if err := k.start(f); err != nil {
			return err
		}
	}
	return nil
}

func (k *courier) take() (*Mail, bool) {
	if len(k.again) > 0 {
		m := k.again[0]
		k.again = k.again[1:]
		return m, true
	}
	return k.next()
}

// room: the next message may start when the content of the one before is on its
// way, and not too much is.
func (k *courier) room() bool {
	if k.closing != nil {
		return false
	}
	if len(k.queue) == 0 {
		return true
	}
	if k.pause {
		return false
	}
	last := k.queue[len(k.queue)-1]
	return k.s.pipelined() && last.complete && len(k.again) == 0 && len(k.queue) < maxUnderWay && k.bytes < maxBytesAhead
}

// ready sees to it that a message can be started: on a session that the server has
// not ended while it rested, and with no transaction open.
func (k *courier) ready(rested bool) error {
	if rested && len(k.queue) == 0 {
		if err := k.s.c.line.Look(k.s); err != nil {
			return k.s.Fail(err)
		}
	}
	return k.clear()
}

// clear ends a transaction that was left open.
func (k *courier) clear() error {
	if !k.s.dirty || len(k.queue) > 0 {
		return nil
	}
	k.s.dirty, k.failed = false, false
	r, err := k.s.Cmd("RSET")
	if err == nil && r.Code == 421 {
		return k.close(nil, r)
	}
	return err
}

func (s *session) pipelined() bool { return s.has("PIPELINING") && !s.c.Settings.NoPipelining }

// prepare opens a message and checks it against the server.
func (k *courier) prepare(m *Mail) (*flight, error) {
	s := k.s
	b, err := s.open(m)
	if err != nil {
		return nil, err
	}
	f := &flight{m: m, body: b, receipt: &protocols.Receipt{MessageID: m.MessageID}}
	f.commands = s.chunked(m) && hasCommand(b.head)
	f.prdr = s.answersEach(m)
	if err = s.fits(m, b); err == nil {
		f.env, err = s.envelope(m, b)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return f, nil
}

// start queues as much of a message as may go without an answer.
func (k *courier) start(f *flight) error {
	if !k.s.pipelined() {
		return nil
	}
	if err := k.ask(f, maxRcptAhead); err != nil {
		return err
	}
	if k.chunked(f) && !f.commands && f.body.rest == nil && !k.s.c.Settings.AllOrNone && f.asked == 1+len(f.env.rcpt) {
		f.early = true
		return k.content(f)
	}
	return nil
}

// ask queues commands of the envelope, up to number n counted from 0: MAIL, the
// RCPTs, and DATA where nobody wants to see the answers first.
func (k *courier) ask(f *flight, n int) error {
	for ; f.asked <= min(n, k.steps(f)-1); f.asked++ {
		var err error
		switch {
		case f.asked == 0:
			err = k.s.Queue("MAIL", f.env.mail)
		case f.asked <= len(f.env.rcpt):
			err = k.s.Queue("RCPT", f.env.rcpt[f.asked-1])
		default:
			err = k.s.Queue("DATA")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// steps counts the commands of the envelope; DATA is among them when it may go
// before the answers to the others are known.
func (k *courier) steps(f *flight) int {
	n := 1 + len(f.env.rcpt)
	if k.s.pipelined() && !k.chunked(f) && !k.s.c.Settings.AllOrNone {
		n++
	}
	return n
}

// envelope reads the answers to the envelope of the oldest message and sends its
// content, if that did not go already.
func (k *courier) envelope(f *flight) error {
	for i := 0; i < k.steps(f); i++ {
		if i >= f.asked && k.closing != nil { // nothing more is asked of a server that closes
			f.err, f.closing = k.closing.reply, true
			break
		}
		if i >= f.asked || i+maxRcptAhead/2 >= f.asked && f.asked < k.steps(f) && f.err == nil {
			if i >= f.asked && f.err != nil {
				break // MAIL was refused: no more is asked
			}
			if err := k.more(f, i); err != nil {
				return err
			}
		}
		r, err := k.s.Reply()
		if err != nil {
			return err
		}
		if err := k.heard(f, i, r); err != nil {
			return err
		}
	}
	f.heard, f.named = true, f.taken
	return k.decide(f)
}

// more queues further commands in time.
func (k *courier) more(f *flight, i int) error {
	ahead := i
	if k.s.pipelined() {
		ahead += maxRcptAhead
	}
	if err := k.ask(f, ahead); err != nil {
		return err
	}
	return k.flush()
}

// heard judges the answer to command number i of the envelope.
func (k *courier) heard(f *flight, i int, r *protocols.Reply) error {
	if r.Code == 421 {
		_ = k.close(f, r)
	}
	switch {
	case i <= len(f.env.rcpt) && outOfStep(r):
		return k.s.Fail(refusal(r))
	case i == 0:
		if r.Code/100 != 2 {
			f.receipt.Reply, f.err = *r, refusalAt(atMail, r)
		}
		k.s.dirty = true
	case i <= len(f.env.rcpt):
		if f.err != nil {
			return nil // MAIL was refused, which says it all
		}
		rcpt := recipient(f.m.To[i-1], r)
		f.receipt.Recipients = append(f.receipt.Recipients, rcpt)
		if rcpt.Accepted {
			f.taken++
		} else if f.no == nil {
			f.no = r
		}
		if rcpt.Code == 452 && (rcpt.Enhanced == "" || rcpt.Enhanced == "4.5.3") {
			f.tooMany = append(f.tooMany, i-1)
		}
	default:
		return k.dataAnswer(f, r)
	}
	return nil
}

// outOfStep: what is neither yes nor no answers some other command.
func outOfStep(r *protocols.Reply) bool { return r.Code < 400 && r.Code/100 != 2 }

// dataAnswer judges the answer to DATA. Nothing but 354 lets content out.
func (k *courier) dataAnswer(f *flight, r *protocols.Reply) error {
	switch {
	case r.Code == 354 && (f.err != nil || f.taken == 0):
		// RFC 2920 3.1: the server waits for content in spite of all. The empty
		// message that ends this has no recipients.
		if err := k.s.Queue("."); err != nil {
			return err
		}
		f.complete = true
		return nil
	case r.Code == 354:
		return k.content(f)
	case r.Code/100 == 2 || r.Code/100 == 3:
		return k.s.Fail(refusal(r))
	case f.err == nil && f.taken > 0:
		f.refuse(atData, r)
	}
	return nil
}

// decide goes on after the envelope: with the content, or not at all.
func (k *courier) decide(f *flight) error {
	var err error
	switch {
	case f.complete || f.err != nil || f.taken == 0:
	case k.s.c.Settings.AllOrNone && f.taken < len(f.receipt.Recipients):
		spoil(f, "not sent, since another recipient was refused")
	case k.chunked(f):
		err = k.content(f)
		if err == nil && f.err != nil && f.complete && k.s.c.lmtp() {
			// A chunk was refused: who knows how many answers come to the last one?
			k.done(f)
			return k.s.Fail(f.err)
		}
	case k.steps(f) == 1+len(f.env.rcpt): // DATA was held back
		err = k.holdData(f)
	}
	if err == nil && !f.complete {
		k.done(f)
	}
	return err
}

// holdData asks for leave to send the content, when the envelope is answered.
func (k *courier) holdData(f *flight) error {
	r, err := k.s.Cmd("DATA")
	if err != nil {
		return err
	}
	if r.Code == 421 {
		_ = k.close(f, r)
	}
	return k.dataAnswer(f, r)
}

// refuse notes a no that holds for the whole message.
func (f *flight) refuse(stage string, r *protocols.Reply) {
	f.receipt.Reply, f.err = *r, refusalAt(stage, r)
	for i := range f.receipt.Recipients {
		if p := &f.receipt.Recipients[i]; p.Accepted {
			*p = recipient(p.Address, r)
		}
	}
}

// spoil notes why recipients that were accepted get nothing all the same. Those that
// have their final answer keep it.
func spoil(f *flight, why string) {
	for i := f.final; i < len(f.receipt.Recipients); i++ {
		if p := &f.receipt.Recipients[i]; p.Accepted {
			*p = protocols.Recipient{Address: p.Address, Text: why}
		}
	}
}

// done reports the oldest message and forgets it. One that MAIL refused because
// the message before had left a transaction open comes once more.
func (k *courier) done(f *flight) {
	k.queue = k.queue[1:]
	k.bytes -= f.bytes
	f.body.close()
	tooEarly := k.failed && f.early && f.receipt.Reply.Code == 503 && f.err != nil
	k.failed = f.err != nil || f.taken == 0
	k.s.dirty = k.failed || !f.complete
	if tooEarly {
		k.again = append(k.again, f.m)
		return
	}
	if f.closing && k.failed {
		k.redo = append(k.redo, f.m)
		return
	}
	if f.receipt.Reply.Code == 0 && f.no != nil { // no more was said
		f.receipt.Reply = *f.no
	}
	k.s.answered++
	if m := leftOver(f); m != nil {
		k.again = append(k.again, m)
		return
	}
	k.report(f.m, f.receipt, verdictOf(f))
}
