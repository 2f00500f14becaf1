package transport

import (
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// EnvProxy returns a value for Options.Proxy that reads the environment as curl
// does: SCHEME_proxy, then SCHEME_PROXY (but never HTTP_PROXY, which a CGI
// program receives from its client), then all_proxy and ALL_PROXY. Hosts in
// no_proxy or NO_PROXY are contacted directly. getenv reads one variable; nil
// means [os.Getenv].
func EnvProxy(getenv func(string) string) func(*url.URL) (*url.URL, error) {
	if getenv == nil {
		getenv = os.Getenv
	}
	return func(target *url.URL) (*url.URL, error) {
		if target == nil || target.Hostname() == "" {
			return nil, nil
		}
		text := first(getenv, proxyVariables(target.Scheme))
		if text == "" || bypasses(first(getenv, []string{"no_proxy", "NO_PROXY"}), target) {
			return nil, nil
		}
		return ParseProxy(text)
	}
}

// NoProxy returns a value for Options.Proxy that connects directly to the hosts
// of list, which has the format of no_proxy, and calls proxy for all others. An
// empty list or a nil proxy returns proxy unchanged.
func NoProxy(list string, proxy func(*url.URL) (*url.URL, error)) func(*url.URL) (*url.URL, error) {
	if list == "" || proxy == nil {
		return proxy
	}
	return func(target *url.URL) (*url.URL, error) {
		if target != nil && bypasses(list, target) {
			return nil, nil
		}
		return proxy(target)
	}
}

// webProxies are the variables that hold for WebSocket, which begins as HTTP does.
var webProxies = map[string][]string{"ws": {"http_proxy"}, "wss": {"https_proxy", "HTTPS_PROXY"}}

func proxyVariables(scheme string) []string {
	names := []string{strings.ToLower(scheme) + "_proxy"}
	if !strings.EqualFold(scheme, "http") {
		names = append(names, strings.ToUpper(scheme)+"_PROXY")
	}
	names = append(names, webProxies[strings.ToLower(scheme)]...)
	return append(names, "all_proxy", "ALL_PROXY")
}

// variableOf returns the name of the environment variable that names the proxy for a
// target, empty where the proxy comes from elsewhere.
func variableOf(getenv func(string) string, target, proxy *url.URL) string {
	if target == nil {
		return ""
	}
	for _, name := range proxyVariables(target.Scheme) {
		if v := getenv(name); v != "" {
			u, err := ParseProxy(v)
			if err != nil || u.Scheme != proxy.Scheme || u.Host != proxy.Host {
				return ""
			}
			return name
		}
	}
	return ""
}

// ProxyHint is what to do about a proxy that fails: empty unless an environment variable
// names it for the target.
func ProxyHint(target, proxy *url.URL) string {
	if name := variableOf(os.Getenv, target, proxy); name != "" {
		return "the proxy is that of the environment variable " + name + "; --noproxy HOST connects directly"
	}
	return ""
}

func first(getenv func(string) string, names []string) string {
	for _, name := range names {
		if v := getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// ParseProxy parses a proxy as users write it: host:port alone means an HTTP
// proxy. The error is of kind usage and contains no password.
func ParseProxy(text string) (*url.URL, error) {
	u, err := protocols.ParseURL(text, "http")
	if err != nil {
		return nil, err
	}
	return u, checkProxy(u)
}

// bypasses reports whether a host is on a no_proxy list. Its items are separated
// by commas or blanks: "*", a domain including its subdomains, an address, or a
// network in CIDR form; a port may follow a name or an address.
func bypasses(list string, target *url.URL) bool {
	host := strings.ToLower(strings.TrimSuffix(target.Hostname(), "."))
	ip, err := netip.ParseAddr(host)
	if err == nil {
		ip = ip.Unmap().WithZone("")
	}
	for item := range strings.FieldsFuncSeq(strings.ToLower(list), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		if item == "*" {
			return true
		}
		name, port := splitPort(item)
		if port != "" && port != target.Port() {
			continue
		}
		if ip.IsValid() && matchesIP(name, ip) || !ip.IsValid() && matchesName(name, host) {
			return true
		}
	}
	return false
}

// splitPort splits the port from an item; an IPv6 address with a port needs
// brackets.
func splitPort(item string) (name, port string) {
	if rest, ok := strings.CutPrefix(item, "["); ok {
		name, port, _ = strings.Cut(rest, "]")
		return name, strings.TrimPrefix(port, ":")
	}
	if strings.Count(item, ":") != 1 {
		return item, ""
	}
	name, port, _ = strings.Cut(item, ":")
	return name, port
}

func matchesIP(item string, ip netip.Addr) bool {
	if network, err := netip.ParsePrefix(item); err == nil {
		return network.Contains(ip)
	}
	one, err := netip.ParseAddr(item)
	return err == nil && one.Unmap() == ip
}

// matchesName reports whether host is item or a subdomain of it.
func matchesName(item, host string) bool {
	item = strings.Trim(item, ".")
	return item != "" && (host == item || strings.HasSuffix(host, "."+item))
}
