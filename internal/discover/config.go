package discover

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// maxConfig bounds a configuration, maxServers what is taken of it.
const (
	maxConfig  = 256 << 10
	maxServers = 64
)

// clientConfig is a configuration for mail programs, config-v1.1.
type clientConfig struct {
	XMLName   xml.Name `xml:"clientConfig"`
	Providers []struct {
		Incoming []configServer `xml:"incomingServer"`
		Outgoing []configServer `xml:"outgoingServer"`
	} `xml:"emailProvider"`
}

type configServer struct {
	Type     string   `xml:"type,attr"`
	Host     string   `xml:"hostname"`
	Port     int      `xml:"port"`
	Socket   string   `xml:"socketType"`
	User     string   `xml:"username"`
	Auth     []string `xml:"authentication"`
	Password string   `xml:"password"` // never used: a password in a public file is nobody's
}

// schemes of a type of server, by its kind of TLS.
var configSchemes = map[string]map[string]string{
	"imap": {"implicit": "imaps", "upgrade": "imap", "none": "imap"},
	"pop3": {"implicit": "pop3s", "upgrade": "pop3", "none": "pop3"},
	"smtp": {"implicit": "smtps", "upgrade": "submission", "none": "smtp"},
}

var socketTypes = map[string]string{"SSL": "implicit", "STARTTLS": "upgrade", "PLAIN": "none"}

// parseConfig reads a configuration for an account. Servers that are not understood are
// left out.
func parseConfig(b []byte, local, domain, from string) ([]Service, error) {
	var c clientConfig
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict, d.CharsetReader = true, func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	if err := d.Decode(&c); err != nil {
		return nil, &protocols.Error{Op: "discover", URL: from, Kind: protocols.KindProtocol, Text: "not a configuration for mail programs: " + err.Error()}
	}
	place := strings.NewReplacer("%EMAILADDRESS%", local+"@"+domain, "%EMAILLOCALPART%", local, "%EMAILDOMAIN%", domain)
	var found []Service
	for _, p := range c.Providers {
		for _, s := range append(p.Incoming, p.Outgoing...) {
			tls := socketTypes[strings.ToUpper(strings.TrimSpace(s.Socket))]
			kind := strings.ToLower(s.Type)
			scheme := configSchemes[kind][tls]
			host, err := transport.Host(strings.TrimSpace(place.Replace(s.Host)))
			if scheme == "" || err != nil || host == "" || s.Port < 0 || s.Port > 65535 || len(found) >= maxServers {
				continue
			}
			one := Service{Protocol: kind, TLS: tls, Source: "autoconfig", From: from, URL: serviceURL(scheme, strings.TrimSpace(place.Replace(s.User)), host, s.Port)}
			for _, a := range s.Auth {
				if a = strings.TrimSpace(a); a != "" {
					one.Auth = append(one.Auth, a)
				}
			}
			if tls == "none" {
				one.Note = "without TLS: no password is sent there"
			}
			found = append(found, one)
		}
	}
	order(found)
	return found, nil
}
