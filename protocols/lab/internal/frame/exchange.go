package frame

import (
	"github.com/netclients/netclients/protocols/lab/base"
)

// Exchange shows a request and its answer as text to those who watch, where the wire
// carries something else: HTTP/2 and HTTP/3. A nil one does nothing.
type Exchange struct {
	c     *watched
	alone bool // it is a conversation of its own
}

// Exchange begins an exchange with the client at an address. It belongs to the open
// connection from there; without one (QUIC) it is a conversation by itself.
func (f *Frame) Exchange(from string) *Exchange {
	w := f.watch
	if w == nil {
		return nil
	}
	w.mu.Lock()
	number, known := w.open[from]
	if !known {
		w.last++
		number = w.last
	}
	w.mu.Unlock()
	x := &Exchange{&watched{w: w, number: number, channel: "control"}, !known}
	if x.alone {
		x.c.step(base.StepConnect, from, 0)
		x.c.step(base.StepTLS, "TLS handshake", 0)
	}
	return x
}

// Sent shows what the client sent, or a piece of it.
func (x *Exchange) Sent(p []byte) {
	if x != nil {
		x.c.saw(base.StepSend, p)
	}
}

// Received shows what the server answered, or a piece of it.
func (x *Exchange) Received(p []byte) {
	if x != nil {
		x.c.saw(base.StepRecv, p)
	}
}

// Close ends the exchange.
func (x *Exchange) Close() {
	if x == nil {
		return
	}
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	x.c.turn("")
	if x.alone {
		x.c.step(base.StepClose, "", 0)
	}
}
