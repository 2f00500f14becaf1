package cli

import (
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// pooled is endpoint with clients that are used again: objects of one server
// that are moved one after the other share a connection.
func (e *env) pooled(t *protocols.Target) transfer.Endpoint {
	at := e.endpoint(t)
	key := serverKey(t)
	at.Open = func() (protocols.Client, error) {
		if c := e.take(key); c != nil {
			return &leased{c, e, key}, nil
		}
		c, err := e.dial(t)
		if err != nil {
			return nil, err
		}
		return &leased{c, e, key}, nil
	}
	return at
}

// leased is a client of the pool. Close gives it back.
type leased struct {
	protocols.Client
	e   *env
	key string
}

// Unwrap returns the client itself.
func (l *leased) Unwrap() protocols.Client { return l.Client }

func (l *leased) Close() error {
	l.e.give(l.key, l.Client)
	l.Client = nil
	return nil
}

func (e *env) take(key string) protocols.Client {
	e.mu.Lock()
	defer e.mu.Unlock()
	idle := e.idle[key]
	if len(idle) == 0 {
		return nil
	}
	c := idle[len(idle)-1]
	e.idle[key] = idle[:len(idle)-1]
	return c
}

func (e *env) give(key string, c protocols.Client) {
	if c == nil {
		return // closed twice
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idle[key] = append(e.idle[key], c)
}

// endpoint returns one side of a transfer.
func (e *env) endpoint(t *protocols.Target) transfer.Endpoint {
	return transfer.Endpoint{
		Open: func() (protocols.Client, error) { return e.dial(t) },
		Name: t.Name, URL: protocols.Redact(t.URL), Protocol: t.Spec.Name,
	}
}
