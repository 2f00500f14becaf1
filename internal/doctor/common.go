package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// common are the steps for every protocol on TCP, up to the capabilities.
func common() []step {
	return []step{
		{"name", nil, resolveName},
		{"IPv4", []string{"name"}, family(4)},
		{"IPv6", []string{"name"}, family(6)},
		{"connection", []string{"name"}, anyFamily},
		{"other ports", []string{"connection"}, otherPorts},
		{"greeting", []string{"connection"}, greeting},
		{"TLS", []string{"connection", "greeting"}, startTLS},
		{"TLS 1.3", []string{"TLS"}, version(tls.VersionTLS13)},
		{"TLS 1.2", []string{"TLS"}, version(tls.VersionTLS12)},
		{"certificate", []string{"TLS"}, certificate},
	}
}

// resolveName looks the name up.
func resolveName(ctx context.Context, w *walk) Result {
	if w.socket != "" {
		return skipped(w.socket + " is a socket of this machine")
	}
	d := transport.NewDialer(w.target.Spec.Name, w.target.URL, w.options(nil))
	var err error
	w.addresses, w.direct, err = d.Addresses(ctx, w.host, w.port)
	switch {
	case err != nil:
		return w.failed(err)
	case !w.direct:
		return ok("a proxy resolves " + w.host)
	}
	var texts []string
	for _, a := range w.addresses {
		texts = append(texts, a.Addr().String())
	}
	if _, err := netip.ParseAddr(w.host); err == nil {
		return ok(w.host + " is an address")
	}
	return ok(w.host + " is " + strings.Join(texts, ", "))
}

// family connects over one address family, where the name has addresses of it.
func family(n int) func(context.Context, *walk) Result {
	return func(ctx context.Context, w *walk) Result {
		if !w.direct {
			return skipped("no address is chosen here")
		}
		var address string
		for _, a := range w.addresses {
			if a.Addr().Is4() == (n == 4) {
				address = a.String()
				break
			}
		}
		if address == "" {
			return skipped("the name has no address of this family")
		}
		if err := w.connect(ctx, w.port, n); err != nil {
			r := without(message(err), w.ask(err))
			r.Err = err
			return r
		}
		return ok(address + " answers")
	}
}

// anyFamily sums the families up: one is enough, and the one that does not work is left
// out of a profile.
func anyFamily(ctx context.Context, w *walk) Result {
	four, six := w.done["IPv4"], w.done["IPv6"]
	switch {
	case !w.direct:
		if err := w.connect(ctx, w.port, 0); err != nil {
			return w.failed(err)
		}
		if w.socket != "" {
			return ok("to the socket")
		}
		return ok("through a proxy")
	case four != OK && six != OK:
		return w.failed(w.connect(ctx, w.port, 0))
	case six == Without:
		w.set("ipv4", "true")
		return ok("over IPv4 only: the IPv6 address does not answer")
	case four == Without:
		w.set("ipv6", "true")
		return ok("over IPv6 only: the IPv4 address does not answer")
	}
	return ok("to port " + w.port)
}

// otherPorts looks at the usual ports of the protocol's other schemes, where the URL
// means the usual port of its own.
func otherPorts(ctx context.Context, w *walk) Result {
	if w.socket != "" || w.port != strconv.Itoa(w.target.Scheme.Port) {
		return skipped("the URL names a port of its own")
	}
	var found []string
	tried := map[int]bool{w.target.Scheme.Port: true, 0: true}
	for _, s := range w.target.Spec.Schemes {
		if tried[s.Port] {
			continue
		}
		tried[s.Port] = true
		state := "open"
		if err := w.connect(ctx, strconv.Itoa(s.Port), 0); err != nil {
			state = protocols.KindOf(err).String()
			if state == "connect" {
				state = "closed"
			}
		}
		found = append(found, fmt.Sprintf("%s %s", schemeURL(s, w.host), state))
	}
	if len(found) == 0 {
		return skipped("the protocol has no other ports")
	}
	return ok(strings.Join(found, ", "))
}

