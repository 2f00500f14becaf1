package http

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/netclients/netclients/internal/httpauth"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/upbody"
)

// Header is the fields of a head or a trailer, names in canonical form.
type Header = nethttp.Header

// userAgent is what we say who we are.
const userAgent = "netclients"

// Request is one request. A client reads it, never writes it.
type Request struct {
	Method string // empty: GET
	URL    *url.URL
	Header Header // beside that of the settings, and stronger

	// Body is what is sent; nil: nothing. One that is an [io.Seeker] can be sent
	// again, to where a redirect leads or with a login. It is not closed.
	Body io.Reader
	// Length is that of Body; 0 or -1: found out where Body can say it, else it goes in
	// chunks. A body that is shorter or longer is an error, but for a longer [os.File]:
	// a file may grow meanwhile.
	Length int64
	Expect bool // wait for the server's consent before the body (RFC 9110 10.1.1)

	NoFollow bool // a redirect is the answer
	raw      bool // no content coding is asked for
	bare     bool // without cookies and login: for robots.txt

	within *url.URL // redirects stay in this folder, whatever the client's own is
}

// NewRequest returns a request with a body; nil is none. method may be empty: GET.
func NewRequest(method string, u *url.URL, body io.Reader) *Request {
	return &Request{Method: method, URL: u, Body: body}
}

// outgoing is a request as it is sent: all is decided.
type outgoing struct {
	*Request
	header Header // complete but for Host and the length
	secret bool   // it holds a password or token
	noHost bool   // the user wants no Host
	early  bool   // the login was not asked for: it is left out where somebody could read it
}

// fit leaves the login out where it was not asked for and somebody could read it. It
// returns an error when another secret must not be sent over the connection.
func (m *outgoing) fit(conn connection) error {
	if m.early && !conn.private() {
		delete(m.header, "Authorization")
		m.early, m.secret = false, false
	}
	if m.secret {
		return conn.allowSecret()
	}
	return nil
}

func (r *Request) method() string {
	if r.Method == "" {
		return nethttp.MethodGet
	}
	return r.Method
}

// Response is the answer to a request, its body not read yet.
type Response struct {
	Status  int
	Reason  string // the server's words; empty in HTTP/2 and 3
	Proto   string // "HTTP/1.1"
	Header  Header
	Trailer Header // complete when Body has given io.EOF
	URL     *url.URL
	Method  string // of the request that was answered: a redirect may have changed it

	// Body ends with io.EOF only when all of it came. The caller closes it; until
	// then the client is busy.
	Body   io.ReadCloser
	Length int64 // bytes of Body; -1: not known

	Hops    int // redirects that were followed
	Reused  bool
	Address string // of the peer
	TLS     *tls.ConnectionState
	Times   Times

	proxy    *httpauth.Proxy       // login to the proxy that has answered; nil: there is none
	deadline func(time.Time) error // of reading Body; nil where there is none
	open     bool                  // Body ends with the connection, wherever that broke
}

// Times says how long the steps to the head of a response took; the steps to a
// connection are those of the one it came over, zero where it stood already.
type Times struct {
	Resolve, Connect, TLS time.Duration
	FirstByte             time.Duration // from the request to the head of the response
	Total                 time.Duration // from the start of all, redirects included, to the head
}

// connected adds the steps to the connection.
func (t *Times) connected(c transport.Timings) {
	t.Resolve, t.Connect, t.TLS = c.Resolve, c.Connect, c.TLS
}

// check refuses what would not stay in its line.
func (r *Request) check() error {
	if !httpguts.ValidHeaderFieldName(r.method()) { // a token too: RFC 9110 9.1
		return usage("method %q is not a word", r.Method)
	}
	if r.URL == nil || r.URL.Scheme != "http" && r.URL.Scheme != "https" || r.URL.Host == "" {
		return usage("a request needs a URL with http or https and a host")
	}
	if r.Body != nil && r.Length < -1 {
		return usage("length %d of a body", r.Length)
	}
	return checkHeader(r.Header)
}

// measured returns the request with the length of its body: of one whose length was
// not given, as far as the body itself knows it.
func (r *Request) measured() (Request, error) {
	m := *r
	if r.Body == nil {
		return m, nil
	}
	if l, ok := r.Body.(interface{ Len() int }); ok && r.Length > 0 && int64(l.Len()) != r.Length {
		return m, usage("the body has %d bytes, and its length says %d", l.Len(), r.Length)
	}
	if r.Length <= 0 {
		m.Length = upbody.Length(r.Body)
	}
	return m, nil
}

func checkHeader(h Header) error {
	if len(h["Host"]) > 1 {
		return usage("more than one Host header")
	}
	for name, values := range h {
		if !httpguts.ValidHeaderFieldName(name) {
			return usage("%q is not a header name", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return usage("header %s: a character that no header may hold", name)
			}
		}
	}
	return nil
}

func usage(format string, args ...any) error {
	return protocols.UsageError(proto, "", fmt.Sprintf(format, args...))
}

// origin is scheme, host and port: what a secret is for (RFC 6454 4).
func origin(u *url.URL) string {
	return u.Scheme + "://" + net.JoinHostPort(transport.HostOf(u), portOf(u))
}

func sameOrigin(a, b *url.URL) bool {
	return a.Host != "" && b.Host != "" && origin(a) == origin(b)
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// requestTarget returns the path and query of a URL as they go out: a path is there,
// and all is ASCII (RFC 9112 3.2).
func requestTarget(u *url.URL) string {
	target := u.EscapedPath()
	if target == "" {
		target = "/"
	}
	if u.RawQuery != "" || u.ForceQuery {
		target += "?" + asciiOnly(u.RawQuery)
	}
	return target
}

// asciiOnly percent-encodes what cannot stand in a request line; the rest stays as it is.
func asciiOnly(s string) string {
	odd := func(c byte) bool { return c <= ' ' || c >= 0x7f }
	if !slices.ContainsFunc([]byte(s), odd) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if odd(s[i]) {
			fmt.Fprintf(&b, "%%%02X", s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// hostField returns the value of Host: without the scheme's own port, and without the
// zone of an IPv6 address, which has a meaning on this machine only (RFC 6874 4). The
// final dot of a name stays: to the server it may be another name.
func hostField(u *url.URL) string {
	name, _, _ := strings.Cut(u.Hostname(), "%")
	host, port := name, u.Port()
	if h, err := transport.Host(name); err == nil {
		host = h
		if strings.HasSuffix(name, ".") {
			host += "."
		}
	}
	if port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}
