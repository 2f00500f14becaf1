// Package wsframe is the client's side of the frames of WebSocket (RFC 6455 section 5): a
// stream of messages on a connection that has been upgraded. It holds no message as a
// whole, and a read that a deadline ends loses nothing.
package wsframe

import (
	"bufio"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/netclients/netclients/protocols"
)

// Kind says what messages are sent as.
type Kind int

// The kinds. Auto is text where a message is UTF-8.
const (
	Auto Kind = iota
	Text
	Binary
)

// The opcodes of frames (RFC 6455 5.2).
const (
	opMore   = 0
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

const (
	maxControl = 125      // bytes of a control frame (RFC 6455 5.5)
	maxHeader  = 14       // bytes of a frame's head
	pieceSize  = 32 << 10 // of a message that is masked and written at once
)

// Stream is the messages of a connection. One goroutine may read while another writes.
type Stream struct {
	r    *bufio.Reader
	w    io.Writer
	kind Kind

	left  uint64 // bytes of the frame that is being read
	fin   bool   // it is the last one of its message
	open  bool   // a message has begun and not ended
	text  bool   // it is one of text
	ended bool   // the last Read reached the end of a message
	over  error  // what Read returns from now on; nil: nothing yet

	writing sync.Mutex // holds the writer
	closed  bool       // a close frame was sent
	out     []byte
	replies sync.Mutex // guards owed
	owed    []byte     // an answer that waits for the writer
}

// New makes the stream of an upgraded connection. r holds what came after the upgrade;
// its buffer has 4,096 bytes or more.
func New(r *bufio.Reader, w io.Writer, kind Kind) *Stream { return &Stream{r: r, w: w, kind: kind} }

// Ended reports whether the last Read has reached the end of a message, and whether that
// was one of text.
func (s *Stream) Ended() (end, text bool) { return s.ended, s.text }

// Read reads from one message. At the end of the conversation it returns [io.EOF], or an
// error that holds the peer's reason for ending it.
func (s *Stream) Read(p []byte) (int, error) {
	s.ended = false
	for s.over == nil {
		if s.left == 0 {
			if err := s.frame(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := s.r.Read(p[:min(uint64(len(p)), s.left)])
		s.left -= uint64(n)
		if s.left == 0 && s.fin {
			s.open, s.ended = false, true
		}
		if n > 0 || len(p) == 0 {
			return n, nil // an error comes again
		}
		if err != nil {
			return 0, cutOff(err)
		}
	}
	return 0, s.over
}

// frame reads the head of the next frame, and answers those that are not content. A
// control frame is taken when all of it is there.
func (s *Stream) frame() error {
	b, err := s.r.Peek(2)
	if err != nil {
		return cutOff(err)
	}
	h := head{fin: b[0]&0x80 != 0, op: b[0] & 0x0f, size: uint64(b[1] & 0x7f)}
	control := h.op >= opClose
	switch {
	case b[0]&0x70 != 0:
		return s.broken("a frame with bits of an extension that was not agreed on")
	case b[1]&0x80 != 0:
		return s.broken("a masked frame from a server")
	case control && (!h.fin || h.size > maxControl):
		return s.broken("a control frame in parts, or of more than 125 bytes")
	}
	if err := s.size(&h); err != nil {
		return err
	}
	if control {
		return s.control(h)
	}
	_, _ = s.r.Discard(h.length) // it was peeked at
	return s.content(h)
}

// head is what stands before the bytes of a frame.
type head struct {
	fin    bool
	op     byte
	size   uint64
	length int // of the head itself
}

// size reads the longer forms of a frame's size.
func (s *Stream) size(h *head) error {
	h.length = 2
	switch h.size {
	case 126:
		h.length = 4
	case 127:
		h.length = 10
	default:
		return nil
	}
	b, err := s.r.Peek(h.length)
	if err != nil {
		return cutOff(err)
	}
	if h.length == 4 {
		h.size = uint64(binary.BigEndian.Uint16(b[2:]))
		return nil
	}
	h.size = binary.BigEndian.Uint64(b[2:])
	if h.size>>63 != 0 {
		return s.broken("a frame of more bytes than there are")
	}
	return nil
}

// content begins a frame of a message.
func (s *Stream) content(h head) error {
	switch {
	case h.op == opMore && !s.open:
		return s.broken("a frame that continues no message")
	case h.op != opMore && s.open:
		return s.broken("a message that begins in another one")
	case h.op > opBinary:
		return s.broken(fmt.Sprintf("a frame of the unknown kind %d", h.op))
	}
	if h.op != opMore {
		s.text = h.op == opText
	}
	s.left, s.fin, s.open = h.size, h.fin, !h.fin || h.size > 0
	return nil
}

// control takes a control frame as a whole.
func (s *Stream) control(h head) error {
	b, err := s.r.Peek(h.length + int(h.size))
	if err != nil {
		return cutOff(err)
	}
	payload := append([]byte(nil), b[h.length:]...)
	_, _ = s.r.Discard(len(b)) // it was peeked at
	switch h.op {
	case opPing:
		s.reply(opPong, payload)
	case opPong:
	case opClose:
		return s.farewell(payload)
	default:
		return s.broken(fmt.Sprintf("a frame of the unknown kind %d", h.op))
	}
	return nil
}

// farewell takes the peer's close frame, and answers it.
func (s *Stream) farewell(payload []byte) error {
	code := 1005 // none was given
	if len(payload) >= 2 {
		code = int(binary.BigEndian.Uint16(payload))
		payload = payload[2:]
	} else if len(payload) == 1 {
		return s.broken("a close code of one byte")
	}
	s.over = reason(code, string(payload))
	answer := binary.BigEndian.AppendUint16(nil, uint16(code))
	if code == 1005 {
		answer = nil
	}
	s.reply(opClose, answer)
	return s.over
}

// reply sends an answer; while a message is on its way it waits for its end. An answer to
// an older ping may be left out (RFC 6455 5.5.3).
func (s *Stream) reply(op byte, payload []byte) {
	s.replies.Lock()
	s.owed = append([]byte{op}, payload...)
	s.replies.Unlock()
	s.settle()
}

// settle sends what is owed, if nobody is writing: who writes does it afterwards.
func (s *Stream) settle() {
	for {
		s.replies.Lock()
		owed := s.owed
		s.replies.Unlock()
		if owed == nil || !s.writing.TryLock() {
			return
		}
		s.replies.Lock()
		owed, s.owed = s.owed, nil
		s.replies.Unlock()
		if owed != nil && !s.closed {
			s.closed = owed[0] == opClose
			_ = s.whole(owed[0], owed[1:]) // the connection's end is found by the reader
		}
		s.writing.Unlock()
	}
}

// Write sends p as one message.
func (s *Stream) Write(p []byte) (int, error) {
	defer s.settle()
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return 0, protocols.UsageError("", "send", "the conversation is over")
	}
	op := byte(opBinary)
	if s.kind == Text || s.kind == Auto && utf8.Valid(p) {
		op = opText
	}
	return len(p), s.whole(op, p)
}

// CloseWrite tells the peer that no more comes. What it has sent until then can be read.
func (s *Stream) CloseWrite() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.whole(opClose, binary.BigEndian.AppendUint16(nil, 1000))
}

// whole writes one frame, masked (RFC 6455 5.3).
func (s *Stream) whole(op byte, p []byte) error {
	var mask [4]byte
	rand.Read(mask[:])
	b := append(s.out[:0], 0x80|op)
	switch n := len(p); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, mask[:]...)
	for {
		n := min(len(p), pieceSize) // a multiple of the mask's size, or the rest
		from := len(b)
		b = append(b, p[:n]...)
		for i := from; i < len(b); i += len(mask) {
			subtle.XORBytes(b[i:], b[i:min(len(b), i+len(mask))], mask[:])
		}
		if _, err := s.w.Write(b); err != nil {
			return err
		}
		s.out = b[:0]
		if p, b = p[n:], b[:0]; len(p) == 0 {
			return nil
		}
	}
}

// broken ends the conversation with a peer that breaks the protocol.
func (s *Stream) broken(what string) error {
	s.over = protocols.ProtocolError("", "", "WebSocket: "+what)
	s.reply(opClose, binary.BigEndian.AppendUint16(nil, 1002))
	return s.over
}

// cutOff is the error of an end without a close frame: what came may not be all.
func cutOff(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return protocols.ProtocolError("", "", "the connection ended without WebSocket's goodbye (close frame): what came may not be all")
	}
	return err
}
