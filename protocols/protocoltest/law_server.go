package protocoltest

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// What a client may take from a server that does not stop. The limits in its
// options are small, so that they are reached soon.
const (
	maxTaken = 1 << 20  // bytes off the connection
	maxAlloc = 16 << 20 // bytes allocated on the way, freed or not
)

// strict returns the dialogue with small limits.
func (d *Dialog) strict() *Dialog {
	c := *d
	c.Options = func(o *protocols.Options) {
		if d.Options != nil {
			d.Options(o)
		}
		o.Limits.Line, o.Limits.Reply, o.Limits.ReplyLines = 8<<10, 32<<10, 500
	}
	return &c
}

// starts reports whether the step is a line of a server that starts a reply: one
// that does not follow another line.
func (s *Script) starts(at int) bool {
	return s.Steps[at].Mark == "S:" && (at == 0 || s.Steps[at-1].Mark != "S:")
}

// heads returns the starts of replies that the law has to try.
func (h *Harness) heads(d *Dialog) []int {
	return slices.DeleteFunc(h.reached(d), func(at int) bool { return !d.script.starts(at) })
}

// hostile plays a script that ends in something bad, and wants an error of kind
// Protocol without delay, little taken and a client that works again.
func (h *Harness) hostile(t *testing.T, d *Dialog, at int, what string, s *Script) {
	where := d.script.Name + ":" + itoa(d.script.Steps[at].Line) + ", " + what + " in place of " + d.script.Steps[at].String()
	bubble(t, func(t *testing.T) {
		tr := h.try(t, d.strict(), where, s, d.script)
		start := time.Now()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		o, err := tr.call(t.Context(), d.Call)
		runtime.ReadMemStats(&after)
		if kind := protocols.KindOf(err); kind != protocols.KindProtocol && kind != protocols.KindTLS {
			tr.errorf("kind %v, want protocol: %v %s", kind, err, o)
		}
		if took := time.Since(start); took > soon {
			tr.errorf("took %v", took)
		}
		if n := tr.player.Written(); n > maxTaken {
			tr.errorf("%d bytes were taken", n)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > maxAlloc {
			tr.errorf("%d bytes were allocated", n)
		}
		tr.again(d)
		tr.end()
	})
}

// lawGarbage sends something that is not a reply, in place of each reply.
func lawGarbage(t *testing.T, h *Harness) {
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		for _, at := range h.heads(d) {
			h.hostile(t, d, at, "garbage", d.script.with(at, Step{Mark: "S:", Text: h.Garbage}, Step{Mark: "S!", Text: "hang"}))
		}
	})
}

// lawFlood sends lines without an end, replies without an end, and one reply
// after the other without an end.
func lawFlood(t *testing.T, h *Harness) {
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		for _, at := range h.reached(d) {
			for what, steps := range h.floods(d, at) {
				h.hostile(t, d, at, what, d.script.with(at, steps...))
			}
		}
	})
}

// floods returns what may come without an end in place of a step.
func (h *Harness) floods(d *Dialog, at int) map[string][]Step {
	st := d.script.Steps[at]
	switch {
	case st.Mark == "D>" && d.script.Header["data"] == "lines":
		return map[string][]Step{"an endless line of data": {{Mark: "D!", Text: `flood x\c`}, {Mark: "S!", Text: "hang"}}}
	case !d.script.starts(at):
		return nil
	}
	f := map[string][]Step{"an endless line": {{Mark: "S:", Text: st.Text[:min(4, len(st.Text))] + `\c`}, {Mark: "S!", Text: `flood x\c`}}}
	if h.Multiline != nil {
		f["an endless reply"] = []Step{{Mark: "S!", Text: "flood " + h.Multiline(st.Text)}}
	}
	return f
}

// oddTexts are put in the place of a line's text.
var oddTexts = []string{`\x00\xff\xfe\xc3\x1b[31m`, ``, `(|||99999|)`, `(((((`, `99999999999999999999`}

