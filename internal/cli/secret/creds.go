// Package secret finds the names, passwords and tokens to log in with: in the URL,
// files, commands, the environment, a profile of the configuration file, the
// system's keyring, .netrc, and by asking. It also hides them in what is printed.
package secret

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// Sources is what the credentials of one target are made from.
type Sources struct {
	User, PasswordFile, PasswordCommand, NetrcFile, TokenFile, TokenCommand, Account, AuthzID string

	URL         *url.URL                                   // target; its secrets are for its host only. Nil: any
	DefaultPort string                                     // of URL's scheme; empty: the scheme has none
	Profile     *Profile                                   // may be nil
	Getenv      func(string) string                        // nil: os.Getenv
	Stdin       io.Reader                                  // for a password file "-"
	Terminal    func() (*os.File, bool)                    // to ask on; nil: never ask
	Warn        func(string)                               // nil: not told
	KeyringGet  func(service, user string) (string, error) // nil: the system's keyring

	// Reference says where the secret of the target is, and comes before all else; nil: nothing says so.
	Reference *Reference
	Tables    *Tables // for references to CSV files; nil: they are read each time

	Logins *Logins            // that were stored; nil: none
	Told   bool               // only what the user says now counts: nothing that is stored
	Web    *protocols.Options // of requests for tokens; nil: the defaults

	Found func(protocols.Credential) // is told of what is given out; nil: nobody

	// Shared is what the targets of one command have in common, so that standard
	// input is read and a command run once; nil: nothing.
	Shared *Store
}

// WithoutLogin removes the login that names no server, which is for another one: what
// the flags and NETCLIENTS_PASSWORD say, and a profile without a URL.
func (e *Sources) WithoutLogin() {
	e.User, e.PasswordFile, e.PasswordCommand, e.TokenFile, e.TokenCommand, e.Account, e.AuthzID = "", "", "", "", "", "", ""
	if e.Profile != nil && e.Profile.URL == "" {
		e.Profile = &Profile{NetrcFile: e.Profile.NetrcFile}
	}
	getenv := e.Getenv
	e.Getenv = func(name string) string {
		if name == "NETCLIENTS_PASSWORD" {
			return ""
		}
		return getenv(name)
	}
}

// NewCredentials returns the function for Options.Credentials. It looks nothing up
// before it is called, remembers what it found for each server and user, and may
// be called from many goroutines; one call at a time looks, so that nobody is
// asked twice.
func NewCredentials(env Sources) func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
	r := newResolver(env)
	return r.credential
}

// NewNamed returns the function for Options.Named: the credentials that the user named for
// the target, in its URL, with flags, or as NETCLIENTS_PASSWORD for a user named there.
// It asks nobody and looks nothing up. What is not complete is nothing.
func NewNamed(env Sources) func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
	r := newResolver(env)
	return r.named
}

// namedSources are the links of the chain that the user has set for this command.
var namedSources = []func(*search) error{(*search).fromReference, (*search).fromURL, (*search).fromFlags, (*search).fromNamedEnvironment}

func (r *resolver) named(ctx context.Context, req protocols.CredentialRequest) (protocols.Credential, error) {
	if !r.isTarget(req) {
		return protocols.Credential{}, nil
	}
	if err := r.Shared.enter(ctx); err != nil {
		return protocols.Credential{}, err
	}
	defer r.Shared.leave()
	s := &search{resolver: r, ctx: ctx, req: req}
	s.cred.User = req.User
	for _, find := range namedSources {
		if err := find(s); err != nil {
			return protocols.Credential{}, err
		}
	}
	if !s.complete() && s.cred.Token == "" {
		return protocols.Credential{}, nil
	}
	if r.Found != nil {
		r.Found(s.cred)
	}
	return s.cred, nil
}

type resolver struct {
	Sources
	found map[credKey]credResult // guarded by the store's turn
}

type credResult struct {
	cred protocols.Credential
	err  error
}

type credKey struct {
	scheme, host, port, user string
	proxy                    bool
}

func newResolver(env Sources) *resolver {
	if env.Getenv == nil {
		env.Getenv = os.Getenv
	}
	if env.Shared == nil {
		env.Shared = NewStore()
	}
	if env.Web == nil {
		env.Web = &protocols.Options{}
	}
	if env.Profile == nil {
		env.Profile = &Profile{}
	}
	return &resolver{Sources: env, found: map[credKey]credResult{}}
}

func (r *resolver) credential(ctx context.Context, req protocols.CredentialRequest) (protocols.Credential, error) {
	if err := r.Shared.enter(ctx); err != nil {
		return protocols.Credential{}, err
	}
	defer r.Shared.leave()
	key := credKey{req.Scheme, strings.ToLower(req.Host), req.Port, req.User, req.Proxy}
	if known, ok := r.found[key]; ok {
		return known.cred, known.err
	}
	c, err := r.lookUp(ctx, req)
	if r.Found != nil {
		r.Found(c)
	}
	if ctx.Err() == nil { // else the next caller may have more time
		r.found[key] = credResult{c, err}
	}
	return c, err
}

