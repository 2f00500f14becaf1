package xmlrpc

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	nethttp "net/http"
	"slices"
	"strconv"

	"github.com/netclients/netclients/protocols"
)

// Method is what a [Server] offers under a name.
type Method struct {
	// Run gets the parameters as the package comment says, and returns a value that
	// [AppendCall] knows. A [*Fault] as error is what the caller sees; of any other
	// it sees the text, with the code [CodeApplicationError].
	Run        func(ctx context.Context, params []any) (any, error)
	Help       string     // for system.methodHelp
	Signatures [][]string // for system.methodSignature: types, the result's first
}

// Server answers calls over HTTP: a [net/http.Handler] at whatever paths its owner
// puts it. It has system.listMethods, methodHelp, methodSignature and multicall (of
// 10,000 calls at most) by itself. Calls come from many goroutines at once.
type Server struct {
	Methods    map[string]Method // not to be changed while calls are answered
	MaxRequest int64             // bytes of XML in a call, unpacked; 0 is 64 MiB
}

// ServeHTTP answers one call. What is not a POST is refused with 405; whatever is wrong
// with a call is a fault.
func (s *Server) ServeHTTP(w nethttp.ResponseWriter, r *nethttp.Request) {
	if r.Method != nethttp.MethodPost {
		w.Header().Set("Allow", "POST")
		nethttp.Error(w, "XML-RPC is spoken here, by POST", nethttp.StatusMethodNotAllowed)
		return
	}
	doc, err := s.document(r)
	if err != nil { // of a text that XML cannot hold
		doc, _ = AppendFault(nil, &Fault{Code: CodeInternalError, String: "a fault that cannot be sent"})
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(doc)))
	_, _ = w.Write(doc) // a client that is gone needs no answer
}

// document returns the XML of an answer: a value, or a fault. A panic on the way, in the
// text of an error for example, is an error.
func (s *Server) document(r *nethttp.Request) (doc []byte, err error) {
	defer recovered(&err)
	doc, err = s.answer(r)
	if err != nil {
		doc, err = AppendFault(nil, faultFor(err))
	}
	return doc, err
}

// recovered makes a panic an error of kind Internal: that of a codec, or of a program's
// own types, ends one call and not the program.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = &protocols.Error{Kind: protocols.KindInternal, Proto: proto, Text: fmt.Sprint("internal error: ", v)}
	}
}

// answer reads a call and returns the XML of its value.
func (s *Server) answer(r *nethttp.Request) ([]byte, error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, &Fault{Code: CodeTransportError, String: err.Error()}
		}
		body = z
	}
	call, err := DecodeCall(body, &DecodeOptions{MaxBytes: s.MaxRequest, Charset: charsetOf(r.Header)})
	if err != nil {
		return nil, &Fault{Code: CodeNotWellFormed, String: withoutPanic(err)}
	}
	v, err := s.call(r.Context(), call.Method, call.Params)
	if err != nil {
		return nil, err
	}
	doc, err := AppendResponse(nil, v)
	if err != nil {
		return nil, &Fault{Code: CodeInternalError, String: withoutPanic(err)}
	}
	return doc, nil
}

// withoutPanic returns the text of an error for the caller. What a panic says is not the
// caller's business.
func withoutPanic(err error) string {
	if protocols.KindOf(err) == protocols.KindInternal {
		return "the method failed"
	}
	return err.Error()
}

// faultFor returns the fault that a caller sees of an error.
func faultFor(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{Code: CodeApplicationError, String: err.Error()}
}

func (s *Server) call(ctx context.Context, name string, params []any) (any, error) {
	if m, ok := s.Methods[name]; ok {
		return runMethod(ctx, m, params)
	}
	switch name {
	case "system.listMethods":
		names := append(slices.Collect(maps.Keys(s.Methods)), "system.listMethods", "system.methodHelp", "system.methodSignature", "system.multicall")
		slices.Sort(names)
		return slices.Compact(names), nil
	case "system.methodHelp":
		m, err := s.about(params)
		return m.Help, err
	case "system.methodSignature":
		m, err := s.about(params)
		return signaturesValue(m.Signatures), err
	case "system.multicall":
		return s.multicall(ctx, params)
	}
	return nil, &Fault{Code: CodeMethodNotFound, String: "there is no method " + name}
}

// runMethod runs a method. A panic in it is a fault, which does not say what happened:
// that is not the caller's business.
func runMethod(ctx context.Context, m Method, params []any) (v any, err error) {
	defer func() {
		if recover() != nil {
			v, err = nil, &Fault{Code: CodeInternalError, String: "the method failed"}
		}
	}()
	return m.Run(ctx, params)
}

// about finds the method that the only parameter names.
func (s *Server) about(params []any) (Method, error) {
	if len(params) == 1 {
		if name, ok := params[0].(string); ok {
			if m, ok := s.Methods[name]; ok {
				return m, nil
			}
			return Method{}, &Fault{Code: CodeMethodNotFound, String: "nothing is known of " + name}
		}
	}
	return Method{}, &Fault{Code: CodeInvalidParams, String: "want the name of a method"}
}

// signaturesValue: servers that know none say "undef".
func signaturesValue(all [][]string) any {
	if len(all) == 0 {
		return "undef"
	}
	out := make([]any, len(all))
	for i, types := range all {
		out[i] = types
	}
	return out
}

// mostServed bounds the calls of one request: what all of them give is in memory
// at once.
const mostServed = 10_000

// multicall makes the calls of an array one after the other, until the client is
// gone.
func (s *Server) multicall(ctx context.Context, params []any) (any, error) {
	var calls []any
	if len(params) == 1 {
		calls, _ = params[0].([]any)
	}
	if calls == nil {
		return nil, &Fault{Code: CodeInvalidParams, String: "want an array of calls"}
	}
	if len(calls) > mostServed {
		return nil, &Fault{Code: CodeInvalidParams, String: "more than " + strconv.Itoa(mostServed) + " calls at once"}
	}
	out := make([]any, len(calls))
	for i, c := range calls {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		v, err := s.oneOf(ctx, c)
		if out[i] = any([]any{v}); err != nil {
			out[i] = faultFor(err).value()
		}
	}
	return out, nil
}

func (s *Server) oneOf(ctx context.Context, call any) (any, error) {
	m, _ := call.(map[string]any)
	name, named := m["methodName"].(string)
	params, listed := m["params"].([]any)
	if !named || !listed {
		return nil, &Fault{Code: CodeInvalidParams, String: "a call has methodName and params"}
	}
	if name == "system.multicall" {
		return nil, &Fault{Code: CodeInvalidParams, String: "a multicall in a multicall"}
	}
	return s.call(ctx, name, params)
}
