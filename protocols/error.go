package protocols

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Kind says in one word why an operation failed. Its number is the exit code of
// the command line.
type Kind int

// The kinds of failure, in the order of their exit codes.
const (
	KindOK          Kind = 0
	KindInternal    Kind = 1   // anything that is not one of those below
	KindUsage       Kind = 2   // wrong flags, arguments, URL; a verb the protocol does not support
	KindConnect     Kind = 3   // name not resolved, refused, unreachable, proxy refused
	KindTLS         Kind = 4   // handshake, certificate, TLS asked for but not offered
	KindAuth        Kind = 5   // login refused, no credentials, refused to send them unencrypted
	KindRefused     Kind = 6   // the server's permanent no; not found is among them
	KindTemporary   Kind = 7   // the server's temporary no
	KindTimeout     Kind = 8   // connect, idle or whole
	KindProtocol    Kind = 9   // the answer breaks the protocol, is cut short, or passes a limit
	KindPartial     Kind = 10  // some items done, some failed
	KindLocal       Kind = 11  // the local file system or standard output
	KindInterrupted Kind = 130 // the user's Ctrl-C, or a cancelled context
)

var kindNames = map[Kind]string{
	KindOK: "ok", KindInternal: "internal", KindUsage: "usage", KindConnect: "connect", KindTLS: "tls", KindAuth: "auth",
	KindRefused: "refused", KindTemporary: "temporary", KindTimeout: "timeout", KindProtocol: "protocol", KindPartial: "partial",
	KindLocal: "local", KindInterrupted: "interrupted",
}

// String returns the word used in JSON output, such as "connect".
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return "kind " + strconv.Itoa(int(k))
}

// Exit returns the exit code of a command that ended with this kind, 0 to 255.
func (k Kind) Exit() int { return int(k) }

// kindNamed returns the kind of a word of [Kind.String], or Internal.
func kindNamed(s string) Kind {
	for k, name := range kindNames {
		if name == s {
			return k
		}
	}
	return KindInternal
}

// Sentinels that an [Error] answers to with [errors.Is], beside those of io/fs,
// context and errors.
var (
	ErrBusy        = errors.New("another operation is still going on with this client")
	ErrClosed      = error(closedError{})
	ErrTooMany     = errors.New("server allows no more connections")
	ErrChanged     = errors.New("object changed on the server")
	ErrIncomplete  = errors.New("listing is incomplete")
	ErrNeedsTLS    = errors.New("server wants TLS first")
	ErrCleartext   = errors.New("refused to send a secret without TLS")
	ErrLoginNeeded = errors.New("server wants a login first")
)

// closedError is the type of [ErrClosed], which is also [net.ErrClosed]: what package
// net calls the use of something that this side has closed.
type closedError struct{}

func (closedError) Error() string { return "client is closed" }

func (closedError) Is(target error) bool { return target == net.ErrClosed }

// Error is the one error type that leaves an adapter.
type Error struct {
	Proto     string // protocol, "ftp"
	Op        string // verb, "get"
	URL       string // what it was about, without a password; may be empty
	Kind      Kind   // the class of failure, and the exit code
	Code      int    // the server's reply code; 0 when it has none
	Enhanced  string // enhanced status code, RFC 3463, or a response code word
	Text      string // the server's text; may contain control characters: callers must sanitize it before display
	Sentinel  error  // sentinel that errors.Is finds: fs.ErrNotExist, ErrTooMany, ...
	Retryable bool   // the same call may succeed when it is made again
	Hint      string // what the user may try; empty when there is nothing to say
	Stage     string // of the session, where a protocol has stages: "greeting", "helo", "mail"; may be empty
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

// causeText returns the text of a cause; an unexpected end of the stream in words.
func causeText(err error) string {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return "the server closed the connection"
	}
	return err.Error()
}

// Timeout reports whether a time limit was the reason. With Temporary it makes an
// Error a [net.Error].
func (e *Error) Timeout() bool { return e.Kind == KindTimeout }

// Temporary reports whether the same call may succeed when it is made again.
func (e *Error) Temporary() bool { return e.Retryable || e.Kind == KindTemporary }

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

// Unsupported returns an error for something a protocol or server does not support.
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

// IsRetryable reports whether the call that returned err may succeed when repeated.
func IsRetryable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Retryable
}

// RetryAfter returns how long the server asked to wait before the call that returned
// err is made again, or 0 when it did not. The adapter bounds it.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err); ok {
		return e.RetryAfter()
	}
	return 0
}

// Wrap turns any error into an [Error] that names protocol, verb and URL. An
// Error keeps what it has and gains what it lacks; nil stays nil. It is called
// once, where an exported method returns.
func Wrap(err error, proto, op, url string) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if ok {
		c := *e
		e = &c
	} else {
		c := classify(err)
		e = &c
	}
	e.Proto, e.Op, e.URL = cmp.Or(e.Proto, proto), cmp.Or(e.Op, op), cmp.Or(e.URL, url)
	return e
}

// kinder is implemented by errors of packages below the contract, which cannot
// import it: the word is one of Kind's.
type kinder interface{ ErrorKind() string }

// classify makes an Error of one that has no kind yet. The order matters: an
// interrupted dial is interrupted, not a failure to connect.
func classify(err error) Error {
	for _, rule := range rules {
		if rule.match(err) {
			return Error{Kind: rule.kind, Retryable: rule.retry, Err: err}
		}
	}
	if k, ok := errors.AsType[interface {
		error
		kinder
	}](err); ok {
		return Error{Kind: kindNamed(k.ErrorKind()), Err: err}
	}
	return Error{Kind: KindInternal, Err: err}
}

var rules = []struct {
	match func(error) bool
	kind  Kind
	retry bool
}{
	{is(context.Canceled), KindInterrupted, false},
	{is(context.DeadlineExceeded), KindTimeout, false},
	{isTLS, KindTLS, false},
	{isTimeout, KindTimeout, true},
	{as[*net.DNSError], KindConnect, false},
	{isDial, KindConnect, true},
	{isLocal, KindLocal, false},
	{anyOf(io.EOF, io.ErrUnexpectedEOF), KindProtocol, true},
	{is(net.ErrClosed), KindUsage, false}, // by this side: ErrClosed too
	{anyOf(syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED), KindConnect, true},
	{as[*net.OpError], KindConnect, true},
	{is(errors.ErrUnsupported), KindUsage, false},
	{is(ErrBusy), KindUsage, false},
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func anyOf(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isDial(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "dial"
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// isLocal: an error with a path is the file system's, never the network's.
func isLocal(err error) bool {
	return as[*fs.PathError](err) || as[*os.LinkError](err)
}

func isTLS(err error) bool {
	return as[*tls.CertificateVerificationError](err) || as[tls.RecordHeaderError](err) ||
		as[tls.AlertError](err) || as[x509.UnknownAuthorityError](err) || as[x509.HostnameError](err) ||
		as[x509.CertificateInvalidError](err)
}
