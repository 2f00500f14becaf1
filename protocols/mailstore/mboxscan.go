package mailstore

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

// place is where a message is in an mbox.
type place struct {
	start int64 // of the line "From "
	body  int64 // after that line
	end   int64 // after the content; the separator follows
}

// span is one message in an mbox.
type span struct {
	place
	from string
}

// fromMark starts the line before each message.
const fromMark = "From "

// maxFrom is how much of a line "From " is looked at.
const maxFrom = 1000

// scan calls each for every message of an mbox that begins at offset at of a file.
// It returns the size of what it has read. Bytes before the first message are an
// error of class errNotMbox.
func scan(r io.Reader, at int64, each func(span) error) (end int64, err error) {
	sc := &scanner{in: bufio.NewReaderSize(r, 256<<10), pos: at, each: each, fresh: true, blank: true}
	for {
		more, err := sc.line()
		if err != nil {
			return sc.pos, err
		}
		if !more {
			return sc.pos, sc.close()
		}
	}
}

// scanner is one scan.
type scanner struct {
	in   *bufio.Reader
	pos  int64
	each func(span) error
	now  span
	open bool // a message has begun

	fresh bool // a line begins
	blank bool // the line before is empty
	tail  int  // bytes of the last line that separate messages, if one begins now
}

// line takes a line, or a part of a long one. more is false at the end of the file.
func (sc *scanner) line() (more bool, err error) {
	line, err := sc.in.ReadSlice('\n')
	if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
		return false, err
	}
	more = err != io.EOF
	begins := false
	if sc.fresh && bytes.HasPrefix(line, []byte(fromMark)) && len(line) <= maxFrom {
		line = bytes.Clone(line) // what follows is looked at
		begins = isFromLine(line) || sc.mayBegin(line)
		begins = begins && bytes.IndexByte(bytes.TrimRight(line, "\r\n"), '\r') < 0 // else lines end in CR alone
	}
	switch {
	case begins:
		if err := sc.close(); err != nil {
			return false, err
		}
		sc.now = span{place: place{start: sc.pos, body: sc.pos + int64(len(line))}, from: string(bytes.TrimRight(line, "\r\n"))}
		sc.open = true
	case !sc.open && len(bytes.TrimSpace(line)) > 0:
		return false, errNotMbox
	}
	sc.take(line, begins)
	return more, nil
}

// take goes past a line.
func (sc *scanner) take(line []byte, begins bool) {
	if len(line) == 0 {
		return
	}
	whole := line[len(line)-1] == '\n'
	sc.blank = sc.fresh && (string(line) == "\n" || string(line) == "\r\n")
	switch {
	case begins || !whole:
		sc.tail = 0
	case isOurs(sc.now.from):
		sc.tail = 1 // we add just that, whatever a message ends with
	case sc.blank:
		sc.tail = len(line)
	default:
		sc.tail = 0 // the line end is the message's own
	}
	sc.pos += int64(len(line))
	sc.fresh = whole
}

// close reports the message that ends here.
func (sc *scanner) close() error {
	if !sc.open {
		return nil
	}
	sc.now.end = sc.pos - int64(sc.tail)
	return sc.each(sc.now)
}

// isFromLine reports whether a line separates messages: "From ", an address, and a
// date with a time in it and a year at its end, or nearly (RFC 4155 A). Lines of a
// text that merely begin so, and which some program did not quote, are none.
func isFromLine(line []byte) bool {
	if !bytes.HasPrefix(line, []byte(fromMark)) || len(line) > maxFrom {
		return false
	}
	f := strings.Fields(string(line[len(fromMark):]))
	for i, word := range f {
		if len(word) >= 5 && word[2] == ':' && isDigits(word[:2]) && isDigits(word[3:5]) {
			for _, later := range f[i+1:] {
				if len(later) == 4 && isDigits(later) {
					return true
				}
			}
		}
	}
	return false
}

