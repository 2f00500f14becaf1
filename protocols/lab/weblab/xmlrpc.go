package weblab

import (
	"compress/gzip"
	"encoding/xml"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// XMLRPCOptions configure StartXMLRPC. The zero value is a plain server on a free
// loopback port.
type XMLRPCOptions struct {
	base.ServerOptions // OnCommand is called with the name of each method

	Login bool              // ask for the user alice with the password secret, by HTTP Basic
	Hosts []string          // see HTTPOptions
	Gzip  bool              // pack answers for clients that take that
	Raw   map[string]string // whole bodies of answers, by method

	// Stream, when set, may write the body of an answer, and then says true.
	Stream func(method string, w io.Writer) bool

	OnRequest func(Request) // if set, called for each request, when it has been answered
}

// XMLRPCServer is a running XML-RPC server at /RPC2, with introspection
// (system.listMethods, methodHelp, methodSignature) and system.multicall. Its
// methods are echo, add, types, fault and wordfault.
type XMLRPCServer struct {
	*HTTPServer
	opt     XMLRPCOptions
	methods map[string]xmlrpcMethod

	mu    sync.Mutex
	calls []string
}

// StartXMLRPC starts a server; the caller closes it.
func StartXMLRPC(o XMLRPCOptions) (*XMLRPCServer, error) {
	s := &XMLRPCServer{opt: o}
	below := o.ServerOptions
	below.OnCommand = nil // of the methods, not of the requests
	s.methods = s.table()
	ready := make(chan struct{}) // a call may come before StartHTTP has returned
	var err error
	s.HTTPServer, err = StartHTTP(HTTPOptions{
		ServerOptions: below, Hosts: o.Hosts, OnRequest: o.OnRequest,
		Handler: func(w http.ResponseWriter, r *http.Request) bool {
			<-ready
			s.answer(w, r)
			return true
		},
	})
	close(ready)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// URL is "http://" (with TLS "https://"), the address and the path RPC2.
func (s *XMLRPCServer) URL() string { return s.HTTPServer.URL() + "RPC2" }

// Commands lists the methods called so far (the first 100,000).
func (s *XMLRPCServer) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *XMLRPCServer) record(method string) {
	s.mu.Lock()
	if len(s.calls) < frame.MaxCommands {
		s.calls = append(s.calls, method)
	}
	s.mu.Unlock()
	if s.opt.OnCommand != nil {
		s.opt.OnCommand(method)
	}
}

// mostRequest bounds the body of a request.
const mostRequest = 64 << 20

// answer serves one call.
func (s *XMLRPCServer) answer(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	known := s.Credentials()
	switch {
	case r.URL.Path != "/RPC2" && r.URL.Path != "/":
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		http.Error(w, "XML-RPC is spoken here, by POST", http.StatusMethodNotAllowed)
		return
	case !isXML(r):
		http.Error(w, "XML-RPC is text/xml", http.StatusUnsupportedMediaType)
		return
	case s.opt.Login && (user != known.User || password != known.Password):
		w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
		http.Error(w, "who is it?", http.StatusUnauthorized)
		return
	}
	var call xmlrpcCall
	if err := readCall(r, &call); err != nil {
		s.reply(w, r, "", faultXML(-32700, err.Error()))
		return
	}
	s.record(call.Method)
	s.reply(w, r, call.Method, s.call(&call))
}

// isXML reports whether a request says that its body is text/xml. A browser sends
// that for a page of another site only when the server allows it.
func isXML(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "text/xml"
}

// readCall reads a request, which may be packed and in any encoding.
func readCall(r *http.Request, call *xmlrpcCall) error {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = z
	}
	d := xml.NewDecoder(io.LimitReader(body, mostRequest))
	d.CharsetReader = charset.Reader
	return d.Decode(call)
}

// reply sends the answer, packed or scripted where the options say so.
func (s *XMLRPCServer) reply(w http.ResponseWriter, r *http.Request, method, body string) {
	if raw, ok := s.opt.Raw[method]; ok {
		body = raw
	}
	w.Header().Set("Content-Type", "text/xml")
	var out io.Writer = w
	if s.opt.Gzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		out = z
	}
	if s.opt.Stream != nil && s.opt.Stream(method, out) {
		return
	}
	io.WriteString(out, body)
}
