// Package logincmd has login and logout: passwords and tokens that are kept for later
// commands.
package logincmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/oauth"
	"github.com/netclients/netclients/protocols"
)

// loginer is login with its flags.
type loginer struct {
	provider, client, secretFile string
	scopes                       []string
	device, list, unchecked      bool
}

// used are the flags that work everywhere and have an effect here.
var used = []string{
	"connect-timeout", "idle-timeout", "trace", "tls", "tls-min", "tls-max", "insecure", "ca-file", "cert", "key", "key-password-file", "servername", "pin",
	"user", "password-file", "password-command", "auth", "proxy", "proxy-header", "noproxy", "proxy-command", "connect-to", "resolve", "bind", "ipv4", "ipv6",
}

// Commands returns login and logout.
func Commands() []*kit.Command {
	l := &loginer{}
	return []*kit.Command{
		{
			Name: "login", Args: "[URL...]", Short: "keep a password or token for servers, in the system keyring or a file of mode 0600",
			Long: "login asks for a password, or gets a token from an authorization server (--oauth), tries it, and keeps it. Later commands for these servers use it " +
				"without flags; tokens are refreshed. With several URLs the first one is tried, and the login is for all of them.",
			Example: "  netclients login imaps://alice@mail.example.org smtps://alice@mail.example.org\n" +
				"  netclients login --oauth google --client-id ID --client-secret-file FILE imaps://alice@gmail.com@imap.gmail.com\n" +
				"  netclients login --oauth https://login.example.org --device --client-id ID imaps://alice@mail.example.org\n  netclients login --list",
			Uses: used, Flags: l.flags, Run: l.run,
		},
		{Name: "logout", Args: "URL...", Short: "forget a login, and have its tokens revoked", Uses: used, Run: logout},
	}
}

func (l *loginer) flags(fs *pflag.FlagSet) {
	fs.StringVar(&l.provider, "oauth", "", "get a token from google, microsoft, or the authorization server with this `ISSUER` URL")
	fs.StringVar(&l.client, "client-id", "", "`ID` that the authorization server knows this program by; you register it there")
	fs.StringVar(&l.secretFile, "client-secret-file", "", "read the client's secret from the first line of `FILE`, where the server wants one")
	fs.StringSliceVar(&l.scopes, "scope", nil, "ask for this `SCOPE` in place of the usual ones")
	fs.BoolVar(&l.device, "device", false, "with --oauth: log in on another device, with a code")
	fs.BoolVar(&l.list, "list", false, "list the logins that are kept")
	fs.BoolVar(&l.unchecked, "no-check", false, "keep the login without trying it")
}

// loginJSON is a login that is kept.
type loginJSON struct {
	User     string   `json:"user"`
	Servers  []string `json:"servers"`
	Provider string   `json:"provider,omitempty"`
	Expires  string   `json:"expires,omitempty"` // of the token, which is refreshed then
	Stored   string   `json:"stored"`            // keyring or file
}

func (l *loginer) run(ctx context.Context, e *kit.Env, args []string) error {
	logins := secret.OpenLogins(os.Getenv)
	switch {
	case l.list && len(args) > 0:
		return kit.Usage("login --list takes no URL")
	case l.list:
		return list(ctx, e, logins)
	case len(args) == 0:
		return kit.Usage("login: URL is missing: netclients login URL...; for example: netclients login imaps://alice@mail.example.org")
	case l.provider == "" && (l.device || l.client != "" || l.secretFile != "" || len(l.scopes) > 0):
		return kit.Usage("login: --device, --client-id, --client-secret-file and --scope are for --oauth")
	case l.provider != "" && l.client == "":
		return kit.Usage("login --oauth needs --client-id: register a client (a desktop app) at the authorization server, or ask its administrator for one")
	}
	targets, err := e.Targets(args)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if t.URL.Host == "" || t.Spec.Hidden {
			return kit.Usage("login: %s names no server", protocols.Redact(t.URL))
		}
	}
	kept, secrets, err := l.get(ctx, e, targets)
	if err != nil {
		return protocols.Wrap(err, targets[0].Spec.Name, "login", protocols.Redact(targets[0].URL))
	}
	if err := l.try(ctx, e, targets[0], kept, secrets); err != nil {
		return err
	}
	if err := logins.Store(ctx, kept.Login, secrets); err != nil {
		return err
	}
	return e.Out.Record(kept.json(), func() string { return kept.text() })
}