// oddCodes are put in the place of a line's code.
var oddCodes = []string{"150", "226", "421"}

// lawOdd says what is a reply, but makes no sense. Whatever the client makes of
// it, it ends, in bounded time and memory, and an error is a right one.
func lawOdd(t *testing.T, h *Harness) {
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		for _, at := range h.heads(d) {
			st := d.script.Steps[at]
			if len(st.Text) < 4 {
				continue
			}
			for _, text := range oddTexts {
				h.odd(t, d, at, d.script.splice(at, Step{Mark: "S:", Text: st.Text[:4] + text}))
			}
			h.odd(t, d, at, d.script.splice(at, st, st))
			if strings.Trim(st.Text[:3], "0123456789") != "" {
				continue
			}
			for _, code := range oddCodes {
				h.odd(t, d, at, d.script.splice(at, Step{Mark: "S:", Text: code + st.Text[3:]}))
			}
			h.odd(t, d, at, d.script.with(at, Step{Mark: "S!", Text: "flood 150 and again"}))
			h.odd(t, d, at, d.script.with(at, Step{Mark: "S!", Text: "flood " + st.Text[:3] + " and again"}))
		}
	})
}

func (h *Harness) odd(t *testing.T, d *Dialog, at int, s *Script) {
	bubble(t, func(t *testing.T) {
		tr := h.try(t, d.strict(), d.script.Name+":"+itoa(d.script.Steps[at].Line)+", with "+s.Steps[at].String(), s)
		start := time.Now()
		tr.call(t.Context(), d.Call)
		if took := time.Since(start); took > 2*protocols.DefaultIdleTimeout {
			tr.errorf("took %v", took)
		}
		if n := tr.player.Written(); n > maxTaken {
			tr.errorf("%d bytes were taken", n)
		}
		tr.client.Close()
		tr.player.Close() // what the client says to an odd server is its own affair
		tr.checkTrace()
	})
}

// lawEarly puts a line after the reply that TLS follows, in the same packet: it
// would be read as if it had come under TLS (CVE-2021-22947).
func lawEarly(t *testing.T, h *Harness) {
	found := false
	h.bubbled(t, func(t *testing.T, d *Dialog) {
		at := slices.IndexFunc(d.script.Steps, func(st Step) bool { return st.Mark == "S!" && st.Text == "starttls" })
		if at < 1 || d.script.Steps[at-1].Mark != "S:" {
			return
		}
		found = true
		bubble(t, func(t *testing.T) {
			injected := d.script.Steps[at-1]
			tr := h.try(t, d, "a line before TLS", d.script.with(at, injected, Step{Mark: "S!", Text: "hang"}), d.script)
			tr.player.Delivery = AtOnce
			_, err := tr.call(t.Context(), d.Call)
			if kind := protocols.KindOf(err); kind != protocols.KindTLS && kind != protocols.KindProtocol {
				tr.errorf("kind %v, want tls: %v", kind, err)
			}
			if last := tr.lastSent(); last != string(lastCommand(d.script.Steps[:at])) {
				tr.errorf("the client went on with %q", last)
			}
			tr.end()
		})
	})
	if !found && upgrades(h.Spec) {
		t.Error("no dialogue with S! starttls, and a scheme with an upgrade to TLS")
	}
}

func upgrades(s *protocols.Spec) bool {
	return slices.ContainsFunc(s.Schemes, func(sc protocols.Scheme) bool {
		return sc.TLS == protocols.TLSUpgrade || sc.TLS == protocols.TLSRequired
	})
}

func lastCommand(steps []Step) []byte {
	for _, st := range slices.Backward(steps) {
		if st.Mark == "C:" {
			return []byte(strings.TrimSuffix(string(st.bytes()), "\r\n"))
		}
	}
	return nil
}

func (tr *trial) lastSent() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, e := range slices.Backward(tr.events) {
		if e.Kind == protocols.EventSend {
			return e.Text
		}
	}
	return ""
}
