package transport

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

func portText(port int) string { return strconv.Itoa(port) }

// redirect applies the connect-to map, and returns the host in ASCII. The
// certificate is still verified for the requested host.
func (d *Dialer) redirect(t target) (target, error) {
	t.dialHost = t.host
	if t.network == "unix" {
		return t, nil
	}
	for _, key := range mapKeys(t.host, t.port) {
		to, ok := findFold(d.o.ConnectTo, key)
		if !ok {
			continue
		}
		host, port, err := net.SplitHostPort(to)
		if err != nil {
			return t, protocols.UsageError(d.proto, "", "connect-to must be HOST:PORT, not "+strconv.Quote(to))
		}
		if host != "" {
			t.dialHost = host
		}
		if port != "" {
			t.port = port
		}
		break
	}
	ascii, err := Host(t.dialHost)
	t.dialHost = ascii
	return t, err
}

// mapKeys returns the map keys that match a host and port, most specific first.
func mapKeys(host, port string) []string {
	return []string{net.JoinHostPort(host, port), host + ":" + port, net.JoinHostPort(host, ""), ":" + port, ":"}
}

func findFold(m map[string]string, key string) (string, bool) {
	if v, ok := m[key]; ok {
		return v, true
	}
	for k, v := range m {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return "", false
}

// addresses returns what to dial, in order of preference. With Options.Dial names
// are not resolved.
func (d *Dialer) addresses(ctx context.Context, c *Conn, network, host, port string) ([]string, error) {
	if network == "unix" {
		return []string{host}, nil
	}
	given, ok := d.resolved(host, port)
	if !ok && d.o.Dial != nil {
		return []string{net.JoinHostPort(host, port)}, nil
	}
	ips, err := given, error(nil)
	if !ok {
		ips, err = d.resolve(ctx, c, host)
	}
	if err != nil {
		return nil, err
	}
	ips = interleave(d.family(ips))
	if len(ips) == 0 {
		return nil, &protocols.Error{Kind: protocols.KindConnect, Text: host + " has no IPv" + strconv.Itoa(d.o.Family) + " address"}
	}
	all := make([]string, len(ips))
	for i, ip := range ips {
		all[i] = net.JoinHostPort(ip.String(), port)
	}
	return all, nil
}

// resolved returns the address of a literal, or the addresses from the resolve
// map.
func (d *Dialer) resolved(host, port string) ([]netip.Addr, bool) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, true
	}
	for _, key := range []string{net.JoinHostPort(host, port), host + ":" + port, "*:" + port} {
		text, ok := findFold(d.o.Resolve, key)
		if !ok {
			continue
		}
		var ips []netip.Addr
		for _, one := range strings.Split(text, ",") {
			if ip, err := netip.ParseAddr(strings.Trim(strings.TrimSpace(one), "[]")); err == nil {
				ips = append(ips, ip.Unmap())
			}
		}
		return ips, len(ips) > 0
	}
	return nil, false
}

func (d *Dialer) resolve(ctx context.Context, c *Conn, host string) ([]netip.Addr, error) {
	network := map[int]string{4: "ip4", 6: "ip6"}[d.o.Family]
	if network == "" {
		network = "ip"
	}
	start := time.Now()
	ips, err := d.lookup(ctx, network, host)
	took := time.Since(start)
	c.timings.Resolve += took
	if err != nil {
		return nil, resolveError(ctx, err, host)
	}
	texts := make([]string, len(ips))
	for i := range ips {
		ips[i] = ips[i].Unmap()
		texts[i] = ips[i].String()
	}
	c.emit(protocols.Event{Kind: protocols.EventResolve, Text: host + " is " + strings.Join(texts, ", "), Took: took})
	return ips, nil
}

func (d *Dialer) family(ips []netip.Addr) []netip.Addr {
	if d.o.Family == 0 {
		return ips
	}
	var kept []netip.Addr
	for _, ip := range ips {
		if ip.Is4() == (d.o.Family == 4) {
			kept = append(kept, ip)
		}
	}
	return kept
}

// maxAddresses limits the attempts for one name.
const maxAddresses = 16

// interleave orders addresses as in RFC 8305 section 4: alternating families,
// IPv6 first.
func interleave(ips []netip.Addr) []netip.Addr {
	var by [2][]netip.Addr
	for _, ip := range ips {
		i := 0
		if ip.Is4() {
			i = 1
		}
		by[i] = append(by[i], ip)
	}
	var out []netip.Addr
	for i := range max(len(by[0]), len(by[1])) {
		for _, list := range by {
			if i < len(list) && len(out) < maxAddresses {
				out = append(out, list[i])
			}
		}
	}
	return out
}
