package telnet

// The option state machine of RFC 1143, for one option and one side. It answers
// changes only, so that two of them cannot keep each other busy.

// state is where one side of an option stands.
type state uint8

const (
	no state = iota
	yes
	wantNo
	wantYes
)

// side is one side of one option: ours, or the peer's.
type side struct {
	state    state
	opposite bool  // the other state is wanted as soon as the answer has come
	refused  uint8 // how often a wish of the peer was turned down
}

// maxRefusals bounds the answers to a peer that asks again and again for what it
// was refused.
const maxRefusals = 16

// outcome is what a step of the machine asks for.
type outcome uint8

const (
	nothing  outcome = iota
	agree            // send DO or WILL
	disagree         // send DONT or WONT
)

// wish: the peer wants the option on (WILL for its side, DO for ours). changed
// reports that the option is on now and was not.
func (s *side) wish(accept bool) (answer outcome, changed bool) {
	switch s.state {
	case no:
		if accept {
			s.state = yes
			return agree, true
		}
		if s.refused >= maxRefusals {
			return nothing, false
		}
		s.refused++
		return disagree, false
	case wantNo: // an answer that breaks the rules: DONT was answered by WILL
		s.state = no
		if s.opposite {
			s.state, s.opposite = yes, false
			return nothing, true
		}
	case wantYes:
		if s.opposite {
			s.state, s.opposite = wantNo, false
			return disagree, false
		}
		s.state = yes
		return nothing, true
	}
	return nothing, false
}

// refusal: the peer wants the option off, or says no to our wish (WONT, DONT).
// changed reports that the option is off now and was on.
func (s *side) refusal() (answer outcome, changed bool) {
	switch s.state {
	case yes:
		s.state = no
		return disagree, true
	case wantNo:
		if s.opposite {
			s.state, s.opposite = wantYes, false
			return agree, true
		}
		s.state = no
		return nothing, true
	case wantYes:
		s.state, s.opposite = no, false
	}
	return nothing, false
}

// ask: we want the option on, or off. What is under way is waited for.
func (s *side) ask(on bool) outcome {
	switch {
	case on && s.state == no:
		s.state = wantYes
		return agree
	case !on && s.state == yes:
		s.state = wantNo
		return disagree
	case s.state == wantNo:
		s.opposite = on
	case s.state == wantYes:
		s.opposite = !on
	}
	return nothing
}

// on reports whether the option is in force.
func (s *side) on() bool { return s.state == yes }
