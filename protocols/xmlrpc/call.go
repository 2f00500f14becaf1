package xmlrpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// Call calls a method and gives its value. A fault is an error of kind Refused
// that has the code, and a [*Fault] in its chain. A call is never made twice by
// itself: nobody knows whether it may be.
func (c *Client) Call(ctx context.Context, method string, params ...any) (any, error) {
	v, _, err := c.do(ctx, method, params)
	return v, c.wrap(err, "call")
}

func (c *Client) do(ctx context.Context, method string, params []any) (any, *http.Response, error) {
	if err := c.gate.Enter(); err != nil {
		return nil, nil, err
	}
	defer c.gate.Leave()
	var err error
	if c.buf, err = AppendCall(c.buf[:0], method, params); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := c.http.Do(ctx, c.request())
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if err := resp.AsError(); err != nil {
		cancel() // the page that explains it is not waited for
		return nil, resp, err
	}
	v, err := DecodeResponse(resp.Body, &DecodeOptions{MaxBytes: c.Settings.MaxResponse, MaxDepth: c.depth})
	return v, resp, faultError(err)
}

func (c *Client) request() *http.Request {
	return &http.Request{
		Method: "POST", URL: c.url, Body: bytes.NewReader(c.buf), Length: int64(len(c.buf)),
		Header: http.Header{"Content-Type": {"text/xml"}},
	}
}

// faultError makes the error of a fault.
func faultError(err error) error {
	f, ok := err.(*Fault)
	if !ok {
		return err
	}
	e := &protocols.Error{Kind: protocols.Refused, Code: int(f.Code), Enhanced: f.Word, Err: f}
	if f.Code == CodeMethodNotFound {
		e.Class = errors.ErrUnsupported
	}
	return e
}

// Methods gives the names of the server's methods (system.listMethods).
func (c *Client) Methods(ctx context.Context) ([]string, error) {
	v, _, err := c.do(ctx, "system.listMethods", nil)
	if err == nil {
		var names []string
		if names, err = texts(v); err == nil {
			return names, nil
		}
	}
	return nil, c.wrap(err, "methods")
}

var errShape = protocols.ProtocolError(proto, "", "the answer is not what this method gives")

func texts(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errShape
	}
	out := make([]string, len(list))
	for i, e := range list {
		if out[i], ok = e.(string); !ok {
			return nil, errShape
		}
	}
	return out, nil
}

// Help gives the text about a method (system.methodHelp).
func (c *Client) Help(ctx context.Context, method string) (string, error) {
	v, _, err := c.do(ctx, "system.methodHelp", []any{method})
	text, ok := v.(string)
	if err == nil && !ok {
		err = errShape
	}
	return text, c.wrap(err, "help")
}

// Signatures gives the types of a method, the result's first, one list for each
// way to call it (system.methodSignature). None: the server does not know.
func (c *Client) Signatures(ctx context.Context, method string) ([][]string, error) {
	v, _, err := c.do(ctx, "system.methodSignature", []any{method})
	if err != nil {
		return nil, c.wrap(err, "signature")
	}
	list, _ := v.([]any) // a text such as "undef" where nothing is known
	var out [][]string
	for _, e := range list {
		types, err := texts(e)
		if err != nil {
			return nil, c.wrap(err, "signature")
		}
		out = append(out, types)
	}
	return out, nil
}

// Multicall makes many calls in one request (system.multicall). There is a result
// for each call, in order; a fault of one does not stop the others.
func (c *Client) Multicall(ctx context.Context, calls []Call) ([]Result, error) {
	batch := make([]any, len(calls))
	for i, call := range calls {
		batch[i] = map[string]any{"methodName": call.Method, "params": append([]any{}, call.Params...)}
	}
	v, _, err := c.do(ctx, "system.multicall", []any{batch})
	if err != nil {
		return nil, c.wrap(err, "multicall")
	}
	list, ok := v.([]any)
	if !ok || len(list) != len(calls) {
		return nil, c.wrap(errShape, "multicall")
	}
	out := make([]Result, len(list))
	for i, e := range list {
		if out[i], err = resultOf(e); err != nil {
			return nil, c.wrap(err, "multicall")
		}
	}
	return out, nil
}

// resultOf reads a result: an array of one value, or the struct of a fault.
func resultOf(v any) (Result, error) {
	if list, ok := v.([]any); ok && len(list) == 1 {
		return Result{Value: list[0]}, nil
	}
	if f, ok := faultOf(v); ok {
		return Result{Fault: f}, nil
	}
	return Result{}, errShape
}

// Probe asks for the names of the methods, which are the capabilities. A server
// that answers with a fault speaks XML-RPC, and is up.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r := &protocols.Report{URL: c.shown, Phase: "connect"}
	start := time.Now()
	v, resp, err := c.do(ctx, "system.listMethods", nil)
	r.Total = time.Since(start)
	if resp != nil {
		r.Phase, r.Address, r.Banner = "caps", resp.Address, resp.Header.Get("Server")
		r.Resolve, r.Connect, r.TLS, r.Greeting = resp.Times.Resolve, resp.Times.Connect, resp.Times.TLS, resp.Times.FirstByte
		if resp.TLS != nil {
			setTLS(r, resp.TLS)
		}
	}
	if _, ok := errors.AsType[*Fault](err); ok {
		err = nil
	}
	if err != nil {
		if protocols.KindOf(err) == protocols.TLSFailure {
			r.Phase = "tls"
		}
		return r, c.wrap(err, "probe")
	}
	names, _ := texts(v)
	slices.Sort(names)
	for _, n := range names {
		r.Capabilities = append(r.Capabilities, protocols.Capability{Name: n})
	}
	r.Up, r.Phase = true, ""
	return r, nil
}

func setTLS(r *protocols.Report, state *tls.ConnectionState) {
	r.TLSVersion = tls.VersionName(state.Version)
	if len(state.PeerCertificates) > 0 {
		r.CertNotAfter = state.PeerCertificates[0].NotAfter
	}
}
