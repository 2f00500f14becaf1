package transfer

import (
	"context"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/pool"
)

// Endpoint is one side of a transfer: how to get clients, and what to name.
type Endpoint struct {
	// Open makes a client. It does no I/O. The engine closes what it opened, and
	// opens as many as it works on at the same time.
	Open func() (protocols.Client, error)
	Name string // what the client's verbs take; empty is the client's own root
	URL  string // for results and messages; never holds a password
	// Protocol appears in results; when both sides have one the remote side's is.
	Protocol string
}

// pool returns a pool of up to limit clients of the endpoint, which stay open until the
// work is done.
func (e Endpoint) pool(limit int, o *Options) *pool.Pool {
	open := func(context.Context) (protocols.Client, error) { return e.Open() }
	return pool.New(open, pool.Config{Max: limit, IdleFor: -1, Regrow: -1, Note: func(text string) { o.note("%s", text) }})
}

// confined returns the endpoint with clients that stay in the tree below its name.
func (e Endpoint) confined() Endpoint {
	open := e.Open
	e.Open = func() (protocols.Client, error) {
		c, err := open()
		if err != nil {
			return nil, err
		}
		if err := protocols.Confine(c, e.Name); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
	return e
}

// At returns the endpoint that a target of a catalog is, for clients with the
// options o; nil means the defaults. setup chooses the settings of each client, such as
//
//	transfer.At(t, o, func(c protocols.Client) error {
//		if f, ok := protocols.As[*ftp.Client](c); ok {
//			f.Settings.Active = true
//		}
//		return nil
//	})
func At(t *protocols.Target, o *protocols.Options, setup ...func(c protocols.Client) error) Endpoint {
	return Endpoint{
		Open: func() (protocols.Client, error) {
			c, err := t.Open(o)
			for i := 0; i < len(setup) && err == nil; i++ {
				if err = setup[i](c); err != nil {
					_ = c.Close() // nothing was done with it
				}
			}
			if err != nil {
				return nil, err
			}
			return c, nil
		},
		Name: t.Name, URL: protocols.Redact(t.URL), Protocol: t.Spec.Name,
	}
}

// Local returns the endpoint of a file or folder of this machine.
func Local(path string) Endpoint {
	return Endpoint{
		Open: func() (protocols.Client, error) { return file.New(path, nil), nil },
		URL:  file.URL(path), Protocol: "file",
	}
}
