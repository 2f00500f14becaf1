package kit

import (
	"sync"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// Pooled is endpoint with clients that are used again: objects of one server
// that are moved one after the other share a connection.
func (e *Env) Pooled(t *protocols.Target) transfer.Endpoint {
	at := e.endpoint(t)
	key := ServerKey(t)
	e.rest(key)
	at.Open = func() (protocols.Client, error) {
		if c := e.take(key); c != nil {
			return &leased{c, e, key}, nil
		}
		c, err := e.Dial(t)
		if err != nil {
			return nil, err
		}
		return &leased{c, e, key}, nil
	}
	return at
}

// leased is a client of the pool. Close returns it.
type leased struct {
	protocols.Client
	e   *Env
	key string
}

// Unwrap returns the client itself.
func (l *leased) Unwrap() protocols.Client { return l.Client }

func (l *leased) Close() error {
	l.e.Give(l.key, l.Client)
	l.Client = nil
	return nil
}

func (e *Env) take(key string) protocols.Client {
	e.mu.Lock()
	defer e.mu.Unlock()
	idle := e.Idle[key]
	if len(idle) == 0 {
		return nil
	}
	c := idle[len(idle)-1]
	e.Idle[key] = idle[:len(idle)-1]
	return c
}

// Give keeps an idle client for the next who takes one.
func (e *Env) Give(key string, c protocols.Client) {
	if c == nil {
		return // closed twice
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Idle[key] = append(e.Idle[key], c)
}

// rest makes the client that the verb was opened with one that a transfer may take: the
// line of a shell has but one connection where that is enough, and some servers let in no
// second one. Verbs that transfer do not use theirs meanwhile.
func (e *Env) rest(key string) {
	if e.Kept == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.Open[key]; c != nil {
		delete(e.Open, key)
		e.Idle[key] = append(e.Idle[key], c)
	}
}

// Endpoint returns one side of a transfer. The lines of a shell use its connections.
func (e *Env) Endpoint(t *protocols.Target) transfer.Endpoint {
	if e.Kept != nil {
		return e.Pooled(t)
	}
	return e.endpoint(t)
}

func (e *Env) endpoint(t *protocols.Target) transfer.Endpoint {
	return transfer.Endpoint{
		Open: func() (protocols.Client, error) { return e.Dial(t) },
		Name: t.Name, URL: protocols.Redact(t.URL), Protocol: t.Spec.Name,
	}
}

// Foreign returns a target that a server has named as one side of a transfer. Nothing that
// the user gave for another server goes there: no login of flags or a profile, and no client
// certificate. What ~/.netrc or the keyring hold for that host is for it.
func (e *Env) Foreign(t *protocols.Target) transfer.Endpoint {
	options := sync.OnceValue(func() *protocols.Options {
		e.mu.Lock()
		defer e.mu.Unlock()
		o := e.newOptions(t, true)
		if o.TLS.Config != nil {
			o.TLS.Config = o.TLS.Config.Clone()
			o.TLS.Config.Certificates, o.TLS.Config.GetClientCertificate = nil, nil
		}
		return o
	})
	at := e.endpoint(t)
	at.Open = func() (protocols.Client, error) { return e.DialWith(t, options()) }
	return at
}
