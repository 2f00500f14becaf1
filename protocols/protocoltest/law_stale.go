package protocoltest

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// lawStale puts the reply to the next command after the one before, in one packet:
// a client that takes it for the answer believes whoever is in the middle. The next
// command must not even be sent.
func lawStale(t *testing.T, h *Harness) {
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		for _, at := range h.reached(d) {
			next := d.script.askedAt(at)
			if next < 1 || d.script.Steps[next-1].Mark != "S:" || refuses(d.script.Steps[at].Text) {
				continue
			}
			h.stale(t, d, next, at)
		}
	})
}

// refuses reports whether a reply is a no, which nobody is harmed by, and which may be
// a farewell.
func refuses(text string) bool {
	return strings.HasPrefix(text, "-ERR") || strings.HasPrefix(text, "4") || strings.HasPrefix(text, "5")
}

// askedAt returns the index of the first of the commands that stand before the
// server's step at, or 0 where there is none.
func (s *Script) askedAt(at int) int {
	if s.Steps[at].Mark != "S:" {
		return 0
	}
	first := at
	for first > 0 && s.Steps[first-1].Mark == "C:" {
		first--
	}
	if first == at {
		return 0
	}
	return first
}

// stale plays a script up to the command at next, and puts the reply at before it.
func (h *Harness) stale(t *testing.T, d *Dialog, next, at int) {
	surplus := d.script.Steps[at]
	where := d.script.Name + ":" + itoa(d.script.Steps[next].Line) + ", " + surplus.String() + " before " + d.script.Steps[next].String()
	bubble(t, func(t *testing.T) {
		tr := h.try(t, d, where, d.script.with(next, surplus, Step{Mark: "S!", Text: "hang"}), d.script)
		tr.player.Delivery = AtOnce
		start := time.Now()
		o, err := tr.call(t.Context(), d.Call)
		if kind := protocols.KindOf(err); kind != protocols.KindProtocol && kind != protocols.KindTLS || time.Since(start) > soon {
			tr.errorf("after %v kind %v, want protocol: %v %s", time.Since(start), kind, err, o)
		}
		tr.again(d)
		tr.end()
	})
}

// lawEcho lets the server say the password back in each of its replies, in several
// forms, in a success and in a refusal: no error, trace event or result has it.
func lawEcho(t *testing.T, h *Harness) {
	said := strconv.Quote(h.Secret) + " " + h.Secret + " " + base64.StdEncoding.EncodeToString([]byte("\x00alice\x00"+h.Secret))
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		for _, at := range h.heads(d) {
			head, ok := replyHead(d.script.Steps[at].Text)
			if !ok || d.script.askedAt(at) == 0 || !d.script.knows(h.Secret, at) {
				continue
			}
			for _, as := range []string{head, refusedHead(head)} {
				h.odd(t, d, at, d.script.splice(at, Step{Mark: "S:", Text: escape(as + said + "\r\n")}))
			}
		}
	})
}

// knows reports whether the client has sent the secret before step at.
func (s *Script) knows(secret string, at int) bool {
	return slices.ContainsFunc(s.Steps[:at], func(st Step) bool {
		last := st.Text[strings.LastIndexByte(st.Text, ' ')+1:]
		plain, _ := base64.StdEncoding.DecodeString(last)
		return st.Mark == "C:" && (strings.Contains(st.Text, secret) || strings.Contains(string(plain), secret))
	})
}

// replyHead returns what stands before the text of a reply: a code, or words.
func replyHead(text string) (string, bool) {
	switch {
	case len(text) >= 4 && strings.Trim(text[:3], "0123456789") == "" && text[3] == ' ':
		return text[:4], true
	case strings.HasPrefix(text, "+OK"), strings.HasPrefix(text, "-ERR"):
		head, _, _ := strings.Cut(text, " ")
		return head + " ", true
	}
	return "", false
}

func refusedHead(head string) string {
	if strings.HasPrefix(head, "+") || strings.HasPrefix(head, "-") {
		return "-ERR "
	}
	return "535 "
}
