package kit

import (
	"cmp"
	"io"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/protocols"
)

// Globals holds the flags that work everywhere.
type Globals struct {
	given func(flag string) bool // see Given
	base  map[string]bool        // flags of the shell that a line is of
	set   *pflag.FlagSet         // that was read

	JSON, quiet, Verbose, noProgress bool
	keys                             []string // of --json=K1,K2
	JQ, Template, Trace              string
	color                            Choice

	timeout, connectTimeout, IdleTimeout, RetryWait Duration
	stats                                           Duration
	Retries                                         Count

	tls, tlsMin, tlsMax       Choice
	insecure                  bool
	caFile, cert, key, server string
	caPath, ciphers, alpn     string
	keyPasswordFile           string
	KeyLog                    io.WriteCloser // of SSLKEYLOGFILE; nil: none
	pins                      pins

	user, passwordFile, passwordCommand, netrcFile, tokenFile, tokenCommand string
	auth, authzID, account, Profile                                         string
	allowPlaintext                                                          bool

	proxy, preProxy    string
	bind, dohURL       string
	noProxy            string
	ProxyHeaders       []string // as in --proxy-header
	proxyCommand       string
	connectTo, resolve hostMap
	ip4, ip6           bool
	limitRate, MaxSize Size
	Span               span
}

// NewGlobals returns the flags with their defaults.
func NewGlobals() *Globals {
	return &Globals{
		color:          OneOf("auto", "auto", "always", "never"),
		tls:            OneOf("auto", "auto", "require", "off"),
		tlsMin:         OneOf("1.2", "1.0", "1.1", "1.2", "1.3"),
		tlsMax:         OneOf("1.3", "1.2", "1.3"),
		connectTimeout: Duration(protocols.DefaultConnectTimeout),
		IdleTimeout:    Duration(protocols.DefaultIdleTimeout),
		Retries:        Count{3, 1000},
		RetryWait:      Duration(500 * time.Millisecond),
		resolve:        hostMap{form: "HOST:PORT:ADDR", decode: resolveFields},
		connectTo:      hostMap{form: "HOST:PORT:HOST:PORT", decode: connectFields},
	}
}

// Register adds the flags to fs.
func (g *Globals) Register(fs *pflag.FlagSet) {
	g.OutputFlags(fs)
	g.TimeFlags(fs)
	g.TLSFlags(fs)
	g.LoginFlags(fs)
	g.NetworkFlags(fs)
}

// OutputFlags adds the flags about results.
func (g *Globals) OutputFlags(fs *pflag.FlagSet) {
	fs.Var(jsonFlag{g}, "json", "print one JSON object per line; --json=K1,K2 with these keys only")
	fs.Lookup("json").NoOptDefVal = "true"
	fs.StringVar(&g.JQ, "jq", "", "filter each JSON object with the jq expression `EXPR`")
	fs.StringVar(&g.Template, "template", "", "print each JSON object by a `TEMPLATE` of Go's text/template, '{{.name}}\\t{{.size}}'")
	fs.BoolVarP(&g.quiet, "quiet", "q", false, "print errors only")
	fs.BoolVarP(&g.Verbose, "verbose", "v", false, "print each step")
	fs.BoolVar(&g.noProgress, "no-progress", false, "no progress bars")
	fs.Var(&g.stats, "stats", "write a line of progress this often instead of bars, for logs")
	fs.Var(&g.color, "color", "colour: auto, always or never")
	fs.StringVar(&g.Trace, "trace", "", "write a transcript of the wire protocol to `FILE` (.html, .jsonl or text; - is standard error)")
}

// TimeFlags adds the flags about time limits and retries.
func (g *Globals) TimeFlags(fs *pflag.FlagSet) {
	g.timeout = Duration(wholeTimeout)
	fs.Var(&g.timeout, "timeout", "maximum time for the whole command; 0 for no limit")
	fs.Var(&g.connectTimeout, "connect-timeout", "maximum time to connect, including TLS; 0 for no limit")
	fs.Var(&g.IdleTimeout, "idle-timeout", "maximum time without data; 0 for no limit")
	fs.Var(&g.Retries, "retries", "retry transient failures up to N times")
	fs.Var(&g.RetryWait, "retry-wait", "delay before the first retry; doubles each time")
}