// beforeTLS is the scheme on which the server speaks without TLS first; none where it
// begins with TLS.
func (w *walk) beforeTLS() (protocols.Scheme, bool) {
	s := w.target.Scheme
	switch s.TLS {
	case protocols.TLSImplicit:
		return s, false
	case protocols.TLSRequired:
		for _, other := range w.target.Spec.Schemes {
			if other.TLS == protocols.TLSUpgrade && other.Port == s.Port {
				return other, true
			}
		}
	}
	return s, true
}

// greeting hears what the server says before TLS.
func greeting(ctx context.Context, w *walk) Result {
	s, speaks := w.beforeTLS()
	if !speaks {
		return skipped("TLS comes first")
	}
	r, err := w.probe(ctx, w.at(s), func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff })
	if err != nil {
		return w.failed(err)
	}
	w.plain = r
	return ok(said(r))
}

func said(r *protocols.Report) string {
	if r.Banner == "" {
		return "the server answers"
	}
	return strings.Join(strings.Fields(r.Banner), " ")
}

// startTLS brings TLS up, without a look at the certificate.
func startTLS(ctx context.Context, w *walk) Result {
	if w.target.Scheme.TLS == protocols.TLSNone {
		return skipped("the scheme " + w.target.Scheme.Name + " has none")
	}
	r, err := w.probe(ctx, w.target, func(o *protocols.Options) { unverified(o, tls.VersionTLS12, 0) })
	if err == nil {
		w.secure = r
		text := r.TLSVersion
		if r.Session != nil {
			text += ", " + tls.CipherSuiteName(r.Session.CipherSuite)
		}
		if w.plain == nil {
			text += "; " + said(r)
		}
		if w.target.Scheme.TLS == protocols.TLSUpgrade {
			w.set("tls", "require")
		}
		return ok(text)
	}
	if w.target.Scheme.TLS != protocols.TLSUpgrade || w.Options.TLS.Mode == protocols.TLSRequire {
		return w.failed(err)
	}
	res := without(message(err), w.ask(err))
	res.Err = err
	return res
}

// version brings TLS up with one version and no other.
func version(v uint16) func(context.Context, *walk) Result {
	return func(ctx context.Context, w *walk) Result {
		if w.secure == nil {
			return skipped("there is no TLS")
		}
		if w.secure.Session != nil && w.secure.Session.Version == v {
			return ok("used")
		}
		_, err := w.probe(ctx, w.target, func(o *protocols.Options) { unverified(o, v, v) })
		if err == nil {
			return ok("works too")
		}
		ask := ""
		if v == tls.VersionTLS13 {
			ask = "allow TLS 1.3 beside 1.2; it is faster and safer"
		}
		return without("the server does not take it: "+message(err), ask)
	}
}

// soon is how long before its end a certificate is worth a word.
const soon = 21 * 24 * time.Hour

// certificate verifies what the handshake has shown, as a login would.
func certificate(_ context.Context, w *walk) Result {
	if w.secure == nil || w.secure.Session == nil || len(w.secure.Session.PeerCertificates) == 0 {
		return skipped("there is no TLS")
	}
	leaf := w.secure.Session.PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	if err := transport.VerifyPeer(w.Options, w.host, w.secure.Session); err != nil {
		return w.failed(err)
	}
	text := fmt.Sprintf("for %s, from %s, valid until %s", certNames(leaf), leaf.Issuer.String(), leaf.NotAfter.UTC().Format(time.DateOnly))
	if left < soon {
		return Result{Status: OK, Text: text, Ask: fmt.Sprintf("renew the certificate: it ends in %d days", int(left.Hours()/24))}
	}
	return ok(text)
}

func certNames(c *x509.Certificate) string {
	names := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) > 4 {
		names = append(names[:4], "...")
	}
	if len(names) == 0 {
		return c.Subject.String()
	}
	return strings.Join(names, " ")
}
