package wire

import (
	"bytes"
	"io"
	"strings"
)

// Style is the reply format of a protocol.
type Style int

// The styles of numeric replies.
const (
	// FTP: "123-" starts a multi-line reply, which ends with a line that starts with the same code and a space.
	// The lines in between are arbitrary (RFC 959 4.2).
	FTP Style = iota
	// SMTP: every line has the code, followed by a hyphen on all but the last (RFC 5321 4.2.1). LMTP too.
	SMTP
	// NNTP: one line (RFC 3977 3.2).
	NNTP
)

// Limits bounds one reply.
type Limits struct {
	Lines int // maximum number of lines; below 1 means DefaultReplyLines
	Bytes int // maximum bytes of all lines without line ends; below 1 means DefaultReplyBytes
}

// The default limits of one reply.
const (
	DefaultReplyLines = 4096
	DefaultReplyBytes = 1 << 20
)

func (l Limits) orDefault() Limits {
	if l.Lines < 1 {
		l.Lines = DefaultReplyLines
	}
	if l.Bytes < 1 {
		l.Bytes = DefaultReplyBytes
	}
	return l
}

// Reply is a numeric reply.
type Reply struct {
	Code  int      // 100 to 599
	Lines []string // the text of each line without the code; an inner line of an FTP reply that has no code is unchanged
}

// Class returns the first digit of the code: 2 is success, 4 a transient and 5 a permanent failure (in SMTP and FTP).
func (r Reply) Class() int { return r.Code / 100 }

// Text returns the lines joined by LF.
func (r Reply) Text() string { return strings.Join(r.Lines, "\n") }

// ReadReply reads one reply. In every style the text may be missing, together with the space before it ("331").
//
// It returns a *SyntaxError for a line that does not fit the style or a code outside 100 to 599, and a *LimitError for
// too many lines or bytes. The error is io.EOF only if the stream ended before the first byte of the reply. After any error the
// connection is out of step.
func ReadReply(lr *LineReader, style Style, limits Limits) (Reply, error) {
	limits = limits.orDefault()
	line, err := lr.ReadLine()
	if err != nil {
		return Reply{}, err
	}
	code, sep, text := splitReply(line)
	if code == 0 || style == NNTP && sep == '-' {
		return Reply{}, syntaxError(line, "a reply code")
	}
	r := Reply{Code: code, Lines: []string{string(text)}}
	size := len(line)
	for more := sep == '-'; more; {
		if line, err = lr.ReadLine(); err != nil {
			return Reply{}, insideReply(err)
		}
		if size += len(line); size > limits.Bytes {
			break
		}
		if len(r.Lines) == limits.Lines {
			return Reply{}, &LimitError{What: "reply", Limit: int64(limits.Lines), Unit: "lines"}
		}
		if text, more, err = style.nextLine(code, line); err != nil {
			return Reply{}, err
		}
		r.Lines = append(r.Lines, string(text))
	}
	if size > limits.Bytes {
		return Reply{}, &LimitError{What: "reply", Limit: int64(limits.Bytes)}
	}
	return r, nil
}

// nextLine parses a line after the first of a reply with this code.
func (s Style) nextLine(code int, line []byte) (text []byte, more bool, err error) {
	got, sep, text := splitReply(line)
	switch {
	case got == code:
		return text, sep == '-', nil
	case s == FTP:
		return line, true, nil
	}
	return nil, false, syntaxError(line, "the same reply code on each line")
}

// splitReply splits "123 text", "123-text" or "123"; sep is ' ', '-' or 0. For a line of another form code is 0.
func splitReply(line []byte) (code int, sep byte, text []byte) {
	if len(line) < 3 || line[0] < '1' || line[0] > '5' || !isDigit(line[1]) || !isDigit(line[2]) {
		return 0, 0, nil
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	switch {
	case len(line) == 3:
		return code, 0, nil
	case line[3] == ' ' || line[3] == '-':
		return code, line[3], line[4:]
	}
	return 0, 0, nil
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// insideReply turns io.EOF into io.ErrUnexpectedEOF.
func insideReply(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Enhanced splits an enhanced status code such as "5.1.1" from the text of a reply line (RFC 2034 4, RFC 3463 2). If
// the text has none, code is "" and rest is the whole line.
func Enhanced(line string) (code, rest string) {
	code, rest, _ = strings.Cut(line, " ")
	class, more, _ := strings.Cut(code, ".")
	subject, detail, _ := strings.Cut(more, ".")
	if len(class) != 1 || !strings.Contains("245", class) || !isShortNumber(subject) || !isShortNumber(detail) {
		return "", line
	}
	return code, rest
}

// isShortNumber reports whether s is one to three digits.
func isShortNumber(s string) bool {
	return len(s) >= 1 && len(s) <= 3 && strings.Trim(s, "0123456789") == ""
}

// Status is a POP3 status line.
type Status struct {
	Mark string // "+OK", "-ERR", or "+" for a challenge (RFC 5034 4)
	Code string // the response code without its brackets: "AUTH", "SYS/TEMP" (RFC 2449 8, RFC 3206); "" if none
	Text string // the rest
}

// OK reports whether the status is "+OK".
func (s Status) OK() bool { return s.Mark == "+OK" }

// ReadStatus reads one POP3 status line. It returns a *SyntaxError for any other line, and io.EOF if the stream ended
// before it.
func ReadStatus(lr *LineReader) (Status, error) {
	line, err := lr.ReadLine()
	if err != nil {
		return Status{}, err
	}
	word, text, _ := bytes.Cut(line, []byte{' '})
	s := Status{Mark: strings.ToUpper(string(word[:min(len(word), len("-ERR")+1)])), Text: string(text)}
	switch s.Mark {
	case "+OK", "-ERR":
		s.Code, s.Text = responseCode(s.Text)
	case "+":
	default:
		return Status{}, syntaxError(line, "+OK or -ERR")
	}
	return s, nil
}

// responseCode splits "[CODE] rest".
func responseCode(text string) (code, rest string) {
	inner, bracketed := strings.CutPrefix(text, "[")
	code, rest, closed := strings.Cut(inner, "]")
	if !bracketed || !closed {
		return "", text
	}
	return code, strings.TrimPrefix(rest, " ")
}
