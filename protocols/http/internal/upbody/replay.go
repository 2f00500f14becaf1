package upbody

import (
	"io"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// Buffer is how much of a body that can be read only once is kept, so that it can be
// sent again. Bodies without an Expect header are no longer.
const Buffer = 1 << 20

// Replay is a request's body that may have to go out again. One that can be read only once
// is kept as long as it is short.
type Replay struct {
	body  io.Reader
	seek  io.Seeker // nil: it cannot
	start int64

	mu   sync.Mutex // held while the body is read
	head []byte     // what was read
	at   int        // of head, where reading goes on
	over bool       // more was read than head holds
}

// NewReplay makes one of a body; nil is none.
func NewReplay(body io.Reader) *Replay {
	p := &Replay{body: body}
	if s, ok := body.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			p.seek, p.start = s, at
		}
	}
	return p
}

// Reader returns what to send: the body itself, where the kernel may know it.
func (p *Replay) Reader() io.Reader {
	if p.body == nil || p.seek != nil {
		return p.body
	}
	return p
}

// Read reads a body that can be read only once.
func (p *Replay) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at < len(p.head) {
		n := copy(b, p.head[p.at:])
		p.at += n
		return n, nil
	}
	n, err := p.body.Read(b)
	if p.over = p.over || n > 0 && len(p.head)+n > Buffer; p.over {
		p.head, p.at = nil, 0
	} else {
		p.head = append(p.head, b[:n]...)
		p.at = len(p.head)
	}
	return n, err
}

// Rewind goes back to where the body starts.
func (p *Replay) Rewind() error {
	switch {
	case p.body == nil:
		return nil
	case p.seek != nil:
		_, err := p.seek.Seek(p.start, io.SeekStart)
		return err
	}
	free := p.mu.TryLock() // not while the upload that was stopped still waits for the body
	if free {
		defer p.mu.Unlock()
	}
	if !free || p.over {
		return &protocols.Error{
			Kind: protocols.KindRefused, Retryable: true, Text: "the body would have to be sent again, and it can be read only once",
			Hint: "take it from a file; or give the last URL, and --auth MECHANISM for a login",
		}
	}
	p.at = 0
	return nil
}
