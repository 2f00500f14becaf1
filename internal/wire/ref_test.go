package wire

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing/iotest"
)

// refNormalize is Normalize one byte at a time.
func refNormalize(body []byte) (out []byte) {
	for i, b := range body {
		switch {
		case b == '\r':
			out = append(out, "\r\n"...)
		case b == '\n' && i > 0 && body[i-1] == '\r':
		case b == '\n':
			out = append(out, "\r\n"...)
		default:
			out = append(out, b)
		}
	}
	return out
}

// refBare returns the offset of the first bare CR or LF, or -1.
func refBare(body []byte) int {
	for i, b := range body {
		if b == '\r' && (i+1 == len(body) || body[i+1] != '\n') {
			return i
		}
		if b == '\n' && (i == 0 || body[i-1] != '\r') {
			return i
		}
	}
	return -1
}

// refStuff is Exact one byte at a time, with the terminator.
func refStuff(body []byte) (out []byte) {
	lineStart := true
	for _, b := range body {
		if lineStart && b == '.' {
			out = append(out, '.')
		}
		out = append(out, b)
		lineStart = b == '\n' && bytes.HasSuffix(out, []byte("\r\n"))
	}
	if !lineStart {
		out = append(out, "\r\n"...)
	}
	return append(out, ".\r\n"...)
}

// refUnstuff reads a body one byte at a time. It returns what follows the terminator, and false if there is none.
func refUnstuff(in []byte, lenient bool) (body, rest []byte, ok bool) {
	lineStart := true
	for i := 0; i < len(in); i++ {
		if lineStart && in[i] == '.' {
			tail := string(in[i:min(i+3, len(in))])
			if tail == ".\r\n" {
				return body, in[i+3:], true
			}
			if lenient && len(tail) > 1 && tail[:2] == ".\n" {
				return body, in[i+2:], true
			}
			if tail == "." || tail == ".\r" {
				return body, nil, false
			}
			i++
			if in[i] == '\n' { // only when strict: after a dot this does not end a line
				body, lineStart = append(body, '\n'), false
				continue
			}
		}
		body = append(body, in[i])
		lineStart = in[i] == '\n' && (lenient || i > 0 && in[i-1] == '\r')
	}
	return body, nil, false
}

// refLines splits in one byte at a time.
func refLines(in []byte, limit int) (lines []string, err error) {
	var line []byte
	for _, b := range in {
		if b != '\n' {
			line = append(line, b)
			if len(line) > limit && (b != '\r' || len(line) > limit+1) {
				return lines, &LimitError{}
			}
			continue
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		lines = append(lines, string(line))
		line = nil
	}
	if len(line) > 0 {
		return lines, io.ErrUnexpectedEOF
	}
	return lines, io.EOF
}

// randomBody returns up to size bytes, mostly those that matter to dot-stuffing.
func randomBody(rnd *rand.Rand, size int) []byte {
	alphabet := []string{"\r\n", "\r\n", "\r\n.", ".", "\r", "\n", "a", "bc", "\r\n.\r\n", "\n.\n", "..", "\x00"}
	var body []byte
	for n := rnd.IntN(size + 1); len(body) < n; {
		body = append(body, alphabet[rnd.IntN(len(alphabet))]...)
	}
	return body
}

// deliveries are the ways in which the same bytes may arrive.
func deliveries(in []byte) map[string]io.Reader {
	return map[string]io.Reader{
		"whole":   bytes.NewReader(in),
		"bytes":   iotest.OneByteReader(bytes.NewReader(in)),
		"halves":  iotest.HalfReader(bytes.NewReader(in)),
		"dataErr": iotest.DataErrReader(bytes.NewReader(in)),
	}
}

var errTemporary = errors.New("temporary")

// hiccup fails every second read.
type hiccup struct {
	src io.Reader
	odd bool
}

func (h *hiccup) Read(p []byte) (int, error) {
	if h.odd = !h.odd; h.odd {
		return 0, errTemporary
	}
	return h.src.Read(p)
}

// recorder records each Write separately and fails once "after" writes have succeeded.
type recorder struct {
	writes []string
	after  int // fail the write with this index; -1 never
}

func (r *recorder) Write(p []byte) (int, error) {
	if len(r.writes) == r.after {
		return 0, errTemporary
	}
	r.writes = append(r.writes, string(p))
	return len(p), nil
}

func (r *recorder) all() string {
	var b bytes.Buffer
	for _, w := range r.writes {
		b.WriteString(w)
	}
	return b.String()
}
