package telnet

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// option is one word of a negotiation, from the peer.
func (e *engine) option(verb, option byte) {
	e.tell(Event{Command: verb, Option: option})
	var s *side
	ours := verb == DO || verb == DONT
	yes, no := DO, DONT
	if s = &e.theirs[option]; ours {
		s, yes, no = &e.ours[option], WILL, WONT
	}
	var answer outcome
	changed := false
	on := verb == WILL || verb == DO
	if on {
		answer, changed = s.wish(e.accepts(option, ours))
	} else {
		answer, changed = s.refusal()
	}
	switch answer {
	case agree:
		e.say(yes, option)
	case disagree:
		e.say(no, option)
	}
	if option == TM && ours && on { // a timing mark is answered each time, and never stays on
		s.state = 0
	}
	if changed && on && ours {
		e.begun(option)
	}
	if changed && option == BINARY && !ours {
		e.lastCR = false
	}
}

// say sends a word of a negotiation.
func (e *engine) say(verb, option byte) {
	if e.answer([]byte{IAC, verb, option}) {
		e.tell(Event{Sent: true, Command: verb, Option: option})
	}
}

// ask wants an option on, or off.
func (e *engine) ask(option byte, ours, on bool) {
	s, yes, no := &e.theirs[option], DO, DONT
	if ours {
		s, yes, no = &e.ours[option], WILL, WONT
	}
	switch s.ask(on) {
	case agree:
		e.say(yes, option)
	case disagree:
		e.say(no, option)
	}
}

// accepts reports whether an option may be on when the peer wants it.
func (e *engine) accepts(option byte, ours bool) bool {
	known := e.known(option, ours)
	if e.set.Accept != nil {
		return e.set.Accept(option, ours, known)
	}
	return known
}

func (e *engine) known(option byte, ours bool) bool {
	switch option {
	case SGA, ENDREC, STATUS, CHARSET:
		return true
	case BINARY:
		return e.set.Binary
	case ECHO:
		return !ours
	case TM, TTYPE:
		return ours
	case NAWS:
		return ours && e.window != [2]int{}
	case TSPEED:
		return ours && e.set.Speed != ""
	case NEWENVIRON:
		return ours && len(e.set.Environ) > 0
	case LINEMODE:
		return ours && e.set.LineMode
	case STARTTLS:
		return ours && e.startTLS
	}
	return false
}

// begun does what an option of ours begins with.
func (e *engine) begun(option byte) {
	switch option {
	case NAWS:
		e.tellWindow()
	case STARTTLS:
		e.sendSub(STARTTLS, []byte{follows})
		e.hush = true
	}
}

// Words of subnegotiations.
const (
	subIS      = 0
	subSEND    = 1
	subINFO    = 2
	follows    = 1 // START_TLS
	envVAR     = 0
	envVALUE   = 1
	envESC     = 2
	envUSERVAR = 3

	charsetREQUEST  = 1
	charsetACCEPTED = 2
	charsetREJECTED = 3

	lineMODE    = 1
	lineFORWARD = 2
	lineSLC     = 3
	modeACK     = 4
	slcACK      = 0x80
)

// sendSub sends a subnegotiation.
func (e *engine) sendSub(option byte, data []byte) {
	b := append(make([]byte, 0, len(data)+8), IAC, SB, option)
	b = append(b, bytes.ReplaceAll(data, []byte{IAC}, []byte{IAC, IAC})...)
	if e.answer(append(b, IAC, SE)) {
		e.tell(Event{Sent: true, Command: SB, Option: option, Data: data})
	}
}

// subnegotiation acts on a whole one. One without an option means nothing.
func (e *engine) subnegotiation() {
	if len(e.sub) == 0 {
		return
	}
	option, data := e.sub[0], e.sub[1:]
	e.lastSB = append(e.lastSB[:0], e.sub...)
	e.tell(Event{Command: SB, Option: option, Data: data})
	if e.set.Subnegotiation != nil {
		answer, done := e.set.Subnegotiation(option, data)
		if answer != nil {
			e.sendSub(option, answer)
		}
		if done {
			return
		}
	}
	if handle := handlers[option]; handle != nil && (e.ours[option].on() || e.theirs[option].on()) {
		handle(e, data)
	}
}

// handlers are the options with subnegotiations of their own. Data that makes no
// sense is left without an answer.
var handlers = map[byte]func(e *engine, data []byte){
	TTYPE:      (*engine).terminal,
	TSPEED:     (*engine).speed,
	NEWENVIRON: (*engine).environ,
	CHARSET:    (*engine).charsets,
	STATUS:     (*engine).status,
	LINEMODE:   (*engine).lineMode,
	STARTTLS:   (*engine).followed,
}

func wants(data []byte) bool { return len(data) > 0 && data[0] == subSEND }

// terminal sends the next terminal type; the last one comes twice, then the list
// starts again, RFC 1091 section 6.
func (e *engine) terminal(data []byte) {
	if !wants(data) {
		return
	}
	list := e.set.Terminals
	if len(list) == 0 {
		list = []string{"XTERM"}
	}
	if e.ttype > len(list) {
		e.ttype = 0
	}
	name := list[min(e.ttype, len(list)-1)]
	e.ttype++
	e.sendSub(TTYPE, append([]byte{subIS}, name...))
}

func (e *engine) speed(data []byte) {
	if wants(data) {
		e.sendSub(TSPEED, append([]byte{subIS}, e.set.Speed...))
	}
}

// tellWindow sends the size of the window, RFC 1073.
func (e *engine) tellWindow() {
	w, h := e.window[0], e.window[1]
	e.sendSub(NAWS, []byte{byte(w >> 8), byte(w), byte(h >> 8), byte(h)})
}