// search is one walk along the chain.
type search struct {
	*resolver
	ctx  context.Context
	req  protocols.CredentialRequest
	cred protocols.Credential
	done bool // there is a password, which may be empty
	flag bool // the password is from a flag

	nameless bool // the URL names the empty user, and a password for it (RFC 7617 2)
}

// credSource is one link of the chain. It may add a user where none is known,
// and a password for the user who is known.
type credSource struct {
	own  bool // for the target only: not for a proxy, nor where a redirect leads
	told bool // what the user says now
	find func(*search) error
}

// credSources is the order of the contract.
var credSources = []credSource{
	{own: true, find: (*search).fromReference},
	{own: true, told: true, find: (*search).fromURL},
	{own: true, told: true, find: (*search).fromFlags},
	{own: true, told: true, find: (*search).fromEnvironment},
	{own: true, find: (*search).fromProfile},
	{find: (*search).fromLogins},
	{find: (*search).fromKeyring},
	{find: (*search).fromNetrc},
	{told: true, find: (*search).fromPrompt},
}

func (r *resolver) lookUp(ctx context.Context, req protocols.CredentialRequest) (protocols.Credential, error) {
	s := &search{resolver: r, ctx: ctx, req: req}
	s.cred.User = req.User
	own := r.isTarget(req)
	if own {
		if s.cred.Account = r.Account; s.cred.Account == "" && s.profileFits() {
			s.cred.Account = string(r.Profile.Account)
		}
		s.cred.AuthzID = cmp.Or(r.AuthzID, string(r.Profile.AuthzID))
	}
	for _, source := range credSources {
		if source.own && !own || r.Told && !source.told {
			continue
		}
		if s.complete() {
			break
		}
		if err := source.find(s); err != nil {
			return protocols.Credential{}, err
		}
	}
	return s.result()
}

func (s *search) complete() bool {
	return s.nameless || s.cred.User != "" && (s.done || s.cred.Token != "")
}

// result drops a password that has found no user: without one a login is
// anonymous, and no secret belongs there.
func (s *search) result() (protocols.Credential, error) {
	if s.cred.User == "" && s.flag {
		return protocols.Credential{}, credError("there is a password but no user; add --user NAME", nil)
	}
	if s.cred.User == "" && !s.nameless {
		s.cred.Password, s.cred.Empty = "", false
	}
	if s.cred.User == "" && s.cred.Token == "" && !s.nameless {
		return protocols.Credential{Account: s.cred.Account}, nil
	}
	return s.cred, nil
}

// user offers a name. It reports whether the search is for that name now.
func (s *search) user(name string) bool {
	if s.cred.User == "" {
		s.cred.User = name
	}
	return name == "" || s.cred.User == name
}

// password takes the first one there is; a token goes without.
func (s *search) password(p string) {
	if !s.done && s.cred.Token == "" {
		s.cred.Password, s.cred.Empty, s.done = p, p == "", true
	}
}

// isTarget: the request is for the server that the user named, not for a proxy
// or for where a redirect leads. A URL without host (news:, mailto:) has no other.
func (r *resolver) isTarget(req protocols.CredentialRequest) bool {
	switch {
	case req.Proxy:
		return false
	case r.URL == nil, r.URL.Host == "":
		return true
	}
	return r.sameServer(r.URL, req)
}

// sameServer reports whether a URL names the server of a request: scheme, host and
// port. The default port is that of the target's scheme.
func (r *resolver) sameServer(u *url.URL, req protocols.CredentialRequest) bool {
	port := cmp.Or(u.Port(), r.DefaultPort)
	return strings.EqualFold(u.Scheme, req.Scheme) && strings.EqualFold(u.Hostname(), req.Host) &&
		(port == "" || req.Port == "" || port == req.Port)
}

func (s *search) fromURL() error {
	if s.URL == nil || s.URL.User == nil {
		return nil
	}
	pass, has := s.URL.User.Password()
	if !s.user(s.URL.User.Username()) || !has {
		return nil
	}
	if !transport.IsLoopback(s.URL.Hostname()) { // a test server's password is not a secret worth a warning each time
		s.warn("a password in a URL can be seen by other users of this machine and stays in the shell's history; use --password-command or the keyring")
	}
	s.password(pass)
	s.nameless = s.cred.User == "" && pass != ""
	return nil
}

