package http

import (
	"context"
)

// connection is a connection to one origin that carries one request at a time.
type connection interface {
	// send sends a request and returns the head of the final answer. ctx covers the
	// body too.
	send(ctx context.Context, m *outgoing) (*Response, error)
	// usable reports whether it may carry another request, as far as is known.
	usable() bool
	// ready is usable with a look at the connection. It is asked before a request.
	ready() bool
	close()
	// allowSecret returns an error when no password may be sent over it.
	allowSecret() error
	// private reports whether nobody else can read it: the server is verified, or it is on
	// this machine.
	private() bool
}
