package protocols

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// Sentinels that an [Error] answers to with [errors.Is], beside those of io/fs,
// context and errors.
var (
	ErrBusy        = errors.New("another operation is still going on with this client")
	ErrClosed      = errors.New("client is closed")
	ErrTooMany     = errors.New("server allows no more connections")
	ErrChanged     = errors.New("object changed on the server")
	ErrIncomplete  = errors.New("listing is incomplete")
	ErrNeedsTLS    = errors.New("server wants TLS first")
	ErrCleartext   = errors.New("refused to send a secret without TLS")
	ErrLoginNeeded = errors.New("server wants a login first")
)

// Error is the one error type that leaves an adapter.
type Error struct {
	Proto     string // protocol, "ftp"
	Op        string // verb, "get"
	URL       string // what it was about, without a password; may be empty
	Kind      Kind   // the class of failure, and the exit code
	Code      int    // the server's reply code; 0 when it has none
	Enhanced  string // enhanced status code, RFC 3463, or a response code word
	Text      string // the server's own words; harmless text is the printer's duty
	Sentinel  error  // sentinel that errors.Is finds: fs.ErrNotExist, ErrTooMany, ...
	Retryable bool   // the same call may succeed when it is made again
	Hint      string // what the user may try; empty when there is nothing to say
	Err       error  // cause; may be nil
}

// Error returns one line: "ftp get host/path: 550 No such file (not found)".
func (e *Error) Error() string {
	var b strings.Builder
	for _, word := range []string{e.Proto, e.Op, shortURL(e.URL)} {
		if word != "" {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(word)
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Message())
	return b.String()
}

// Message returns the error without protocol, verb and URL.
func (e *Error) Message() string {
	if e.Kind == KindInterrupted && e.Text == "" {
		return "interrupted"
	}
	msg := e.Text
	if e.Code != 0 {
		msg = strings.TrimSpace(strconv.Itoa(e.Code) + " " + msg)
	}
	switch {
	case e.Err == nil:
	case e.Text == "": // the cause has the server's words
		msg = strings.TrimSpace(msg + " " + causeText(e.Err))
	default:
		msg += ": " + causeText(e.Err)
	}
	if msg == "" && e.Sentinel != nil {
		return e.Sentinel.Error()
	}
	if msg == "" {
		return e.Kind.String()
	}
	if w := classWord(e.Sentinel); w != "" && !strings.Contains(strings.ToLower(msg), strings.ToLower(w)) {
		msg += " (" + w + ")"
	}
	return msg
}

// causeText: an end that came too soon is told in words.
func causeText(err error) string {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return "the server closed the connection"
	}
	return err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether the error is of the class target: one of this package's
// sentinels, of io/fs's, or what its kind stands for.
func (e *Error) Is(target error) bool {
	if e.Sentinel != nil && errors.Is(e.Sentinel, target) {
		return true
	}
	switch target {
	case context.DeadlineExceeded, os.ErrDeadlineExceeded:
		return e.Kind == KindTimeout
	case context.Canceled:
		return e.Kind == KindInterrupted
	}
	return false
}

func classWord(class error) string {
	switch {
	case class == nil:
		return ""
	case errors.Is(class, fs.ErrNotExist):
		return "not found"
	case errors.Is(class, fs.ErrPermission):
		return "permission denied"
	case errors.Is(class, fs.ErrExist):
		return "exists already"
	case errors.Is(class, errors.ErrUnsupported):
		return "not supported"
	}
	return class.Error()
}

// shortURL drops scheme and user, and returns a file's path as it is: what a person
// wants to see in one line.
func shortURL(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	if path, err := url.PathUnescape(rest); err == nil && scheme == "file" {
		return path
	}
	host, path, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	return strings.TrimSuffix(host+"/"+path, "/")
}

// Errorf-free constructors: the few shapes that every adapter needs.

// UsageError returns an error for an argument or flag that is wrong.
func UsageError(proto, op, text string) *Error {
	return &Error{Proto: proto, Op: op, Kind: KindUsage, Text: text}
}

// Unsupported returns an error for a thing that a protocol or server has not.
// Kind is Usage when the protocol lacks it; adapters whose server lacks it set
// Refused.
func Unsupported(proto, op, text string) *Error {
	return &Error{Proto: proto, Op: op, Kind: KindUsage, Text: text, Sentinel: errors.ErrUnsupported}
}

// ProtocolError returns an error for an answer that breaks the protocol.
func ProtocolError(proto, op, text string) *Error {
	return &Error{Proto: proto, Op: op, Kind: KindProtocol, Text: text}
}

// KindOf returns the kind of any error: OK for nil, the kind of the first [Error]
// in its chain, else what [Wrap] would make of it.
func KindOf(err error) Kind {
	if err == nil {
		return KindOK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return classify(err).Kind
}

// IsRetryable reports whether the call that gave err may be made again with hope.
func IsRetryable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Retryable
}