// wellKnown are the names of RFC 1572 section 3 that no user chose.
var wellKnown = []string{"USER", "JOB", "ACCT", "PRINTER", "SYSTEMTYPE", "DISPLAY"}

// environ sends the variables that were asked for and that the user has named,
// and no others, RFC 1572.
func (e *engine) environ(data []byte) {
	if !wants(data) {
		return
	}
	asked := environNames(data[1:])
	b := []byte{subIS}
	for _, name := range slices.Sorted(maps.Keys(e.set.Environ)) {
		kind := byte(envUSERVAR)
		if slices.Contains(wellKnown, name) {
			kind = envVAR
		}
		if len(asked) > 0 && !slices.Contains(asked, string(kind)+name) && !slices.Contains(asked, string(kind)) {
			continue
		}
		b = append(appendEnv(append(b, kind), name), envVALUE)
		b = appendEnv(b, e.set.Environ[name])
	}
	e.sendSub(NEWENVIRON, b)
}

// appendEnv escapes the bytes that separate names and values.
func appendEnv(b []byte, text string) []byte {
	for i := range len(text) {
		if text[i] <= envUSERVAR {
			b = append(b, envESC)
		}
		b = append(b, text[i])
	}
	return b
}

// environNames returns the names of a request, each with its kind in front.
func environNames(data []byte) (names []string) {
	var name []byte // empty: none has begun
	for i := 0; i <= len(data); i++ {
		if i == len(data) || data[i] == envVAR || data[i] == envUSERVAR {
			if len(name) > 0 {
				names = append(names, string(name))
			}
			name = append(name[:0], data[i:min(i+1, len(data))]...)
			continue
		}
		if data[i] == envESC && i+1 < len(data) {
			i++
		}
		if len(name) > 0 {
			name = append(name, data[i])
		}
	}
	return names
}

// charsets accepts the first of the server's list that is one of ours, RFC 2066.
func (e *engine) charsets(data []byte) {
	if len(data) < 3 || data[0] != charsetREQUEST {
		return
	}
	accepted := e.set.Charsets
	if len(accepted) == 0 {
		accepted = []string{"UTF-8", "US-ASCII"}
	}
	for name := range strings.SplitSeq(string(data[2:]), string(data[1:2])) {
		for _, ours := range accepted {
			if strings.EqualFold(name, ours) {
				e.charset = name
				e.sendSub(CHARSET, append([]byte{charsetACCEPTED}, name...))
				return
			}
		}
	}
	e.sendSub(CHARSET, []byte{charsetREJECTED})
}

// status reports which options are on, RFC 859.
func (e *engine) status(data []byte) {
	if !wants(data) {
		return
	}
	b := []byte{subIS}
	for o := range 256 {
		if e.ours[o].on() {
			b = append(b, WILL, byte(o))
		}
		if e.theirs[o].on() {
			b = append(b, DO, byte(o))
		}
	}
	e.sendSub(STATUS, b)
}

// lineMode takes the server's mode, and agrees to its special characters, RFC
// 1184. Forwarding masks are refused.
func (e *engine) lineMode(data []byte) {
	switch {
	case len(data) == 2 && data[0] == lineMODE:
		if data[1]&modeACK == 0 && data[1] != e.mode {
			e.mode = data[1]
			e.sendSub(LINEMODE, []byte{lineMODE, data[1] | modeACK})
		}
	case len(data) >= 2 && data[0] == DO && data[1] == lineFORWARD:
		e.sendSub(LINEMODE, []byte{WONT, lineFORWARD})
	case len(data) > 1 && data[0] == lineSLC:
		b := []byte{lineSLC}
		for triple := range slices.Chunk(data[1:], 3) {
			if len(triple) == 3 && triple[0] != 0 && triple[1]&slcACK == 0 {
				b = append(b, triple[0], triple[1]|slcACK, triple[2])
			}
		}
		if len(b) > 1 {
			e.sendSub(LINEMODE, b)
		}
	}
}

// followed: the server is ready for the handshake.
func (e *engine) followed(data []byte) {
	if len(data) == 1 && data[0] == follows && e.ours[STARTTLS].on() {
		e.tls = tlsFollows
	}
}

// describe returns the data of a subnegotiation in words.
func describe(option byte, data []byte) string {
	switch {
	case option == NAWS && len(data) == 4:
		return strconv.Itoa(int(data[0])<<8|int(data[1])) + " " + strconv.Itoa(int(data[2])<<8|int(data[3]))
	case option == STARTTLS && len(data) == 1 && data[0] == follows:
		return "FOLLOWS"
	case option == CHARSET && len(data) > 0 && data[0] >= charsetREQUEST && data[0] <= charsetREJECTED:
		return []string{"REQUEST", "ACCEPTED", "REJECTED"}[data[0]-1] + quoted(data[1:])
	case option == STATUS && len(data) > 0 && data[0] == subIS:
		return "IS" + statusWords(data[1:])
	case (option == TTYPE || option == TSPEED || option == NEWENVIRON || option == STATUS) && len(data) > 0 && data[0] <= subINFO:
		return []string{"IS", "SEND", "INFO"}[data[0]] + quoted(data[1:])
	}
	return strings.TrimSpace(quoted(data))
}

func quoted(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	return " " + strconv.QuoteToASCII(string(data))
}

func statusWords(data []byte) string {
	var b strings.Builder
	for i := 0; i+1 < len(data); i += 2 {
		b.WriteString(" " + CommandName(data[i]) + " " + OptionName(data[i+1]))
	}
	return b.String()
}
