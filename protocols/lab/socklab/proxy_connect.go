package socklab

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// ConnectProxy is an HTTP proxy that knows CONNECT (RFC 9110 section 9.3.6).
type ConnectProxy struct {
	endpoint
	opt ProxyOptions
	targets
}

// StartConnectProxy starts an HTTP CONNECT proxy.
func StartConnectProxy(o ProxyOptions) (*ConnectProxy, error) {
	c, err := frame.Listen("tcp", o.Addr, o.Faults)
	if err != nil {
		return nil, err
	}
	p := &ConnectProxy{endpoint: endpoint{c}, opt: o}
	c.Serve(p.handle)
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
	relay(p.core, &bufferedConn{conn, r}, out)
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