func (s *search) fromFlags() error {
	if strings.Contains(s.User, ":") {
		return protocols.UsageError("", "", "--user takes the name alone; for the password there are --password-file and --password-command")
	}
	if !s.user(s.User) {
		return nil
	}
	had := s.done
	err := s.stored(s.TokenFile, s.TokenCommand, s.PasswordFile, s.PasswordCommand)
	s.flag = s.done && !had
	return err
}

// fromEnvironment is for a user who was named: the variable may be there for
// another server than the one that is asked without a login.
func (s *search) fromEnvironment() error {
	user, err := s.profileUser()
	if p := s.Getenv("NETCLIENTS_PASSWORD"); p != "" && cmp.Or(s.cred.User, user) != "" {
		s.password(p)
	}
	return err
}

// fromNamedEnvironment is fromEnvironment for a user whom the URL or a flag named.
func (s *search) fromNamedEnvironment() error {
	if p := s.Getenv("NETCLIENTS_PASSWORD"); p != "" && s.cred.User != "" {
		s.password(p)
	}
	return nil
}

func (s *search) fromProfile() error {
	user, err := s.profileUser()
	if err != nil || !s.profileFits() || !s.user(user) {
		return err
	}
	p := s.Profile
	return s.stored(string(p.TokenFile), string(p.TokenCommand), string(p.PasswordFile), string(p.PasswordCommand))
}

// profileFits reports whether the profile is for the server that asks: its URL names
// the same scheme, host and port, or it has none.
func (s *search) profileFits() bool {
	u, err := s.profileURL()
	return err == nil && (u.Host == "" || s.sameServer(u, s.req))
}

func (s *search) profileUser() (string, error) {
	u, err := s.profileURL()
	if err != nil || !s.profileFits() {
		return "", err
	}
	return cmp.Or(string(s.Profile.User), u.User.Username()), nil
}

func (s *search) profileURL() (*url.URL, error) {
	if s.Profile.URL == "" {
		return &url.URL{}, nil
	}
	return protocols.ParseURL(string(s.Profile.URL), "")
}

// stored takes a token or password from where a flag or the profile says it is.
func (s *search) stored(tokenFile, tokenCommand, passwordFile, command string) (err error) {
	if s.cred.Token == "" && tokenFile+tokenCommand != "" {
		s.cred.Token, err = s.token(tokenFile, tokenCommand)
		return err
	}
	if s.done || s.cred.Token != "" {
		return nil
	}
	secret := ""
	switch {
	case passwordFile != "":
		secret, err = s.secretFile(passwordFile)
	case command != "":
		secret, err = s.commandSecret(command)
	default:
		return nil
	}
	if err == nil {
		s.password(secret)
	}
	return err
}

func (s *search) token(file, command string) (string, error) {
	if file != "" {
		return s.secretFile(file)
	}
	return s.commandSecret(command)
}

// byCommand begins the keys of what commands said; they are asked again where a
// command of ours goes on for long.
const byCommand = "command "

func (s *search) commandSecret(command string) (string, error) {
	return s.Shared.once(byCommand+command, func() (string, error) { return runSecret(s.ctx, command) })
}

// fromNetrc passes over a default file that is missing or broken, and fails for
// one that was named.
func (s *search) fromNetrc() error {
	path, must := netrcPath(cmp.Or(s.NetrcFile, string(s.Profile.NetrcFile)), s.Getenv)
	if path == "" || s.req.Host == "" {
		return nil
	}
	entries, exposed, err := readNetrc(s.ctx, path)
	switch {
	case err != nil && must:
		return credError("", err)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		s.warn(err.Error())
		return nil
	}
	e, ok := findNetrc(entries, s.req.Host, s.cred.User)
	if !ok || e.login == "" {
		return nil
	}
	s.user(e.login)
	s.cred.Account = cmp.Or(s.cred.Account, e.account)
	if e.hasPassword {
		s.password(e.password)
		if exposed {
			s.warn(fmt.Sprintf("%s can be read by other users; chmod 600 it", path))
		}
	}
	return nil
}

// secretFile reads the first line of a file, "-" is standard input.
func (s *search) secretFile(path string) (string, error) {
	if path == "-" {
		return s.Shared.once("standard input", func() (string, error) {
			if s.Stdin == nil {
				return "", credError("there is no standard input to read a secret from", nil)
			}
			return firstLine(s.Stdin, "standard input")
		})
	}
	return FileLine(s.ctx, path, func() { s.warn(fmt.Sprintf("%s can be read by other users; chmod 600 it", path)) })
}

func (s *search) warn(text string) {
	if s.Warn != nil && s.Shared.first(text) {
		s.Warn(show.Safe(text))
	}
}

// credError keeps the kind of a file's error, and is of kind Auth else.
func credError(text string, err error) error {
	kind := protocols.KindAuth
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		kind = protocols.KindLocal
	}
	return &protocols.Error{Kind: kind, Text: text, Err: err}
}
