package check

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// rules lists what the packages of the module may import. The first matching row
// applies. own are packages of the module, mods other modules; "*" matches one
// path element, "..." any suffix. never are packages that are always forbidden.
// Every package needs a row.
var rules = []struct{ of, own, mods, never string }{
	{"protocols", "", "", "flag log log/slog os/exec net/http"},
	{"protocols/transport", "protocols internal/transport", "", "flag log log/slog os os/exec net/http"},
	{"internal/transport", "protocols internal/httpauth internal/pattern internal/retry", "golang.org/x/net/... golang.org/x/sys/unix", "flag log log/slog os/exec"},
	{"protocols/file", "protocols", "golang.org/x/sys/windows", "flag log log/slog os/exec net/http"},
	{"protocols/pool", "protocols internal/retry", "", "flag log log/slog os os/exec net net/http"},
	{"cli", "internal/cli protocols", "", "flag log log/slog os os/exec"},
	{"protocols/adapter", "protocols internal/transport internal/wire", "", "flag log log/slog os os/exec net net/http"},
	{"protocols/observe", "protocols", "", "flag log os os/exec net net/http"},
	{"protocols/fsys", "protocols protocols/pool", "", "flag log log/slog os os/exec net net/http"},
	{"protocols/transfer/internal/state", "internal/mailhead protocols protocols/file", "", "flag log log/slog os/exec net net/http crypto/tls"},
	{"internal/pattern", "", "", "flag log log/slog os os/exec net net/http"},
	{"internal/programtest", "", "", "protocols internal/cli flag log log/slog net net/http crypto/tls"},
	{"protocols/transfer/internal/mailtest", "protocols protocols/file protocols/imap protocols/mailstore protocols/transfer", "", "flag log log/slog os/exec net net/http crypto/tls"},
	{"protocols/transfer/delivery", "protocols protocols/file protocols/transfer/internal/state", "", "flag log log/slog os/exec net net/http crypto/tls"},
	{"protocols/transfer/internal/adopt", "internal/retry protocols protocols/transfer/internal/*", "", "flag log log/slog os os/exec net net/http crypto/tls"},
	{"protocols/transfer/internal/naming", "", "", "flag log log/slog os os/exec net net/http crypto/tls"},
	{"protocols/transfer/internal/content", "", "", "flag log log/slog os os/exec net net/http crypto/tls"},
	{"protocols/transfer/twoway", "protocols protocols/transfer protocols/transfer/internal/*", "", "flag log log/slog os/exec net net/http crypto/tls"},
	{"protocols/transfer", "protocols protocols/file protocols/pool protocols/transfer/internal/* internal/retry", "", "flag log log/slog os/exec net/http crypto/tls"},
	{"protocols/mailstore", "internal/mailhead protocols protocols/file internal/charset", "...", "flag log log/slog os/exec net net/http"},
	{"protocols/message", "protocols internal/charset internal/maildate", "...", "flag log log/slog os/exec net"},
	{"protocols/expect", "protocols", "", "flag log log/slog os os/exec net/http"},
	{"protocols/lab", "protocols/lab/*", "", "flag log log/slog os os/exec net"}, // the front door: names of the packages below
	{"protocols/lab/base", "", "", "flag log log/slog os/exec"},                  // os: the tree of a folder
	{"protocols/lab/internal/kit", "protocols protocols/lab/base", "", "flag log log/slog os os/exec"},
	{"protocols/lab/labtest", "protocols protocols/lab/* protocols/lab/internal/kit", "", "flag log log/slog os os/exec"},
	{"protocols/lab/maillab", "protocols/lab/base protocols/lab/internal/... internal/wire", "...", "flag log log/slog os/exec"},                                                  // os: mail in a folder
	{"protocols/lab/...", "protocols/lab/... internal/wire internal/pattern internal/urgent internal/charset internal/mask internal/look", "...", "flag log log/slog os os/exec"}, // servers share nothing with the clients
	{"protocols/protocoltest", "internal/pattern protocols protocols/lab/base internal/transport internal/wire", "", "flag log log/slog os/exec net/http"},
	{"protocols/all", "protocols protocols/*", "", "net os"},
	{"protocols/xmlrpc", "protocols protocols/http internal/transport internal/charset", "...", "flag log log/slog os os/exec net"}, // own codec over the HTTP adapter's transport
	{"protocols/socket/internal/wsframe", "protocols", "", "flag log log/slog os os/exec net net/http"},
	{"protocols/socket", "protocols internal/transport protocols/socket/internal/wsframe protocols/expect internal/httpauth internal/retry internal/wire internal/urgent", "...", "flag log log/slog os/exec"},                     // net/http is its parser of the answer to an upgrade
	{"protocols/http", "protocols internal/transport protocols/http/cookies protocols/http/hsts protocols/http/internal/* internal/charset internal/httpauth internal/wire internal/retry", "...", "flag log log/slog os os/exec"}, // net/http is its parser of heads
	{"protocols/ftp/charsets", "protocols/ftp", "golang.org/x/text/...", "flag log log/slog os os/exec"},
	{"protocols/http/roundtrip", "protocols protocols/http protocols/pool", "", "flag log log/slog os os/exec"},
	{"protocols/http/cookies", "protocols internal/transport protocols/http/internal/cookiedate internal/httpauth internal/wire", "...", "flag log log/slog os os/exec"}, // net/http is its parser of heads
	{"protocols/http/hsts", "protocols internal/transport internal/wire", "", "flag log log/slog os os/exec"},                                                            // net/http is its parser of heads
	{"protocols/http/h3", "protocols internal/transport protocols/http", "...", "flag log log/slog os os/exec"},
	{"protocols/http/internal/coding", "protocols", "...", "flag log log/slog os os/exec net/http"},
	{"protocols/*/internal/*", "internal/mailhead protocols internal/transport protocols/*/internal/* internal/wire internal/sasl internal/line internal/line/login internal/inflate internal/charset internal/maildate internal/retry", "", "flag log log/slog os os/exec net/http"}, // parts of an adapter
	{"protocols/*", "internal/mailhead protocols internal/transport protocols/*/internal/* protocols/expect internal/wire internal/sasl internal/urgent internal/line internal/line/login internal/inflate internal/charset internal/maildate internal/retry", "...", "flag log log/slog os os/exec net/http"}, // the adapters
	{"internal/wire", "", "", "os net flag log log/slog"},
	{"internal/sasl", "protocols internal/wire", "...", "flag log log/slog"},
	{"internal/inflate", "protocols internal/wire", "", "os net flag log log/slog"},
	{"internal/line/login", "internal/line internal/sasl", "", "os net flag log log/slog"},
	{"internal/look", "", "", "os net flag log log/slog"},
	{"internal/line", "protocols internal/transport internal/wire internal/mask", "", "os net flag log log/slog"},
	{"internal/cli/show", "protocols internal/mask internal/pattern internal/maildate", "...", "flag log log/slog"},
	{"internal/authlab", "protocols/lab/base protocols/lab/weblab protocols/lab/internal/... internal/wire", "...", "flag log log/slog os os/exec"}, // for tests
	{"internal/oauth", "protocols internal/transport protocols/http/roundtrip", "...", "flag log log/slog os os/exec"},
	{"internal/cli/secret", "protocols protocols/file internal/transport internal/oauth internal/cli/show", "...", "flag log log/slog"},
	{"internal/cli/trace", "protocols protocols/file internal/pattern internal/look internal/cli/show", "", "flag log log/slog"},
	{"internal/mailtls", "protocols protocols/file internal/transport", "golang.org/x/net/...", "flag log log/slog os/exec net/http"}, // os: policies that are kept
	{"internal/doh", "protocols protocols/http/roundtrip", "golang.org/x/net/...", "flag log log/slog os os/exec"},
	{"internal/cli/kit", "protocols protocols/file protocols/transfer internal/transport internal/doh internal/mask internal/pattern internal/cli/show internal/cli/secret internal/retry", "...", "flag log log/slog"},
	{"internal/cli/verbs", "protocols protocols/file protocols/transfer protocols/transfer/delivery protocols/transfer/twoway protocols/expect protocols/message internal/cli/show internal/cli/kit internal/mask internal/retry internal/exporter internal/roundtrip internal/cli/secret", "...", "flag log log/slog"},
	{"internal/doctor", "protocols internal/transport protocols/*", "", "flag log log/slog os os/exec"}, // steps on the adapters
	{"internal/roundtrip", "protocols protocols/nntp internal/retry", "", "flag log log/slog os os/exec net net/http"},
	{"internal/spool", "protocols protocols/file", "", "net flag log log/slog os/exec net/http"},
	{"internal/discover", "protocols internal/transport", "", "os flag log log/slog os/exec net/http"},
	{"internal/cli/discovercmd", "protocols internal/transport protocols/http/roundtrip internal/discover internal/cli/show internal/cli/kit", "...", "flag log log/slog"},
	{"internal/cli/smtpcmd", "protocols internal/transport protocols/* protocols/http/roundtrip internal/mailtls internal/mask internal/spool internal/cli/show internal/cli/secret internal/cli/kit internal/cli/verbs internal/retry", "...", "flag log log/slog"}, // policies come over HTTPS
	{"internal/webmirror", "protocols protocols/file protocols/http internal/pattern internal/retry", "golang.org/x/net/...", "flag log log/slog os/exec"},                                                                                                           // net/http: headers
	{"internal/cli/httpcmd", "protocols internal/transport protocols/* protocols/http/h3 protocols/http/hsts protocols/http/cookies internal/mask internal/webmirror internal/cli/show internal/cli/secret internal/cli/kit internal/cli/verbs internal/retry", "...", "flag log log/slog"},
	{"internal/cli/logincmd", "protocols internal/oauth internal/cli/show internal/cli/secret internal/cli/kit", "...", "flag log log/slog"},
	{"internal/cli/doctorcmd", "protocols internal/transport protocols/* internal/doctor internal/cli/show internal/cli/secret internal/cli/kit", "...", "flag log log/slog"},
	{"internal/cli/labcmd", "protocols protocols/http protocols/lab/... internal/cli/show internal/cli/kit", "...", "flag log log/slog"},                                               // http: webhooks
	{"internal/cli/tracecmd", "protocols protocols/lab/base internal/mask internal/pattern internal/cli/show internal/cli/kit internal/cli/trace", "...", "flag log log/slog os/exec"}, // base: the certificate of a replay
	{"internal/cli/fleetcmd", "protocols protocols/file internal/fleet internal/retry internal/cli/show internal/cli/secret internal/cli/kit", "...", "flag log log/slog"},
	{"internal/cli/socketcmd", "protocols protocols/expect protocols/file protocols/socket internal/transport internal/cli/httpcmd internal/cli/show internal/cli/secret internal/cli/kit internal/cli/verbs internal/retry", "...", "flag log log/slog"},                         // headers of WebSocket
	{"internal/cli/xmlrpccmd", "protocols protocols/file protocols/http protocols/xmlrpc internal/cli/httpcmd internal/cli/show internal/cli/kit", "...", "flag log log/slog"},                                                                                                    // over HTTP, whose flags it has
	{"internal/cli/*", "protocols internal/transport protocols/* protocols/http/h3 protocols/http/hsts protocols/ftp/charsets internal/mask internal/spool internal/cli/show internal/cli/secret internal/cli/kit internal/cli/verbs internal/retry", "...", "flag log log/slog"}, // the verbs of a protocol: no row of another one's
	{"internal/cli", "protocols protocols/... internal/transport internal/mask internal/pattern internal/cli/...", "...", "flag log log/slog"},
	{"internal/fleet", "protocols protocols/file internal/retry", "github.com/nats-io/... golang.org/x/sys/...", "flag log log/slog os/exec net/http"},
	{"internal/dialogs", "protocols protocols/protocoltest internal/interop", "", "log log/slog"}, // its flag is for tests
	{"internal/oddnames", "protocols/file", "", "flag log log/slog net net/http"},                 // for tests
	{"internal/mailhead", "protocols", "", "os net flag log log/slog"},
	{"internal/*", "protocols", "...", "flag log log/slog"},
	{"packaging/surface", "", "", "net net/http os/exec"}, // counts what is exported
	{"cmd/netclients", "internal/cli", "", "flag log log/slog"},
	{"examples/...", "protocols protocols/...", "", ""},
	{"bench/peers/*", "", "github.com/knadh/go-pop3", ""}, // programs to compare with
	{"bench", "internal/interop protocols/lab protocols/lab/...", "", ""},
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		i := slices.IndexFunc(rules, func(r struct{ of, own, mods, never string }) bool { return matches(r.of, s.path) })
		if i < 0 {
			t.Errorf("%s: no row in the table of imports", s.path)
			continue
		}
		for _, imported := range s.imports {
			if r := rules[i]; !allowed(r.own, r.mods, imported) || anyMatches(r.never, imported) {
				t.Errorf("%s imports %s", s.path, imported)
			}
		}
	}
}