// get asks for the password, or gets a token.
func (l *loginer) get(ctx context.Context, e *kit.Env, targets []*protocols.Target) (*printable, secret.Secrets, error) {
	none := secret.Secrets{}
	user := e.LoginUser(targets[0])
	if user == "" {
		return nil, none, kit.Usage("login: the URL names no user, and there is no --user")
	}
	kept := &printable{secret.NewLogin(user, servers(targets)...)}
	if l.provider == "" {
		cred, err := e.AskCredential(ctx, targets[0])
		switch {
		case err != nil:
			return nil, none, err
		case !cred.HasPassword():
			return nil, none, &protocols.Error{Kind: protocols.KindAuth, Text: "there is no password to keep: no terminal to ask on", Hint: "--password-file - reads it from standard input"}
		}
		return kept, secret.Secrets{Password: cred.Password}, nil
	}
	p, err := oauth.Discover(ctx, l.provider, l.scopes, e.Opts)
	if err != nil {
		return nil, none, err
	}
	secrets, err := l.token(ctx, e, p, kept)
	return kept, secrets, err
}

// token gets tokens from a provider.
func (l *loginer) token(ctx context.Context, e *kit.Env, p oauth.Provider, kept *printable) (s secret.Secrets, err error) {
	if l.secretFile != "" {
		if s.ClientSecret, err = secret.FileLine(ctx, l.secretFile, nil); err != nil {
			return s, err
		}
	}
	c := oauth.New(p, l.client, s.ClientSecret, e.Opts)
	defer c.Close()
	get := func() (t *oauth.Token, err error) { return c.Browser(ctx, func(url string) { browse(e.Out, url) }) }
	if l.device {
		get = func() (*oauth.Token, error) { return c.Device(ctx, func(d oauth.Device) { instruct(e.Out, d) }) }
	}
	t, err := get()
	if err != nil {
		return s, err
	}
	e.Out.Hidden.Add(t.AccessToken, t.RefreshToken)
	if t.RefreshToken == "" {
		e.Out.Warn("the authorization server gave no refresh token: the login ends with its token")
	}
	s.Access, s.Refresh = t.AccessToken, t.RefreshToken
	kept.OAuth, kept.Client, kept.Expires = &p, l.client, t.Expiry.UTC().Truncate(time.Second)
	if t.Expiry.IsZero() {
		kept.Expires = time.Time{}
	}
	kept.Servers = append(kept.Servers, p.Servers...)
	return s, nil
}

// instruct tells a person what to do for the device flow.
func instruct(o *show.Output, d oauth.Device) {
	o.Insist(fmt.Sprintf("Open %s on any device and enter the code %s", d.URL, d.Code))
	if d.Complete != "" {
		o.Insist("or open " + d.Complete)
	}
}

// browsers are the programs that open a page, by system.
var browsers = map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}

// browse shows the page to log in at, and opens it where there is a terminal or a
// program for it.
func browse(o *show.Output, url string) {
	o.Insist("Log in at " + url)
	argv := strings.Fields(os.Getenv("BROWSER"))
	if len(argv) == 0 {
		if !show.IsTerminal(os.Stderr) {
			return
		}
		if argv = browsers[runtime.GOOS]; argv == nil {
			argv = []string{"xdg-open"}
		}
	}
	cmd := exec.Command(argv[0], append(argv[1:], url)...)
	cmd.Env = secret.Environ()
	if err := cmd.Start(); err != nil {
		o.Detail("no browser was opened: " + err.Error())
		return
	}
	go func() { _ = cmd.Wait() }()
}

