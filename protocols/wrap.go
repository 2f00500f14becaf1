package protocols

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
)

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
	e.Proto, e.Op, e.URL = either(e.Proto, proto), either(e.Op, op), either(e.URL, url)
	return e
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
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
	{anyOf(syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, net.ErrClosed), KindConnect, true},
	{as[*net.OpError], KindConnect, true},
	{is(errors.ErrUnsupported), KindUsage, false},
	{is(ErrBusy), KindUsage, false},
	{is(ErrClosed), KindUsage, false},
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
