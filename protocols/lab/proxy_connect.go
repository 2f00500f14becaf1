package lab

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// ConnectOptions configure StartConnectProxy; the zero value needs no password.
type ConnectOptions struct {
	Addr      string // where to listen; empty is a free loopback port
	User      string // when set, Basic authentication is required
	Password  string
	Authority *Authority // when set, the proxy itself speaks TLS
	// Resolve maps a requested "host:port" to the one to connect to; nil is
	// the request itself. An empty answer refuses.
	Resolve func(target string) string
	Faults  Faults
}

// ConnectProxy is an HTTP proxy that knows CONNECT (RFC 9110 section 9.3.6).
type ConnectProxy struct {
	*core
	opt ConnectOptions
	targets
}

// StartConnectProxy starts an HTTP CONNECT proxy.
func StartConnectProxy(o ConnectOptions) (*ConnectProxy, error) {
	c, err := newCore(o.Addr, o.Faults)
	if err != nil {
		return nil, err
	}
	p := &ConnectProxy{core: c, opt: o}
	c.serve(p.handle)
	return p, nil
}

// URL is "http://" (or "https://") and the address, with user and password if
// it has any.
func (p *ConnectProxy) URL() string {
	scheme := "http"
	if p.opt.Authority != nil {
		scheme = "https"
	}
	return proxyURL(scheme, p.opt.User, p.opt.Password, p.Addr())
}

// proxyURL writes a proxy's address with its credentials.
func proxyURL(scheme, user, password, addr string) string {
	u := url.URL{Scheme: scheme, Host: addr, Path: "/"}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

func (p *ConnectProxy) handle(conn net.Conn) {
	if p.opt.Authority != nil {
		conn = tls.Server(conn, p.opt.Authority.ServerConfig())
	}
	r := bufio.NewReader(conn)
	for p.request(conn, r) {
	}
}

// request answers one request and reports whether another may follow.
func (p *ConnectProxy) request(conn net.Conn, r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	io.Copy(io.Discard, io.LimitReader(req.Body, 1<<20))
	if req.Method != http.MethodConnect {
		return answer(conn, http.StatusMethodNotAllowed, "")
	}
	if !p.allowed(req) {
		return answer(conn, http.StatusProxyAuthRequired, "Proxy-Authenticate: Basic realm=\"lab\"\r\n")
	}
	p.note(req.Host)
	out, err := dial(req.Host, p.opt.Resolve)
	if err != nil {
		return answer(conn, http.StatusBadGateway, "")
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		out.Close()
		return false
	}
	p.relay(&bufferedConn{conn, r}, out)
	return false
}

// allowed checks Proxy-Authorization, which has the form of Authorization.
func (p *ConnectProxy) allowed(req *http.Request) bool {
	if p.opt.User == "" {
		return true
	}
	login := http.Request{Header: http.Header{"Authorization": req.Header["Proxy-Authorization"]}}
	user, password, ok := login.BasicAuth()
	return ok && user == p.opt.User && password == p.opt.Password
}

// answer writes a response without a body.
func answer(w io.Writer, code int, header string) bool {
	_, err := fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\n%s\r\n", code, http.StatusText(code), header)
	return err == nil
}
