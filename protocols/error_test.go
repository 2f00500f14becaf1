package protocols

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"reflect"
	"syscall"
	"testing"
)

// errNotExist is fs.ErrNotExist, short.
var errNotExist = fs.ErrNotExist

// TestErrorText holds the one line that people see.
func TestErrorText(t *testing.T) {
	for want, e := range map[string]*Error{
		"ftp get host/path: 550 No such file (not found)":      {Proto: "ftp", Op: "get", URL: "ftp://u:pw@host/path", Code: 550, Text: "No such file", Sentinel: fs.ErrNotExist, Kind: KindRefused},
		"file get /a b%41: file does not exist":                {Proto: "file", Op: "get", URL: "file:///a%20b%2541", Sentinel: fs.ErrNotExist},
		"ftp get host/path: 550 /path: not found":              {Proto: "ftp", Op: "get", URL: "ftp://host/path", Code: 550, Text: "/path: not found", Sentinel: fs.ErrNotExist},
		"ftp ls host: 530 Please login":                        {Proto: "ftp", Op: "ls", URL: "ftp://host/", Code: 530, Text: "Please login", Kind: KindAuth},
		"ftp rm [::1]:2121/x: 550 no (permission denied)":      {Proto: "ftp", Op: "rm", URL: "ftp://[::1]:2121/x", Code: 550, Text: "no", Sentinel: fs.ErrPermission},
		"ftp mkdir: 550 no (exists already)":                   {Proto: "ftp", Op: "mkdir", Code: 550, Text: "no", Sentinel: fs.ErrExist},
		"ftp chmod: 502 no (not supported)":                    {Proto: "ftp", Op: "chmod", Code: 502, Text: "no", Sentinel: errors.ErrUnsupported},
		"ftp: 421 busy (server allows no more connections)":    {Proto: "ftp", Code: 421, Text: "busy", Sentinel: ErrTooMany},
		"another operation is still going on with this client": {Sentinel: ErrBusy},
		"connect: broken":                                      {Op: "connect", Err: errors.New("broken")},
		"said: broken":                                         {Text: "said", Err: errors.New("broken")},
		"refused to send a secret without TLS to h":            {Text: "refused to send a secret without TLS to h", Sentinel: ErrCleartext},
		"550":              {Code: 550},
		"news:g: refused":  {URL: "news:g", Kind: KindRefused},
		"temporary":        {Kind: KindTemporary},
		"ftp put: no name": UsageError("ftp", "put", "no name"),
		"ftp get: bad":     ProtocolError("ftp", "get", "bad"),
	} {
		if got := e.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestErrorIs(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		err    *Error
		target error
		want   bool
	}{
		{&Error{Sentinel: fs.ErrNotExist}, fs.ErrNotExist, true},
		{&Error{Sentinel: fs.ErrNotExist}, os.ErrNotExist, true},
		{&Error{Sentinel: fs.ErrNotExist}, fs.ErrPermission, false},
		{Unsupported("ftp", "x", "y"), errors.ErrUnsupported, true},
		{&Error{Sentinel: ErrTooMany}, ErrTooMany, true},
		{&Error{Kind: KindTimeout}, context.DeadlineExceeded, true},
		{&Error{Kind: KindTimeout}, os.ErrDeadlineExceeded, true},
		{&Error{Kind: KindInterrupted}, context.Canceled, true},
		{&Error{Kind: KindRefused}, context.Canceled, false},
		{&Error{Kind: KindRefused}, context.DeadlineExceeded, false},
		{&Error{Err: cause}, cause, true},
	} {
		if got := errors.Is(c.err, c.target); got != c.want {
			t.Errorf("%v is %v: %v, want %v", c.err, c.target, got, c.want)
		}
	}
}

// TestKindIsTheExitCode holds the table of exit codes.
func TestKindIsTheExitCode(t *testing.T) {
	for word, code := range map[string]int{
		"ok": 0, "internal": 1, "usage": 2, "connect": 3, "tls": 4, "auth": 5, "refused": 6, "temporary": 7, "timeout": 8,
		"protocol": 9, "partial": 10, "local": 11, "interrupted": 130,
	} {
		if k := Kind(code); k.String() != word || k.Exit() != code || kindNamed(word) != k {
			t.Errorf("kind %d is %q, want %q", code, k, word)
		}
	}
	if len(kindNames) != 13 || Kind(99).String() != "kind 99" || kindNamed("nosuch") != KindInternal {
		t.Error("kinds beyond the table")
	}
}

// below is an error of a package under the contract.
type below struct{ word string }

func (b below) Error() string     { return "below" }
func (b below) ErrorKind() string { return b.word }

// TestWrapClassifies: each failure that can come from below has its kind, also
// deep in a chain, and the cause stays visible.
func TestWrapClassifies(t *testing.T) {
	op := func(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }
	sys := func(e syscall.Errno) error { return os.NewSyscallError("x", e) }
	for _, c := range []struct {
		err   error
		kind  Kind
		retry bool
	}{
		{context.Canceled, KindInterrupted, false},
		{op("dial", context.Canceled), KindInterrupted, false},
		{context.DeadlineExceeded, KindTimeout, false},
		{op("dial", context.DeadlineExceeded), KindTimeout, false},
		{os.ErrDeadlineExceeded, KindTimeout, true},
		{op("read", os.ErrDeadlineExceeded), KindTimeout, true},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, KindConnect, false},
		{op("dial", &net.DNSError{Err: "no such host"}), KindConnect, false},
		{&net.DNSError{Err: "slow", IsTimeout: true}, KindTimeout, true},
		{op("dial", sys(syscall.ECONNREFUSED)), KindConnect, true},
		{op("dial", sys(syscall.ETIMEDOUT)), KindTimeout, true},
		{op("read", sys(syscall.ECONNRESET)), KindConnect, true},
		{syscall.EPIPE, KindConnect, true},
		{net.ErrClosed, KindUsage, false},
		{op("read", net.ErrClosed), KindUsage, false},
		{op("write", errors.New("odd")), KindConnect, true},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, KindTLS, false},
		{x509.UnknownAuthorityError{}, KindTLS, false},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, KindTLS, false},
		{x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}, KindTLS, false},
		{tls.RecordHeaderError{Msg: "not TLS"}, KindTLS, false},
		{tls.AlertError(40), KindTLS, false},
		{op("remote error", tls.AlertError(40)), KindTLS, false},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOSPC}, KindLocal, false},
		{&os.LinkError{Op: "rename", Err: syscall.EXDEV}, KindLocal, false},
		{io.EOF, KindProtocol, true},
		{io.ErrUnexpectedEOF, KindProtocol, true},
		{errors.ErrUnsupported, KindUsage, false},
		{ErrBusy, KindUsage, false},
		{ErrClosed, KindUsage, false},
		{below{"protocol"}, KindProtocol, false},
		{below{"auth"}, KindAuth, false},
		{below{"no kind"}, KindInternal, false},
		{errors.New("anything"), KindInternal, false},
	} {
		for _, err := range []error{c.err, fmt.Errorf("reading: %w", c.err)} {
			wrapped := Wrap(err, "ftp", "get", "ftp://h/x")
			e, ok := wrapped.(*Error)
			if !ok || e.Kind != c.kind || e.Retryable != c.retry || e.Proto != "ftp" || e.Op != "get" || e.URL != "ftp://h/x" {
				t.Errorf("%T %v: %+v", c.err, err, wrapped)
				continue
			}
			if e.Unwrap() != err || KindOf(err) != c.kind || KindOf(wrapped) != c.kind || IsRetryable(wrapped) != c.retry {
				t.Errorf("%T %v: cause or kind was lost", c.err, err)
			}
		}
	}
}

