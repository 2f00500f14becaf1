package transport

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/netclients/netclients/protocols"
)

// Host converts a host name to ASCII, RFC 5891 and UTS 46, for DNS, TLS and
// proxies. Addresses are returned unchanged, including their zone. ASCII names
// may contain underscores, which occur in local networks. The error is of kind
// usage.
func Host(s string) (string, error) {
	if _, err := netip.ParseAddr(s); err == nil {
		return s, nil
	}
	name := strings.TrimSuffix(s, ".")
	if plainName(name) {
		return strings.ToLower(name), nil
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil || !utf8.ValidString(s) || !plainLabels(ascii) {
		return "", protocols.UsageError("", "", "host name "+strconv.Quote(s)+" is not valid")
	}
	return ascii, nil
}

// HostOf returns the host of a URL in its one normal form, where it has one, without
// the port.
func HostOf(u *url.URL) string {
	if h, err := Host(u.Hostname()); err == nil {
		return h
	}
	return u.Hostname()
}

// plainName reports whether an ASCII name needs neither conversion nor a check of
// its encoding.
func plainName(name string) bool {
	return plainLabels(name) && !strings.Contains(strings.ToLower(name), "xn--")
}

func plainLabels(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, r := range label {
			letter := r|0x20 >= 'a' && r|0x20 <= 'z'
			if !letter && !(r >= '0' && r <= '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}
