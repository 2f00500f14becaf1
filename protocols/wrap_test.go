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
		{net.ErrClosed, KindConnect, true},
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