func TestWrapKeepsWhatIsThere(t *testing.T) {
	if err := Wrap(nil, "a", "b", "c"); err != nil || KindOf(err) != KindOK || IsRetryable(err) {
		t.Errorf("nil became %v", err)
	}
	inner := Error{Op: "stat", Kind: KindRefused, Code: 550, Text: "no", Sentinel: fs.ErrNotExist, Retryable: true, Hint: "h"}
	kept := inner
	got := Wrap(fmt.Errorf("outer: %w", &inner), "ftp", "get", "u")
	want := inner
	want.Proto, want.URL = "ftp", "u"
	if e, ok := got.(*Error); !ok || !reflect.DeepEqual(*e, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !reflect.DeepEqual(inner, kept) {
		t.Errorf("the error that was wrapped has changed: %+v", inner)
	}
	if KindOf(got) != KindRefused || !IsRetryable(got) || !errors.Is(got, fs.ErrNotExist) {
		t.Errorf("%v", got)
	}
}

func TestDefaults(t *testing.T) {
	var none *Options
	if none.ConnectWithin() != DefaultConnectTimeout || none.IdleWithin() != DefaultIdleTimeout {
		t.Error("nil options have no timeouts")
	}
	o := &Options{ConnectTimeout: -1, IdleTimeout: 5}
	if o.ConnectWithin() != 0 || o.IdleWithin() != 5 {
		t.Errorf("%v, %v", o.ConnectWithin(), o.IdleWithin())
	}
	l := Limits{Line: 7}.WithDefaults()
	if l.Line != 7 || l.WithDefaults() != l {
		t.Errorf("%+v", l)
	}
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		if v.Field(i).Int() <= 0 {
			t.Errorf("%s has no default", v.Type().Field(i).Name)
		}
	}
}