// servers are the names of the targets' servers, and of the protocol's other schemes
// there, where the usual ports are meant: STARTTLS and TLS from the start are one
// service.
func servers(targets []*protocols.Target) []string {
	var all []string
	for _, t := range targets {
		host, port := protocols.HostPort(t.URL, t.Scheme)
		all = append(all, secret.Server(t.URL.Scheme, host, port))
		if port != strconv.Itoa(t.Scheme.Port) || t.Scheme.TLS == protocols.TLSNone {
			continue
		}
		for _, s := range t.Spec.Schemes {
			if s.Port != 0 && s.TLS != protocols.TLSNone && s.Name != t.URL.Scheme {
				all = append(all, secret.Server(s.Name, host, strconv.Itoa(s.Port)))
			}
		}
	}
	return all
}

// try logs in with what is to be kept.
func (l *loginer) try(ctx context.Context, e *kit.Env, t *protocols.Target, kept *printable, s secret.Secrets) error {
	if l.unchecked {
		return nil
	}
	o := *e.OptionsFor(t)
	o.ProbeLogin = true
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: kept.User, Password: s.Password, Token: s.Access}, nil
	}
	c, err := e.DialWith(t, &o)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Probe(ctx)
	if e, is := errors.AsType[*protocols.Error](err); is && e.Hint == "" {
		e.Hint = "nothing is kept; --no-check keeps a login without trying it"
	}
	return protocols.Wrap(err, t.Spec.Name, "login", protocols.Redact(t.URL))
}

// printable is a login with its forms for the user.
type printable struct{ *secret.Login }

func (p *printable) json() loginJSON {
	j := loginJSON{User: p.User, Servers: p.Servers, Stored: map[bool]string{true: "keyring", false: "file"}[p.Keyring]}
	if p.OAuth != nil {
		j.Provider = p.OAuth.Name
	}
	if !p.Expires.IsZero() {
		j.Expires = p.Expires.Format(time.RFC3339)
	}
	return j
}

func (p *printable) text() string {
	text := show.Safe(p.User) + " at " + show.Safe(strings.Join(p.Servers, ", "))
	if p.OAuth != nil {
		text += ", token of " + show.Safe(p.OAuth.Name)
	}
	if !p.Expires.IsZero() {
		text += ", until " + p.Expires.Local().Format(time.DateTime) + ", then refreshed"
	}
	return text + map[bool]string{true: ", in the system keyring", false: ", in a file (mode 0600)"}[p.Keyring]
}

func list(ctx context.Context, e *kit.Env, logins *secret.Logins) error {
	all, err := logins.List(ctx)
	if err != nil {
		return err
	}
	for _, l := range all {
		p := &printable{l}
		if err := e.Out.Record(p.json(), p.text); err != nil {
			return err
		}
	}
	return nil
}

// logout forgets the logins for URLs.
func logout(ctx context.Context, e *kit.Env, args []string) error {
	logins := secret.OpenLogins(os.Getenv)
	return e.Each(ctx, args, func(text string) error {
		t, err := e.Target(text)
		if err != nil {
			return err
		}
		all, err := logins.List(ctx)
		if err != nil {
			return err
		}
		n := 0
		for _, l := range all {
			if !l.For(t.URL, strconv.Itoa(t.Scheme.Port)) {
				continue
			}
			n++
			if err := end(ctx, e, logins, l); err != nil {
				return err
			}
		}
		if n == 0 {
			return &protocols.Error{Op: "logout", URL: protocols.Redact(t.URL), Kind: protocols.KindAuth, Text: "no login is kept for this server", Hint: "netclients login --list shows those there are"}
		}
		return nil
	})
}

// end revokes the tokens of a login, as far as that goes, and forgets it.
func end(ctx context.Context, e *kit.Env, logins *secret.Logins, l *secret.Login) error {
	if l.OAuth != nil {
		s, err := logins.Secret(ctx, l)
		if err == nil {
			e.Out.Hidden.Add(s.Access, s.Refresh, s.ClientSecret)
			c := oauth.New(*l.OAuth, l.Client, s.ClientSecret, e.Opts)
			err = c.Revoke(ctx, cmp.Or(s.Refresh, s.Access))
			c.Close()
		}
		if err != nil {
			e.Out.Warn("the token of " + l.User + " is forgotten here, and may still be good: " + err.Error())
		}
	}
	return logins.Remove(ctx, l)
}
