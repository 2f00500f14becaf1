package httpcmd

import (
	"cmp"
	"context"
	nethttp "net/http"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// asCurl are the letters of curl on cat and get: -I asks for the head alone, -i prints
// the head before the content, -X names the method. The verb request has all the rest.
type asCurl struct {
	head, include bool
	method        string
}

func (a *asCurl) flags(fs *pflag.FlagSet) {
	a.getFlags(fs)
	fs.BoolVarP(&a.include, "include", "i", false, "print the head of the answer before the content")
}

// getFlags are those that get has: what it saves is the content alone.
func (a *asCurl) getFlags(fs *pflag.FlagSet) {
	fs.BoolVarP(&a.head, "head", "I", false, "print the head of the answer only (HEAD)")
	fs.StringVarP(&a.method, "request", "X", "", "`METHOD` of the request, in the place of GET")
}

// call returns the request that the letters ask for; nil: the verb's own.
func (a *asCurl) call(verb string) (*httpCall, error) {
	method := strings.ToUpper(cmp.Or(a.method, nethttp.MethodGet))
	if a.head && a.method != "" && method != nethttp.MethodHead {
		return nil, kit.Usage("http %s: -I is -X HEAD; it cannot be used with -X %s", verb, method)
	}
	if a.head {
		method = nethttp.MethodHead
	}
	if method == nethttp.MethodGet && !a.include {
		return nil, nil
	}
	return &httpCall{verb: verb, method: method, include: a.include || method == nethttp.MethodHead}, nil
}

// getCall is call for get, which saves what GET returns and nothing else.
func (a *asCurl) getCall() (*httpCall, error) {
	call, err := a.call("get")
	if call != nil && call.method != nethttp.MethodHead {
		err = kit.Usage("http get: it saves what GET returns; for %s: netclients http request %s URL -o FILE", call.method, call.method)
	}
	return call, err
}

// request makes the request and prints its answer.
func (h *httpCall) request(ctx context.Context, e *kit.Env, c *http.Client, at *protocols.Target, _ []string) error {
	if c.Settings.Condition != (http.Condition{}) {
		return kit.Usage("http %s: --if-newer cannot be used with -i, -I and -X", h.verb)
	}
	return h.call(ctx, e, c, at, nil)
}