// TestOneImporterOfNATS: nothing but internal/fleet knows which broker a fleet has.
func TestOneImporterOfNATS(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.imports {
			if strings.HasPrefix(imported, "github.com/nats-io/") && s.path != "internal/fleet" {
				t.Errorf("%s imports %s", s.path, imported)
			}
		}
	}
}

func allowed(own, mods, imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	if below, ok := strings.CutPrefix(imported, module); ok {
		return anyMatches(own, below)
	}
	return !strings.Contains(first, ".") || anyMatches(mods, imported)
}

func anyMatches(patterns, s string) bool {
	return slices.ContainsFunc(strings.Fields(patterns), func(p string) bool { return matches(p, s) })
}

func matches(pattern, s string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "..."); ok {
		return strings.HasPrefix(s, prefix) || s == strings.TrimSuffix(prefix, "/")
	}
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"a", "a", true}, {"a", "a/b", false}, {"a/*", "a/b", true}, {"a/*", "a/b/c", false}, {"a/...", "a/b/c", true}, {"a/...", "a", true}, {"a/...", "ab", false}, {"...", "x.y/z", true},
	} {
		if got := matches(c.pattern, c.s); got != c.want {
			t.Errorf("%s, %s: %v", c.pattern, c.s, got)
		}
	}
	if allowed("protocols", "", module+"protocols/ftp") || allowed("", "", "example.org/x") || !allowed("", "", "net/url") {
		t.Error("allowed does not distinguish packages")
	}
}

