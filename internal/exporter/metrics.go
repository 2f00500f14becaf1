package exporter

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"hash/fnv"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/netclients/netclients/protocols"
)

// family is one metric: its series for an outcome, none where it is not known.
type family struct {
	name, help string
	labels     []string
	series     func(o *Outcome, add func(value float64, labels ...string))
}

// collect makes the metrics of an outcome.
func collect(o *Outcome) []prometheus.Collector {
	var all []prometheus.Collector
	for _, f := range families {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.name, Help: f.help}, f.labels)
		some := false
		f.series(o, func(value float64, labels ...string) {
			for i := range labels {
				labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
			}
			g.WithLabelValues(labels...).Set(value)
			some = true
		})
		if some {
			all = append(all, g)
		}
	}
	return all
}

// one is a family without labels, which is left out where known is false.
func one(value func(o *Outcome) (v float64, known bool)) func(*Outcome, func(float64, ...string)) {
	return func(o *Outcome, add func(float64, ...string)) {
		if v, known := value(o); known {
			add(v)
		}
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// families are the metrics. The names that begin with probe_ are those of
// blackbox_exporter, with the same meaning, so that its alerts and dashboards work.
var families = []family{
	{"probe_success", "Displays whether or not the probe was a success", nil, one(func(o *Outcome) (float64, bool) { return truth(o.Err == nil), true })},
	{"probe_duration_seconds", "Returns how long the probe took to complete in seconds", nil, one(func(o *Outcome) (float64, bool) { return total(o).Seconds(), true })},
	{"probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds", nil, one(func(o *Outcome) (float64, bool) { return o.Report.Resolve.Seconds(), true })},
	{"probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", nil, one(ipProtocol)},
	{"probe_ip_addr_hash", "Specifies the hash of IP address. It's useful to detect if the IP address changes.", nil, one(addressHash)},
	{"probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime", nil, one(func(o *Outcome) (float64, bool) { return earliest(o.Report.Session) })},
	{"probe_ssl_last_chain_expiry_timestamp_seconds", "Returns last SSL chain expiry in timestamp", nil, one(func(o *Outcome) (float64, bool) { return lastChain(o.Report.Session) })},
	{"probe_ssl_last_chain_info", "Contains SSL leaf certificate information", []string{"fingerprint_sha256", "subject", "issuer", "subjectalternative", "serialnumber"}, chainInfo},
	{"probe_tls_version_info", "Returns the TLS version used or NaN when unknown", []string{"version"}, func(o *Outcome, add func(float64, ...string)) {
		if o.Report.TLSVersion != "" {
			add(1, o.Report.TLSVersion)
		}
	}},
	{"probe_tls_cipher_info", "Returns the TLS cipher negotiated during handshake", []string{"cipher"}, func(o *Outcome, add func(float64, ...string)) {
		if s := o.Report.Session; s != nil {
			add(1, tls.CipherSuiteName(s.CipherSuite))
		}
	}},
	{"probe_http_status_code", "Response HTTP status code", nil, one(func(o *Outcome) (float64, bool) { return float64(o.Report.Status), o.Report.Status > 0 })},
	{"probe_http_ssl", "Indicates if SSL was used for the final redirect", nil, one(func(o *Outcome) (float64, bool) { return truth(o.Report.Session != nil), o.Report.Status > 0 })},
	{"probe_http_version", "Returns the version of HTTP of the probe response", nil, one(httpVersion)},
	{"probe_http_duration_seconds", "Duration of http request by phase, summed over all redirects", []string{"phase"}, httpPhases},
	{"netclients_probe_phase_seconds", "How long each step of the probe took.", []string{"phase"}, phases},
	{"netclients_probe_failed_info", "Why the target is not up: the phase, and the kind of the error.", []string{"phase", "kind"}, func(o *Outcome, add func(float64, ...string)) {
		if o.Err != nil {
			add(1, failedAt(o), protocols.KindOf(o.Err).String())
		}
	}},
	{"netclients_probe_token_expiry_timestamp_seconds", "When the token of the login ends, in seconds since 1970.", nil, one(func(o *Outcome) (float64, bool) { return float64(o.Token.Unix()), !o.Token.IsZero() })},
}

// total is the whole time, the round trip included.
func total(o *Outcome) time.Duration {
	d := o.Report.Total
	for _, p := range o.Trip {
		d += p.Took
	}
	return d
}

func failedAt(o *Outcome) string {
	if o.Report.Up {
		return "round trip"
	}
	return o.Report.Phase
}

func address(o *Outcome) (netip.Addr, bool) {
	a, err := netip.ParseAddrPort(o.Report.Address)
	return a.Addr(), err == nil
}

func ipProtocol(o *Outcome) (float64, bool) {
	a, known := address(o)
	if a.Unmap().Is4() {
		return 4, known
	}
	return 6, known
}

func addressHash(o *Outcome) (float64, bool) {
	a, known := address(o)
	h := fnv.New32a()
	_, _ = h.Write([]byte(a.Unmap().String()))
	return float64(h.Sum32()), known
}

func earliest(s *tls.ConnectionState) (float64, bool) {
	if s == nil || len(s.PeerCertificates) == 0 {
		return 0, false
	}
	return float64(firstEnd(s.PeerCertificates).Unix()), true
}

func firstEnd(chain []*x509.Certificate) time.Time {
	first := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}

// lastChain is the end of the verified chain that lasts longest.
func lastChain(s *tls.ConnectionState) (float64, bool) {
	if s == nil {
		return 0, false
	}
	last := time.Time{}
	for _, chain := range s.VerifiedChains {
		if end := firstEnd(chain); end.After(last) {
			last = end
		}
	}
	return float64(last.Unix()), !last.IsZero()
}

func chainInfo(o *Outcome, add func(float64, ...string)) {
	s := o.Report.Session
	if s == nil || len(s.PeerCertificates) == 0 {
		return
	}
	c := s.PeerCertificates[0]
	sum := sha256.Sum256(c.Raw)
	add(1, hex.EncodeToString(sum[:]), c.Subject.String(), c.Issuer.String(), strings.Join(c.DNSNames, ","), c.SerialNumber.Text(16))
}

// httpVersion reads "HTTP/1.1 server" of the banner.
func httpVersion(o *Outcome) (float64, bool) {
	version, is := strings.CutPrefix(o.Report.Banner, "HTTP/")
	version, _, _ = strings.Cut(version, " ")
	v, err := strconv.ParseFloat(version, 64)
	return v, is && err == nil && o.Report.Status > 0
}

func httpPhases(o *Outcome, add func(float64, ...string)) {
	r := o.Report
	if r.Status == 0 {
		return
	}
	rest := max(0, r.Total-r.Resolve-r.Connect-r.TLS-r.Greeting-r.Login)
	for _, p := range []Phase{{"resolve", r.Resolve}, {"connect", r.Connect}, {"tls", r.TLS}, {"processing", r.Greeting}, {"transfer", rest}} {
		add(p.Took.Seconds(), p.Name)
	}
}

// phases are the steps of all protocols.
func phases(o *Outcome, add func(float64, ...string)) {
	for _, p := range phasesOf(o) {
		add(p.Took.Seconds(), p.Name)
	}
}

func phasesOf(o *Outcome) []Phase {
	r := o.Report
	var known []Phase
	for _, p := range append([]Phase{{"resolve", r.Resolve}, {"connect", r.Connect}, {"tls", r.TLS}, {"greeting", r.Greeting}, {"login", r.Login}}, o.Trip...) {
		if p.Took > 0 {
			known = append(known, p)
		}
	}
	return known
}
