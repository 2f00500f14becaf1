package ftp

import (
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

type (
	script = protocoltest.Script
	said   = protocoltest.Step
)

// exchange is a command of a dialogue and its place in a packet.
type exchange struct {
	at, packet, nth, size int // its step, the first one of its packet, and its number there of how many
	verb                  string
}

// slowVerbs may take as long as the idle timeout.
var slowVerbs = []string{"RNTO", "RETR", "STOR", "APPE", "STOU", "LIST", "NLST", "MLSD"}

// careful is the session that follows when the server falls silent in the middle of
// a packet of commands, and when: the login one command at a time, then all of the
// operation that was interrupted.
func careful(s *script, at int) (*script, time.Duration) {
	x, login, run := locate(s.Steps, at)
	if x == nil || x.size == 1 {
		return nil, 0
	}
	first := x.packet < login
	after := maxStalledReply
	switch slow := slices.Contains(slowVerbs, x.verb); {
	case first && x.nth > 0:
		after = maxSecondReply
	case !first && x.nth == 0:
		return nil, 0
	case slow:
		after = protocols.DefaultIdleTimeout
	}
	next := *s
	next.Steps = append(oneByOne(s.Steps[:login]), oneByOne(s.Steps[max(login, run):])...)
	return &next, after
}

// locate finds the command whose reply starts at a step, the step after the login,
// and the step at which the operation began that the command belongs to.
func locate(steps []said, at int) (found *exchange, login, run int) {
	var waiting []exchange
	packet := 0
	for i, st := range steps {
		if st.Mark == "C:" {
			if i == 0 || steps[i-1].Mark != "C:" {
				packet = i
			}
			verb, _, _ := strings.Cut(st.Text, " ")
			waiting = append(waiting, exchange{at: i, packet: packet, nth: i - packet, verb: verb})
			for j := range waiting {
				if waiting[j].packet == packet {
					waiting[j].size = i - packet + 1
				}
			}
			continue
		}
		if st.Mark != "S:" || len(waiting) == 0 {
			continue
		}
		x := waiting[0]
		if i == at {
			found = &x
		}
		if !last(st) {
			continue
		}
		moves := slices.Contains(slowVerbs[1:], x.verb)
		if moves && (st.Text[0] == '1' || st.Text[0] >= '4') && i < at {
			run = i + 1 // what comes next is another operation, or the rest of this one
		}
		waiting = waiting[1:]
		if x.size > 1 && login == 0 && len(waiting) == 0 {
			login = i + 1
		}
	}
	for run > 0 && run < len(steps) && (steps[run].Mark != "C:" || belongs(steps, run)) {
		run++
	}
	return found, login, run
}

// belongs reports whether a command belongs to the operation before: the question whether
// what was refused is a folder, and how large what was stored is.
func belongs(steps []said, at int) bool {
	text := steps[at].Text
	path, asks := strings.CutPrefix(text, "SIZE ")
	before := at - 1
	for before >= 0 && steps[before].Mark != "C:" {
		before--
	}
	return strings.HasPrefix(text, "CWD ") || asks && before >= 0 && steps[before].Text == "STOR "+path
}

func last(st said) bool {
	return len(st.Text) > 3 && st.Text[0] >= '1' && st.Text[0] <= '5' && st.Text[3] == ' '
}

// oneByOne takes packets of commands apart.
func oneByOne(steps []said) []said {
	var out []said
	for i := 0; i < len(steps); {
		n := i
		for n < len(steps) && steps[n].Mark == "C:" {
			n++
		}
		if n-i < 2 {
			out = append(out, steps[i])
			i++
			continue
		}
		rest := steps[n:]
		for _, command := range steps[i:n] {
			var reply []said
			reply, rest = replyTo(rest)
			out = append(append(out, command), reply...)
			if (command.Text == "EPSV" || command.Text == "PASV") && !strings.HasPrefix(reply[0].Text, "5") {
				out, rest = accept(out, rest)
			}
		}
		i = len(steps) - len(rest)
	}
	return out
}

// replyTo cuts the next whole reply out of steps.
func replyTo(steps []said) (reply, rest []said) {
	for i, st := range steps {
		if st.Mark != "S:" {
			rest = append(rest, st)
			continue
		}
		if reply = append(reply, st); last(st) {
			return reply, append(rest, steps[i+1:]...)
		}
	}
	return reply, rest
}

// accept moves the next data connection to where its port has been told.
func accept(out, steps []said) ([]said, []said) {
	i := slices.IndexFunc(steps, func(st said) bool { return strings.HasPrefix(st.Text, "accept ") })
	if i < 0 {
		return out, steps
	}
	return append(out, steps[i]), slices.Delete(slices.Clone(steps), i, i+1)
}