// TLSFlags adds the flags about TLS.
func (g *Globals) TLSFlags(fs *pflag.FlagSet) {
	fs.Var(&g.tls, "tls", "upgrade to TLS: auto (when offered), require or off")
	fs.BoolVarP(&g.insecure, "insecure", "k", false, "do not verify certificates")
	fs.StringVar(&g.caFile, "ca-file", "", "trust only the CA certificates in `FILE` (PEM)")
	fs.StringVar(&g.caPath, "capath", "", "trust only the CA certificates in the files of this folder `DIR`")
	fs.StringVar(&g.cert, "cert", "", "client certificate `FILE` (PEM)")
	fs.StringVar(&g.key, "key", "", "private key `FILE` (PEM), if --cert does not contain it")
	fs.StringVar(&g.keyPasswordFile, "key-password-file", "", "read the password of an encrypted key from the first line of `FILE`")
	fs.Var(&g.tlsMin, "tls-min", "minimum TLS version")
	fs.Var(&g.tlsMax, "tls-max", "maximum TLS version")
	fs.StringVar(&g.ciphers, "ciphers", "", "use only these cipher suites up to TLS 1.2: a `LIST` of names of OpenSSL or IANA with : or , between")
	fs.StringVar(&g.alpn, "alpn", "", "offer these application protocols (ALPN): a `LIST` with commas between")
	fs.StringVar(&g.server, "servername", "", "verify the certificate for this `NAME`")
	fs.Var(&g.pins, "pin", "accept only this certificate or public key: SHA-256 in hex, or sha256//BASE64")
}

// LoginFlags adds the flags about logins.
func (g *Globals) LoginFlags(fs *pflag.FlagSet) {
	fs.StringVarP(&g.user, "user", "u", "", "user `NAME` to log in with")
	fs.StringVar(&g.passwordFile, "password-file", "", "read the password from the first line of `FILE`, or - for standard input")
	fs.StringVar(&g.passwordCommand, "password-command", "", "run `CMD` and use the first line of its output as the password")
	fs.StringVar(&g.netrcFile, "netrc-file", "", "read `FILE` instead of ~/.netrc")
	fs.StringVar(&g.tokenFile, "token-file", "", "read a bearer token from `FILE` (XOAUTH2, OAUTHBEARER, Bearer)")
	fs.StringVar(&g.tokenCommand, "token-command", "", "run `CMD` and use the first line of its output as the bearer token")
	fs.StringVar(&g.auth, "auth", "", "use only this authentication `MECHANISM`")
	fs.StringVar(&g.authzID, "authzid", "", "act as this `IDENTITY`")
	fs.StringVar(&g.account, "account", "", "account `NAME` (FTP ACCT)")
	fs.BoolVar(&g.allowPlaintext, "allow-plaintext-auth", false, "send a password without TLS to a remote host")
	fs.StringVar(&g.Profile, "profile", "", "use the settings of profile `NAME` in the configuration file")
}

