package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/netclients/netclients/protocols"
)

// brief replaces the text of an error, which errors.Is and errors.As still see.
type brief struct {
	text string
	err  error
}

func (b *brief) Error() string { return b.text }
func (b *brief) Unwrap() error { return b.err }

func idleError(d time.Duration) error {
	return &protocols.Error{Kind: protocols.KindTimeout, Retryable: true, Text: "timed out after " + d.String() + " without data"}
}

// networkErrors are the system's errors for a connection, as opposed to a file.
var networkErrors = []error{
	syscall.ECONNRESET, syscall.ECONNABORTED, syscall.ECONNREFUSED, syscall.EPIPE, syscall.ETIMEDOUT,
	syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.ENETRESET, syscall.ENOTCONN, net.ErrClosed,
	io.ErrClosedPipe,
}

func isNetwork(err error) bool {
	for _, e := range networkErrors {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// ioError returns the error for a connection that failed while in use.
func ioError(err error) error {
	if _, ok := errors.AsType[*protocols.Error](err); ok {
		return err
	}
	if errors.Is(err, net.ErrClosed) {
		return closedError()
	}
	texts := []struct {
		is   error
		text string
	}{
		{syscall.ECONNRESET, "connection reset by the peer"},
		{syscall.EPIPE, "connection closed by the peer"},
		{syscall.ETIMEDOUT, "connection lost: the peer stopped responding"},
		{io.ErrClosedPipe, "connection is closed"},
	}
	text := plainNetError(err)
	for _, t := range texts {
		if errors.Is(err, t.is) {
			text = t.text
			break
		}
	}
	return &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Err: &brief{text, err}}
}

// closedError returns the error for a connection that this side has closed.
func closedError() error {
	return &protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}
}

// plainNetError strips the operation and the addresses that package net prepends.
func plainNetError(err error) string {
	if e, ok := errors.AsType[*os.SyscallError](err); ok {
		return e.Err.Error()
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}

// dialError returns the error for an address that could not be connected to.
func dialError(ctx context.Context, err error, address string) error {
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		return e
	}
	if ctx.Err() != nil {
		return causeError(ctx)
	}
	text := "cannot connect to " + address + ": " + plainNetError(err)
	if errors.Is(err, syscall.ECONNREFUSED) {
		text = "connection refused by " + address
	}
	kind := protocols.KindConnect
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		kind = protocols.KindTimeout
	}
	return &protocols.Error{Kind: kind, Retryable: true, Err: &brief{text, err}}
}

// dialErrors combines the errors of several addresses.
func dialErrors(host string, errs []error) error {
	if len(errs) == 1 || protocols.KindOf(errs[0]) == protocols.KindUsage {
		return errs[0]
	}
	kind, texts := protocols.KindConnect, make([]string, 0, 4)
	for i, err := range errs {
		if i == 4 {
			texts = append(texts, fmt.Sprintf("and %d more", len(errs)-i))
			break
		}
		texts = append(texts, err.Error())
	}
	if protocols.KindOf(errs[0]) == protocols.KindTimeout {
		kind = protocols.KindTimeout
	}
	return &protocols.Error{
		Kind: kind, Retryable: true,
		Err: &brief{"cannot connect to any address of " + host + ": " + strings.Join(texts, "; "), errors.Join(errs...)},
	}
}

// resolveError returns the error for a name without an address.
func resolveError(ctx context.Context, err error, host string) error {
	if ctx.Err() != nil {
		return causeError(ctx)
	}
	text, retry := err.Error(), true
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		text, retry = e.Err, !e.IsNotFound
	}
	return &protocols.Error{Kind: protocols.KindConnect, Retryable: retry, Err: &brief{"cannot resolve " + host + ": " + text, err}}
}

func connectTimeout(d time.Duration, what string) error {
	return &protocols.Error{Kind: protocols.KindTimeout, Retryable: true, Text: fmt.Sprintf("%s timed out after %v", what, d)}
}
