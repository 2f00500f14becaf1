package xmlrpc

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"slices"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// Call calls a method and returns its value. A fault is an error of kind Refused
// that has the code, and a [*Fault] in its chain. A call is never made twice by
// itself: nobody knows whether it may be.
func (c *Client) Call(ctx context.Context, method string, params ...any) (any, error) {
	v, _, err := c.do(ctx, method, params)
	return v, c.wrap(err, "call")
}

func (c *Client) do(ctx context.Context, method string, params []any) (_ any, _ *http.Response, err error) {
	ctx, done := c.opts.Begin(ctx, protocols.Op{Protocol: proto, Verb: "call", Host: c.url.Host, Name: method})
	defer func() { done(err) }()
	if err := c.gate.Enter(); err != nil {
		return nil, nil, err
	}
	defer c.gate.Leave()
	if c.buf, err = AppendCall(c.buf[:0], method, params); err != nil {
		return nil, nil, err
	}
	req, err := c.request()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := c.http.Do(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.Method != "POST" {
		cancel()
		return nil, resp, &protocols.Error{
			Kind: protocols.KindRefused, Code: resp.Status, Text: "redirected to " + protocols.Redact(resp.URL) + " in a way that makes no call of it", Hint: "call that URL",
		}
	}
	failed := resp.AsError()
	if failed != nil && !c.http.Settings.AnyStatus {
		cancel() // the page that explains it is not waited for
		return nil, resp, failed
	}
	v, err := decodeResponse(c.src, resp.Body, &DecodeOptions{MaxBytes: c.Settings.MaxResponse, MaxDepth: c.depth, Charset: charsetOf(resp.Header)})
	if failed != nil && protocols.KindOf(err) == protocols.KindProtocol {
		err = failed // a page of the web server, not an answer of the method
	}
	return v, resp, faultError(err)
}

// request makes the request of the XML in c.buf.
func (c *Client) request() (*http.Request, error) {
	body, header := c.buf, http.Header{"Content-Type": {"text/xml"}}
	var err error
	if c.Settings.Encoding != "" {
		if body, err = encoded(body, c.Settings.Encoding); err != nil {
			return nil, err
		}
	}
	if c.Settings.GzipRequest {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(body) // memory takes everything
		z.Close()
		body, header["Content-Encoding"] = packed.Bytes(), []string{"gzip"}
	}
	return &http.Request{Method: "POST", URL: c.url, Body: bytes.NewReader(body), Length: int64(len(body)), Header: header}, nil
}

// faultError makes the error of a fault.
func faultError(err error) error {
	f, ok := err.(*Fault)
	if !ok {
		return err
	}
	e := &protocols.Error{Kind: protocols.KindRefused, Code: int(f.Code), Enhanced: f.Word, Err: f}
	if f.Code == CodeMethodNotFound {
		e.Sentinel = errors.ErrUnsupported
	}
	return e
}

// Methods returns the names of the server's methods (system.listMethods).
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

var errShape = protocols.ProtocolError(proto, "", "the answer does not have the shape that this method returns")

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

// Help returns the text about a method (system.methodHelp).
func (c *Client) Help(ctx context.Context, method string) (string, error) {
	v, _, err := c.do(ctx, "system.methodHelp", []any{method})
	text, ok := v.(string)
	if err == nil && !ok {
		err = errShape
	}
	return text, c.wrap(err, "help")
}

// Signatures returns the types of a method, the result's first, one list for each
// way to call it (system.methodSignature). None: the server does not know.
func (c *Client) Signatures(ctx context.Context, method string) ([][]string, error) {
	v, _, err := c.do(ctx, "system.methodSignature", []any{method})
	if err != nil {
		return nil, c.wrap(err, "signature")
	}
	if flat, err := texts(v); err == nil && len(flat) > 0 {
		return [][]string{flat}, nil // the one signature, as Supervisor has it
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
	return resultsOf(list), nil
}

// resultsOf reads the results of a multicall: structs of faults, and values, each in an
// array of one. Supervisor leaves those arrays out; one answer has one of the two forms.
func resultsOf(list []any) []Result {
	bare := false
	out := make([]Result, len(list))
	for i, v := range list {
		if f, ok := faultOf(v); ok {
			out[i].Fault = f
		} else if one, ok := v.([]any); !ok || len(one) != 1 {
			bare = true
		}
	}
	for i, v := range list {
		switch {
		case out[i].Fault != nil:
		case bare:
			out[i].Value = v
		default:
			out[i].Value = v.([]any)[0]
		}
	}
	return out
}

// Probe asks for the names of the methods, which are the capabilities. A server
// that answers with a fault speaks XML-RPC, and is up.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	enter := func(context.Context, ...string) (func(), error) { return func() {}, nil } // calls take the gate
	r, err := transport.Probe(ctx, c.url, enter, func(r *protocols.Report) error { return c.probe(ctx, r) })
	return r, c.wrap(err, "probe")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	v, resp, err := c.do(ctx, "system.listMethods", nil)
	if resp != nil {
		r.Phase, r.Address, r.Banner = "caps", resp.Address, resp.Header.Get("Server")
		r.Resolve, r.Connect, r.TLS, r.Greeting = resp.Times.Resolve, resp.Times.Connect, resp.Times.TLS, resp.Times.FirstByte
		transport.ReportTLS(r, resp.TLS)
	}
	if _, ok := errors.AsType[*Fault](err); ok {
		return nil
	}
	names, _ := texts(v)
	slices.Sort(names)
	for _, n := range names {
		r.Capabilities = append(r.Capabilities, protocols.Capability{Name: n})
	}
	return err
}