// mayBegin reports whether a line that begins with "From " and has no date, or one in
// another form, separates messages all the same, as the lines of some programs do: a
// header follows, and there is an empty line before it or nothing that a text would say.
func (sc *scanner) mayBegin(line []byte) bool {
	f := strings.Fields(string(line[len(fromMark):]))
	bare := len(f) == 0 || len(f) == 1 && (f[0] == "-" || strings.Contains(f[0], "@"))
	if !bare && !(sc.blank && (len(f) == 1 || hasDate(f))) {
		return false
	}
	next, _ := sc.in.Peek(maxFrom)
	name, _, found := bytes.Cut(next, []byte{':'})
	return found && len(name) > 0 && bytes.IndexFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// hasDate reports whether there is a time of day among words, and a year or an address.
func hasDate(words []string) bool {
	clock, year := false, strings.Contains(words[0], "@")
	for i, w := range words {
		if at := strings.IndexByte(w, 'T'); at == len("2006-01-02") {
			w, year = w[at+1:], true
		}
		hour, rest, colon := strings.Cut(w, ":")
		clock = clock || colon && len(hour) <= 2 && isDigits(hour) && isDigits(rest[:min(len(rest), 1)])
		year = year || len(w) >= 4 && isDigits(w[:4]) && (len(w) == 4 || w[4] == '-') || i == len(words)-1 && len(w) == 2 && isDigits(w)
	}
	return clock && year
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// quoter writes a message as an mbox holds it: one ">" more before each line of
// "From " after any number of ">" (mboxrd). It can be undone to the byte.
type quoter struct {
	w     *bufio.Writer
	inner bool // after the begin that decides about a line
	got   int  // bytes of fromMark that were read and not written
}

// Write quotes. Bytes that may begin "From " are held back.
func (q *quoter) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		var n int
		if q.inner {
			if i := bytes.IndexByte(p, '\n'); i >= 0 {
				n, q.inner = i+1, false
			} else {
				n = len(p)
			}
			_, _ = q.w.Write(p[:n])
		} else {
			n = q.start(p[0])
		}
		p = p[n:]
	}
	return total, q.failed()
}

// start takes a byte at the start of a line and returns whether it is used up.
func (q *quoter) start(c byte) int {
	switch {
	case c == '>' && q.got == 0:
		q.w.WriteByte(c)
		return 1
	case c != fromMark[q.got]:
		q.release()
		q.inner = true
		return 0
	}
	if q.got++; q.got == len(fromMark) {
		q.w.WriteByte('>')
		q.release()
		q.inner = true
	}
	return 1
}

// release writes what is held back.
func (q *quoter) release() {
	q.w.WriteString(fromMark[:q.got])
	q.got = 0
}

// failed returns the error of the writer, which keeps it.
func (q *quoter) failed() error {
	_, err := q.w.Write(nil)
	return err
}

// end ends the message and gets ready for the next.
func (q *quoter) end() error {
	q.release()
	q.inner = false
	return q.failed()
}

// unquoter reads a message as it was before quoter.
type unquoter struct {
	in    *bufio.Reader
	out   []byte // to be handed out, in the buffer of in or in marks
	fresh bool   // a line begins
	held  bool   // a ">" that goes if "From " follows
	marks [512]byte
}

// newUnquoter reads size bytes of r. Most messages are far smaller than a large buffer.
func newUnquoter(r io.Reader, size int64) *unquoter {
	return &unquoter{in: bufio.NewReaderSize(r, int(min(max(size, 512), 64<<10))), fresh: true}
}

// Read takes one ">" off quoted lines.
func (u *unquoter) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		var err error
		if u.fresh {
			err = u.start()
		} else {
			err = u.rest()
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

// start takes the ">" at the start of a line. They are all the same, so that the
// last of them can be the one that goes.
func (u *unquoter) start() error {
	for n := 0; n < len(u.marks); n++ {
		c, err := u.in.ReadByte()
		if err == nil && c == '>' {
			u.marks[n] = '>'
			if !u.held {
				u.held = true
				n--
			}
			continue
		}
		if err == nil {
			err = u.in.UnreadByte()
		}
		if err != nil && (err != io.EOF || n == 0 && !u.held) {
			return err
		}
		next, _ := u.in.Peek(len(fromMark))
		if u.held && string(next) != fromMark {
			u.marks[n] = '>'
			n++
		}
		u.out, u.held, u.fresh = u.marks[:n], false, false
		return nil
	}
	u.out = u.marks[:]
	return nil
}

// rest takes the line up to its end, or as far as it is at hand.
func (u *unquoter) rest() error {
	line, err := u.in.ReadSlice('\n')
	if len(line) == 0 {
		return err
	}
	if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
		return err
	}
	u.out, u.fresh = line, line[len(line)-1] == '\n'
	return nil
}
