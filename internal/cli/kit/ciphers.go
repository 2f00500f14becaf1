package kit

import (
	"crypto/tls"
	"strings"
)

// openSSLNames are OpenSSL's names of the cipher suites of TLS 1.2 that crypto/tls has.
var openSSLNames = map[string]uint16{
	"ECDHE-ECDSA-AES128-GCM-SHA256": tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-ECDSA-AES256-GCM-SHA384": tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-RSA-AES128-GCM-SHA256":   tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-RSA-AES256-GCM-SHA384":   tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-ECDSA-CHACHA20-POLY1305": tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	"ECDHE-RSA-CHACHA20-POLY1305":   tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	"ECDHE-ECDSA-AES128-SHA":        tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
	"ECDHE-ECDSA-AES256-SHA":        tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	"ECDHE-ECDSA-AES128-SHA256":     tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
	"ECDHE-RSA-AES128-SHA":          tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	"ECDHE-RSA-AES256-SHA":          tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	"ECDHE-RSA-AES128-SHA256":       tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
	"AES128-GCM-SHA256":             tls.TLS_RSA_WITH_AES_128_GCM_SHA256,
	"AES256-GCM-SHA384":             tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
	"AES128-SHA":                    tls.TLS_RSA_WITH_AES_128_CBC_SHA,
	"AES256-SHA":                    tls.TLS_RSA_WITH_AES_256_CBC_SHA,
	"AES128-SHA256":                 tls.TLS_RSA_WITH_AES_128_CBC_SHA256,
	"DES-CBC3-SHA":                  tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
}

// cipherSuites reads --ciphers. TLS 1.3 has suites of its own, all of them good, which
// crypto/tls does not let anybody choose.
func cipherSuites(list string) (ids []uint16, err error) {
	known := map[string]uint16{}
	for _, suites := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range suites {
			if s.SupportedVersions[0] < tls.VersionTLS13 {
				known[s.Name] = s.ID
			}
		}
	}
	for name := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' }) {
		upper := strings.ToUpper(name)
		id, ok := known[upper]
		if !ok {
			id, ok = openSSLNames[upper]
		}
		switch {
		case strings.HasPrefix(upper, "TLS_AES_"), strings.HasPrefix(upper, "TLS_CHACHA20_"):
			return nil, Usage("--ciphers: %s is of TLS 1.3, whose suites cannot be chosen", name)
		case !ok:
			return nil, Usage("--ciphers: unknown cipher suite %q; want names such as ECDHE-RSA-AES128-GCM-SHA256 or TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", name)
		}
		ids = append(ids, id)
	}
	if ids == nil && list != "" {
		return nil, Usage("--ciphers: no cipher suite is named")
	}
	return ids, nil
}

// alpnNames reads --alpn (RFC 7301 3.1: names of 1 to 255 bytes).
func alpnNames(list string) (names []string, err error) {
	if list == "" {
		return nil, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name == "" || len(name) > 255 {
			return nil, Usage("--alpn: want names with commas between, such as h2,http/1.1")
		}
		names = append(names, name)
	}
	return names, nil
}