// NetworkFlags adds the flags about connections and limits.
func (g *Globals) NetworkFlags(fs *pflag.FlagSet) {
	fs.StringVarP(&g.proxy, "proxy", "x", "", "connect through the proxy `URL` (socks5, socks5h, socks4, socks4a, http, https); empty for none")
	fs.StringVar(&g.preProxy, "preproxy", "", "reach the proxy itself through the SOCKS proxy `URL`")
	fs.StringArrayVar(&g.ProxyHeaders, "proxy-header", nil, "`HEADER` for the HTTP proxy only, 'Name: value'; servers do not get it")
	fs.StringVar(&g.noProxy, "noproxy", "", "go to the hosts of `LIST` without a proxy: names, .domains, addresses, networks (10.0.0.0/8), or * for all")
	fs.StringVar(&g.proxyCommand, "proxy-command", "", "connect by running `CMD` and talking to its input and output; %h and %p in it are host and port")
	fs.Var(&g.connectTo, "connect-to", "connect to the second HOST:PORT instead of the first")
	fs.Var(&g.resolve, "resolve", "use ADDR for HOST; several with commas between are tried like those of a name")
	fs.StringVar(&g.dohURL, "doh-url", "", "resolve names by DNS over HTTPS, at the server `URL`")
	fs.StringVar(&g.bind, "bind", "", "connect from this local `ADDR`, or interface")
	fs.BoolVarP(&g.ip4, "ipv4", "4", false, "IPv4 only")
	fs.BoolVarP(&g.ip6, "ipv6", "6", false, "IPv6 only")
	fs.Var(&g.limitRate, "limit-rate", "maximum bytes per second over all connections")
	fs.Var(&g.MaxSize, "max-size", "refuse objects larger than this")
	fs.Var(&g.Span, "range", "only bytes `A-B` of the content, A- to the end, -N the last N (cat, get)")
}

// Output returns what the flags say about results; hidden is what no message shows.
func (g *Globals) Output(hidden *mask.Mask) show.Options {
	return show.Options{JSON: g.JSON, Quiet: g.quiet, Verbose: g.Verbose, JQ: g.JQ, Keys: g.keys, Template: g.Template, Colour: g.color.Value, Hidden: hidden}
}

// Read makes the flags those of fs, which has been parsed.
func (g *Globals) Read(fs *pflag.FlagSet) { g.given, g.set = fs.Changed, fs }

// Value returns the text of a flag that the user gave, or "".
func (g *Globals) Value(flag string) string {
	if !g.Given(flag) || g.set == nil {
		return ""
	}
	return g.set.Lookup(flag).Value.String()
}

// Given reports whether the user gave a flag, on the command line, in the environment
// or by a profile: also when the value is the default.
func (g *Globals) Given(flag string) bool { return g.base[flag] || g.given != nil && g.given(flag) }

// Base sets the flags in words, those of the shell that the line is of. They count as
// given, and not as flags of the line. Flags that the line's verb has not are passed over.
func (g *Globals) Base(fs *pflag.FlagSet, words []string) error {
	g.base = map[string]bool{}
	was := fs.ParseErrorsAllowlist
	fs.ParseErrorsAllowlist.UnknownFlags = true
	defer func() { fs.ParseErrorsAllowlist = was }()
	return fs.ParseAll(words, func(f *pflag.Flag, value string) error {
		g.base[f.Name] = true
		return f.Value.Set(value)
	})
}

// forLine are the flags that work everywhere and are about one line, not about its clients.
var forLine = []string{"json", "jq", "quiet", "no-progress", "stats", "color", "timeout", "retries", "retry-wait", "max-size", "range"}

// SetsClients reports whether the user gave flags that change what clients are: of these,
// all of a protocol are.
func (g *Globals) SetsClients(fs, everywhere *pflag.FlagSet, active []*Setup) (sets bool) {
	fs.Visit(func(f *pflag.Flag) {
		own := slices.ContainsFunc(active, func(s *Setup) bool { return slices.Contains(s.Own, f.Name) })
		sets = sets || own || everywhere.Lookup(f.Name) != nil && !slices.Contains(forLine, f.Name)
	})
	return sets
}

// TokenFile returns the file that --token-file names.
func (g *Globals) TokenFile() string { return g.tokenFile }

// ShowsProgress reports whether the user wants to see how far the work is.
func (g *Globals) ShowsProgress() bool {
	return !g.quiet && !g.noProgress && !g.Verbose && g.stats == 0
}

// StatsEvery returns how often the user wants a line of progress, 0 for never.
func (g *Globals) StatsEvery() time.Duration {
	if g.quiet {
		return 0
	}
	return time.Duration(g.stats)
}

// hasLogin reports whether the flags name a user, a password or a token.
func (g *Globals) hasLogin() bool {
	return cmp.Or(g.user, g.passwordFile, g.passwordCommand, g.tokenFile, g.tokenCommand) != ""
}
