package httpauth

import (
	"context"
	"io"
	"slices"

	"github.com/netclients/netclients/protocols"
)

// Proxy is the login to an HTTP proxy. Its password is asked for and sent only after the
// proxy has asked, by the strongest mechanism that it offers. It is for one goroutine at
// a time.
type Proxy struct {
	// Ask returns the credentials; it is called once.
	Ask func(context.Context) (protocols.Credential, error)

	cred   *protocols.Credential // nil: not asked for
	basic  bool
	digest *Digest
}

// Authorization returns the value of Proxy-Authorization for a request, or nothing before
// the proxy has asked. target is the request target as it is sent; body is as in
// [Digest.Authorization].
func (p *Proxy) Authorization(method, target string, body io.Reader) (string, error) {
	switch {
	case p.digest != nil:
		return p.digest.Authorization(method, target, body, *p.cred)
	case p.basic:
		return Basic(*p.cred), nil
	}
	return "", nil
}

// Challenged takes the Proxy-Authenticate of a 407. It reports whether the request is to be
// made again: false means that the credentials were refused, or that there are none.
func (p *Proxy) Challenged(ctx context.Context, values []string) (again bool, err error) {
	offers := Parse(values)
	d := Strongest(offers)
	switch {
	case p.digest != nil:
		if again = d != nil && d.Renews(p.digest); again {
			p.digest = d
		}
		return again, nil
	case p.basic:
		return false, nil
	}
	if p.cred == nil {
		cred, err := p.Ask(ctx)
		if err != nil {
			return false, err
		}
		p.cred = &cred
	}
	if p.cred.User == "" && p.cred.Password == "" {
		return false, nil
	}
	p.digest = d
	p.basic = d == nil && slices.ContainsFunc(offers, func(c Challenge) bool { return c.Scheme == "basic" })
	return p.basic || p.digest != nil, nil
}

// Accepted notes that the proxy took the login. info is Proxy-Authentication-Info.
func (p *Proxy) Accepted(info string) {
	if p.digest != nil {
		p.digest.Accepted(info)
	}
}
