package protocoltest

import (
	"crypto/sha256"
	"strings"
	"testing"
	"testing/synctest"
)

// lawGolden plays each dialogue as it was recorded.
func lawGolden(t *testing.T, h *Harness) { h.each(t, h.golden(BySegment)) }

// lawDelivery plays each in single bytes, and in the largest pieces there are.
func lawDelivery(t *testing.T, h *Harness) {
	h.each(t, h.golden(ByByte))
	h.each(t, h.golden(AtOnce))
}

func (h *Harness) golden(d Delivery) func(*testing.T, *Dialog) {
	return func(t *testing.T, dialog *Dialog) {
		play := func(t *testing.T) {
			tr := h.try(t, dialog, "as recorded", dialog.script)
			tr.player.Delivery = d
			o, _ := tr.call(t.Context(), dialog.Call)
			if want := dialog.script.want(); o.String() != want.String() {
				tr.errorf("got\n%s\nwant\n%s", o, want)
			}
			tr.end()
		}
		if dialog.script.has("D!", "dial") {
			play(t)
			return
		}
		bubble(t, play)
	}
}

// count counts the server's steps that are played before the call is done: a
// failure after them is not the call's.
func (h *Harness) count(t *testing.T, d *Dialog) {
	bubble(t, func(t *testing.T) {
		tr := h.try(t, d, d.script.Name, d.script)
		tr.call(t.Context(), d.Call)
		synctest.Wait()
		d.needed = min(tr.player.Done(), len(d.script.serverSteps()))
		tr.client.Close()
		tr.player.Close() // the law about them reports differences
	})
}

// reached returns the server's steps that the call needs, and that no dialogue
// before has reached by the same way in this law: recordings of one server start
// alike.
func (h *Harness) reached(d *Dialog) (at []int) {
	steps := d.script.serverSteps()
	steps = steps[:max(d.needed-d.Spare, 0)]
	var way strings.Builder
	next := 0
	for _, i := range steps {
		for ; next <= i; next++ {
			way.WriteString(d.script.Steps[next].String() + "\n")
		}
		if h.seen.add(way.String()) {
			at = append(at, i)
		}
	}
	return at
}

// points runs f for each point at which a server may fail, in a bubble: the
// script up to there, where the client waits for the step at that index.
func (h *Harness) points(t *testing.T, d *Dialog, f func(t *testing.T, where string, upTo int)) {
	for _, at := range h.reached(d) {
		st := d.script.Steps[at]
		bubble(t, func(t *testing.T) { f(t, d.script.Name+":"+itoa(st.Line)+", before "+st.String(), at) })
		if t.Failed() {
			return // the first is enough to look at
		}
	}
}

// set is a set of texts, by their hash.
type set map[[sha256.Size]byte]bool

// add reports whether the text is new.
func (s set) add(text string) bool {
	sum := sha256.Sum256([]byte(text))
	if s[sum] {
		return false
	}
	s[sum] = true
	return true
}
