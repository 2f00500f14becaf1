package transport

import (
	"net/textproto"

	"golang.org/x/net/http/httpguts"

	"github.com/netclients/netclients/protocols"
)

// framing fields decide where a request goes and where it ends: they are ours alone.
var framing = map[string]bool{"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true, "Expect": true, "Te": true, "Trailer": true, "Upgrade": true}

// ProxyHeader returns a copy of the options' fields for HTTP proxies, names in canonical
// form. A field that does not stay in its line, or would change the request's framing, is
// an error of kind Usage, which does not show its value.
func ProxyHeader(o *protocols.Options) (map[string][]string, error) {
	fields := map[string][]string{}
	for name, values := range o.ProxyHeader {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, protocols.UsageError("", "", "header for the proxy: its name is not a word")
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if framing[name] {
			return nil, protocols.UsageError("", "", "header "+name+" for the proxy: it cannot be set")
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return nil, protocols.UsageError("", "", "header "+name+" for the proxy: a character that no header may hold, such as a line break")
			}
		}
		fields[name] = append(fields[name], values...)
	}
	return fields, nil
}