// support are the packages below protocols that are not adapters.
var support = []string{"protocols/transport", "protocols/transfer", "protocols/pool", "protocols/adapter", "protocols/fsys", "protocols/observe", "protocols/lab", "protocols/all", "protocols/mailstore", "protocols/message", "protocols/expect", "protocols/protocoltest"}

func adapter(s *source) bool {
	return matches("protocols/*", s.path) && !slices.Contains(support, s.path)
}

// TestAdaptersAreInTheCatalog: every package below protocols that is not in
// support is an adapter with its Spec in protocols/all.
func TestAdaptersAreInTheCatalog(t *testing.T) {
	list := sources(t)
	i := slices.IndexFunc(list, func(s *source) bool { return s.path == "protocols/all" })
	for _, s := range list {
		if adapter(s) && !slices.Contains(list[i].imports, module+s.path) {
			t.Errorf("%s is not in protocols/all", s.path)
		}
	}
}

// openers are functions that open sockets or start TLS on them. Only the packages
// that make connections (transport) and the servers may use them.
var openers = map[string]string{
	"net":        "Dial DialTimeout DialTCP DialUDP DialUnix DialIP Dialer Listen ListenTCP ListenUDP ListenUnix ListenUnixgram ListenPacket ListenConfig ListenMulticastUDP FileConn FileListener",
	"crypto/tls": "Dial DialWithDialer Dialer Client Server Listen NewListener QUICClient",
	"net/http":   "Client Get Head Post PostForm DefaultClient DefaultTransport Transport ListenAndServe ListenAndServeTLS Serve Server",
}

