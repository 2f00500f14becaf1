package imapwire

import (
	"bufio"
	"bytes"
	"io"
	"strconv"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Input frames what the server sends into responses: a line with the literals
// that belong to it (RFC 3501 4.3). Small literals stay in place; the content of
// messages is handed out as a stream, in the middle of its response.
type Input struct {
	br     *bufio.Reader
	text   []byte // of the response so far, without the last line end
	rest   int64  // bytes of a streamed literal that were not read yet
	tail   int    // where text goes on after the first streamed literal
	more   bool   // the response goes on after a streamed literal
	limits protocols.Limits
}

const inputBuffer = 64 << 10

// NewInput returns an Input that reads from src.
func NewInput(src io.Reader, limits protocols.Limits) *Input {
	return &Input{br: bufio.NewReaderSize(src, inputBuffer), limits: limits}
}

// Next reads the next response. With stream set it stops at a literal of content
// in a FETCH response: size is then 0 or more, Read returns its bytes, and resume
// goes on. size is -1 when the response is complete.
func (in *Input) Next(stream bool) (size int64, err error) {
	in.text, in.rest, in.more, in.tail = in.text[:0], 0, false, 0
	return in.advance(stream)
}

// Resume goes on after a streamed literal, whose rest is dropped.
func (in *Input) Resume() (size int64, err error) {
	if err := in.drop(); err != nil {
		return -1, err
	}
	in.more = false
	return in.advance(true)
}

// drop reads the rest of a streamed literal.
func (in *Input) drop() error {
	_, err := io.CopyN(io.Discard, in.br, in.rest)
	in.rest = 0
	return cutShort(err)
}

// Read returns bytes of the streamed literal, and io.EOF at its end.
func (in *Input) Read(p []byte) (int, error) {
	if in.rest == 0 {
		return 0, io.EOF
	}
	n, err := in.br.Read(p[:min(int64(len(p)), in.rest)])
	in.rest -= int64(n)
	return n, cutShort(err)
}

// cutShort: the stream may end between two responses only.
func cutShort(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (in *Input) advance(stream bool) (int64, error) {
	for {
		if err := in.addLine(); err != nil {
			return -1, err
		}
		size, mark, err := LiteralAt(in.text)
		if err != nil || mark < 0 || isText(in.text) {
			return -1, err
		}
		if stream && isContent(in.text[:mark]) {
			in.text = append(in.text[:mark], "NIL"...) // what is parsed later sees a place holder
			if in.tail == 0 {
				in.tail = len(in.text)
			}
			in.rest, in.more = size, true
			return size, nil
		}
		if err := in.literal(size); err != nil {
			return -1, err
		}
	}
}

// addLine adds a line without its end.
func (in *Input) addLine() error {
	for {
		part, err := in.br.ReadSlice('\n')
		if limit := in.most(part); int64(len(in.text)+len(part)) > limit+2 {
			return &wire.LimitError{What: "response", Limit: limit}
		}
		in.text = append(in.text, part...)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(in.text) > 0:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
		in.text = bytes.TrimSuffix(bytes.TrimSuffix(in.text, []byte{'\n'}), []byte{'\r'})
		return nil
	}
}

// orderBytes bounds the answers to SORT and THREAD, which cannot be asked for in
// parts: one line has a number for each message.
const orderBytes = 24 << 20

// most returns how long the response may become. part is what comes after its text.
func (in *Input) most(part []byte) int64 {
	head := in.text
	if len(head) == 0 {
		head = part
	}
	if bytes.HasPrefix(head, []byte("* SORT ")) || bytes.HasPrefix(head, []byte("* THREAD ")) {
		return max(in.limits.Reply, orderBytes)
	}
	return in.limits.Reply
}

// literal adds a literal in place. Memory grows with what comes, not with what
// is announced.
func (in *Input) literal(size int64) error {
	limit := in.limits.Literal
	if isFetch(in.text) {
		limit = in.limits.Header
	}
	if size > limit {
		return &wire.LimitError{What: "literal", Limit: limit}
	}
	in.text = append(in.text, '\r', '\n')
	for size > 0 {
		n := min(size, inputBuffer)
		at := len(in.text)
		in.text = append(in.text, make([]byte, n)...)
		if _, err := io.ReadFull(in.br, in.text[at:]); err != nil {
			return cutShort(err)
		}
		size -= n
	}
	if int64(len(in.text)) > in.limits.Reply+limit {
		return &wire.LimitError{What: "response", Limit: in.limits.Reply}
	}
	return nil
}

// Left returns how many bytes of a streamed literal were not read yet.
func (in *Input) Left() int64 { return in.rest }

// Open reports whether the response goes on after a streamed literal.
func (in *Input) Open() bool { return in.more }

// Line returns the text of the response so far, literals included. It is valid
// until the next read.
func (in *Input) Line() []byte { return in.text }

// Tail returns what came of the response after the first streamed literal, with NIL in
// place of further ones.
func (in *Input) Tail() []byte { return in.text[in.tail:] }

// Buffered returns how many bytes were received and not read yet. There may be
// none when a connection changes to TLS or compression.
func (in *Input) Buffered() int { return in.br.Buffered() }

// Fill reads more into the buffer: at least a byte, unless there is an error, which is
// [bufio.ErrBufferFull] if there is no room.
func (in *Input) Fill() error {
	_, err := in.br.Peek(in.br.Buffered() + 1)
	return err
}

// Whole reports whether a response lies in the buffer that needs no more bytes.
func (in *Input) Whole() bool {
	held, _ := in.br.Peek(in.br.Buffered())
	for len(held) > 0 {
		line, rest, ended := bytes.Cut(held, []byte{'\n'})
		if !ended {
			return false
		}
		line = bytes.TrimSuffix(line, []byte{'\r'})
		size, mark, err := LiteralAt(line)
		if err != nil || mark < 0 || isText(line) {
			return true
		}
		if size > int64(len(rest)) {
			return false
		}
		held = rest[size:]
	}
	return false
}

// Reset goes on with the bytes of another reader.
func (in *Input) Reset(src io.Reader) { in.br.Reset(src) }

// LiteralAt finds the announcement of a literal at the end of a line, "{5}",
// "{5+}" or "~{5}". mark is where it starts, -1 if there is none.
func LiteralAt(text []byte) (size int64, mark int, err error) {
	if len(text) == 0 || text[len(text)-1] != '}' {
		return 0, -1, nil
	}
	mark = bytes.LastIndexByte(text, '{')
	if mark < 0 {
		return 0, -1, nil
	}
	digits := bytes.TrimSuffix(text[mark+1:len(text)-1], []byte{'+'})
	if len(digits) == 0 || len(bytes.Trim(digits, "0123456789")) > 0 {
		return 0, -1, nil
	}
	size, err = strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return 0, mark, protocols.ProtocolError(proto, "", "literal of an impossible size: "+wire.Clip(string(digits)))
	}
	if mark > 0 && text[mark-1] == '~' {
		mark--
	}
	return size, mark, nil
}

// isText reports whether a response ends in free text, in which braces mean
// nothing: continuations, status responses, and all tagged ones.
func isText(text []byte) bool {
	rest, untagged := bytes.CutPrefix(text, []byte("* "))
	if !untagged {
		return true
	}
	word, _, _ := bytes.Cut(rest, []byte{' '})
	switch string(bytes.ToUpper(word)) {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		return true
	}
	return false
}

// isFetch reports whether text starts a FETCH response.
func isFetch(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte("* "))
	_, rest, more := bytes.Cut(rest, []byte{' '})
	return ok && more && len(rest) >= 6 && bytes.EqualFold(rest[:6], []byte("FETCH "))
}

// isContent reports whether the value that follows head is content: BODY[...],
// BINARY[...], RFC822.
func isContent(head []byte) bool {
	if !isFetch(head) {
		return false
	}
	head = bytes.TrimRight(head, " ")
	i := max(bytes.LastIndexByte(head, ' '), bytes.LastIndexByte(head, '('))
	last := bytes.ToUpper(head[i+1:])
	return bytes.HasSuffix(last, []byte("]")) || bytes.HasSuffix(last, []byte(">")) || bytes.HasPrefix(last, []byte("RFC822"))
}
