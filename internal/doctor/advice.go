package doctor

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// advice is what to ask the administrator of a server for an error that fits.
type advice struct {
	fits func(e *protocols.Error, text string) bool
	ask  string // {host} and {port} stand for the server's
}

// words fits an error of a kind whose text has one of the words; any kind where it is OK.
func words(kind protocols.Kind, list ...string) func(*protocols.Error, string) bool {
	return func(e *protocols.Error, text string) bool {
		if kind != protocols.KindOK && e.Kind != kind {
			return false
		}
		for _, w := range list {
			if strings.Contains(text, w) {
				return true
			}
		}
		return len(list) == 0
	}
}

func unresolved(e *protocols.Error, _ string) bool {
	_, is := errors.AsType[*net.DNSError](e)
	return is
}

// advices are looked through in order; the last one of a kind is the general one.
var advices = []advice{
	{unresolved, "which name the server has: DNS knows no {host}; a new name may take hours to be known"},
	{words(protocols.KindConnect, "refused"), "whether the service runs on {host} and listens on port {port}; nothing accepts connections there"},
	{words(protocols.KindConnect, "unreachable", "no route"), "whether there is a route to {host}; the network between says that there is none"},
	{words(protocols.KindConnect, "proxy"), "the proxy's administrator whether it may connect to {host}:{port}"},
	{words(protocols.KindTimeout, "connection to", "connect"), "to open port {port} of {host} in the firewall: packets to it are dropped without an answer"},
	{words(protocols.KindTLS, "expired"), "to renew the certificate of {host}, and to have the service load the new one"},
	{words(protocols.KindTLS, "not valid before"), "nothing yet: see whether this machine's clock is right; else the certificate's dates are wrong"},
	{words(protocols.KindTLS, "unknown authority"), "for the certificate of the authority that signed the server's (--ca-file FILE), or to have {host} send the whole chain of a public authority"},
	{words(protocols.KindTLS, "certificate is for"), "under which name the server is to be used, or for a certificate that has the name {host}"},
	{words(protocols.KindTLS, "pin"), "whether the certificate was changed, and for its SHA-256 fingerprint"},
	{words(protocols.KindTLS, "client certificate", "certificate required", "bad certificate"), "for a client certificate (--cert FILE --key FILE)"},
	{words(protocols.KindTLS, "version"), "to allow TLS 1.2 or 1.3; the server knows older versions only"},
	{words(protocols.KindTLS, "does not speak tls"), "which port speaks TLS from the start; this one does not"},
	{words(protocols.KindOK, "session reuse", "session resumption", "not resumed", "ssl_reuse"), "to turn on the TLS session cache or tickets of the FTP service, or not to require reuse on data connections"},
	{words(protocols.KindTLS, "data connections"), "to allow PROT P: the server does not encrypt data connections"},
	{words(protocols.KindTLS, "refused", "not offered", "does not offer", "unavailable"), "to turn TLS on for this service (certificate and key), or for the port that has it"},
	{words(protocols.KindTLS), "what the service's log says about this handshake"},
	{words(protocols.KindAuth, "without tls"), "to offer TLS on this port: a password must not go there unencrypted"},
	{words(protocols.KindAuth, "no password", "no way to log in", "no login"), "which login the service wants"},
	{words(protocols.KindAuth), "whether the account exists and may use this service, and whether it wants a password of its own (application password) or a token"},
	{words(protocols.KindTimeout), "what the service does at this moment: the connection stands, but no answer comes"},
	{words(protocols.KindTemporary), "when the service is available again; this is a passing refusal"},
	{words(protocols.KindProtocol, "closed", "cut"), "why the server ends connections from this address: a limit, a block list, or a service that crashes (see its log)"},
	{words(protocols.KindProtocol), "what listens on port {port}: the answers are not those of this protocol"},
	{words(protocols.KindRefused), "whether this account may do that"},
	{words(protocols.KindConnect), "why the connection ended; the service's log may tell"},
}

// ask returns what to ask the administrator about an error, or "".
func (w *walk) ask(err error) string {
	e := &protocols.Error{}
	if !errors.As(protocols.Wrap(err, "", "", ""), &e) {
		return ""
	}
	text := strings.ToLower(message(err))
	for _, a := range advices {
		if a.fits(e, text) {
			return strings.NewReplacer("{host}", w.host, "{port}", w.port).Replace(a.ask)
		}
	}
	return ""
}

// count writes a number with its word.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