func TestSocketsAreOpenedByTransport(t *testing.T) {
	allowed := exceptions{
		"internal/transport":            "the package that opens sockets",
		"protocols/http/h2.go":          "net/http's Transport uses HTTP/2 over our connection, and dials none",
		"protocols/lab/internal/frame":  "the listener of all servers",
		"internal/oauth":                "requests over package roundtrip, and where a browser comes back to",
		"internal/exporter":             "a server",
		"protocols/lab/ftplab":          "a server, with data connections",
		"protocols/lab/internal/kit":    "raw connections for tests",
		"protocols/lab/maillab":         "servers, which start TLS",
		"protocols/lab/newslab":         "a server, which starts TLS",
		"protocols/lab/socklab":         "servers, and proxies that connect to the requested target",
		"protocols/lab/textlab":         "servers, which start TLS",
		"protocols/lab/weblab":          "servers",
		"protocols/lab/service":         "serves the page",
		"protocols/lab/internal/labapi": "asks for links to this machine",
		"protocols/socket":              "servers, UNIX sockets of all types, and unconnected datagram sockets",
		"protocols/protocoltest":        "servers that play dialogues",
		"internal/fleet":                "the socket of the embedded broker; NATS opens its own",
		"internal/cli/fleetcmd":         "figures for Prometheus",
		"internal/cli/tracecmd":         "the server of a replay",
		"internal/interop":              "checks whether the real servers are up",
		"internal/dialogs":              "records from the real servers",
		"bench":                         "a proxy that delays",
		"examples/custom-dialer":        "demonstrates a custom dialer",
	}
	broken := map[string]string{}
	for _, s := range sources(t) {
		s.each(false, func(path string, f *ast.File) {
			key := s.path
			if _, file := allowed[path]; file {
				key = path
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(strings.Fields(openers[importedAs(f, x.Name)]), sel.Sel.Name) {
						broken[key] = "opens a socket with " + x.Name + "." + sel.Sel.Name + " in " + path
					}
				}
				return true
			})
		})
	}
	allowed.report(t, broken)
}

// importedAs returns the path of the package imported as name in a file.
func importedAs(f *ast.File, name string) string {
	for _, i := range f.Imports {
		p := strings.Trim(i.Path.Value, `"`)
		if i.Name != nil && i.Name.Name == name || i.Name == nil && path.Base(p) == name {
			return p
		}
	}
	return ""
}
