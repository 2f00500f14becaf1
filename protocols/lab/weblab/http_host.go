package weblab

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// admits refuses requests that a page of another site may have made a browser
// send: those with a Host that is not the server's (DNS rebinding, 421, RFC 9110
// section 7.4) and those with the Origin of another site (403). The "*" of the options
// admits every Host, but no Origin: that would be every page of the web.
func (s *HTTPServer) admits(w http.ResponseWriter, r *http.Request) bool {
	if !slices.Contains(s.opt.Hosts, "*") && !s.ownHost(r.Host, r) {
		http.Error(w, "this server does not answer for that host", http.StatusMisdirectedRequest)
		return false
	}
	for _, origin := range r.Header.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || !s.ownHost(u.Host, r) {
			http.Error(w, "requests of other sites are refused", http.StatusForbidden)
			return false
		}
	}
	return true
}

// ownHost reports whether a "host:port" is this server: localhost or the address
// that the client has connected to, with the server's port. A request of HTTP/1.0
// need not name a host.
func (s *HTTPServer) ownHost(hostPort string, r *http.Request) bool {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		host, port = strings.Trim(hostPort, "[]"), map[bool]string{true: "443", false: "80"}[r.TLS != nil]
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if hostPort == "" && r.ProtoMajor == 1 && r.ProtoMinor == 0 || slices.Contains(s.opt.Hosts, host) {
		return true
	}
	_, own, err := net.SplitHostPort(s.Addr())
	if err != nil {
		return true // a UNIX socket, which no page of a browser can reach
	}
	if port != own {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host == "localhost"
	}
	return ip.IsLoopback() || ip.Unmap() == localAddr(r)
}

// localAddr is the address that a client has connected to.
func localAddr(r *http.Request) netip.Addr {
	at, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if at == nil {
		return netip.Addr{}
	}
	p, _ := netip.ParseAddrPort(at.String())
	return p.Addr().Unmap()
}
