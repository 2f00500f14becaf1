package check

import (
	"go/ast"
	"strings"
	"testing"
)

// parsers are the packages besides the adapters that parse input from servers,
// the network or files of other programs. Each needs a fuzz target.
var parsers = map[string]bool{
	"protocols":                          true, // URLs
	"internal/transport":                 true, // TLS records, proxies' answers, host names
	"protocols/lab/base":                 true, // fault specs
	"protocols/lab/internal/saslserver":  true, // responses
	"protocols/lab/ftplab":               true, // commands of clients
	"protocols/lab/maillab":              true, // commands of clients
	"protocols/lab/newslab":              true, // commands of clients
	"protocols/lab/textlab":              true, // commands of clients
	"protocols/lab/socklab":              true, // requests to proxies
	"protocols/mailstore":                true, // mbox files
	"protocols/expect":                   true, // scripts
	"protocols/message":                  true, // headers, mailto: URLs
	"protocols/adapter":                  true, // words of lines
	"protocols/http/internal/coding":     true, // content codings
	"protocols/http/internal/cookiedate": true, // dates of cookies
	"protocols/http/hsts":                true, // files, and a field
	"protocols/http/cookies":             true, // cookies and files of them
	"internal/httpauth":                  true, // challenges
	"internal/wire":                      true, // lines, replies, dots
	"internal/inflate":                   true, // compressed streams
	"internal/cli/secret":                true, // .netrc
	"internal/cli/show":                  true, // text of servers
}

// TestParsersAreFuzzed: every parser of untrusted bytes has a fuzz target. The
// adapter of local files parses nothing.
func TestParsersAreFuzzed(t *testing.T) {
	for _, s := range sources(t) {
		if !parsers[s.path] && (!adapter(s) || s.path == "protocols/file") {
			continue
		}
		found := false
		s.each(true, func(path string, f *ast.File) {
			for _, d := range f.Decls {
				d, ok := d.(*ast.FuncDecl)
				found = found || ok && d.Recv == nil && strings.HasPrefix(d.Name.Name, "Fuzz") && strings.HasSuffix(path, "_test.go")
			}
		})
		if !found {
			t.Errorf("%s has no fuzz target", s.path)
		}
	}
}
