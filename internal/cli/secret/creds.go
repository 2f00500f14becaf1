// Package secret finds the names, passwords and tokens to log in with: in the URL,
// files, commands, the environment, a profile of the configuration file, the
// system's keyring, .netrc, and by asking. It also hides them in what is printed.
package secret

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// credEnv is what the credentials of one target are made from.
type Sources struct {
	User, PasswordFile, PasswordCommand, NetrcFile, TokenFile, TokenCommand, Account, AuthzID string

	URL         *url.URL                                   // target; its secrets are for its host only. Nil: any
	DefaultPort string                                     // of URL's scheme, for a URL that names none
	Profile     *Profile                                   // may be nil
	Getenv      func(string) string                        // nil: os.Getenv
	Stdin       io.Reader                                  // for a password file "-"
	Terminal    func() (*os.File, bool)                    // to ask on; nil: never ask
	Warn        func(string)                               // nil: not told
	KeyringGet  func(service, user string) (string, error) // nil: the system's keyring

	Found func(protocols.Credential) // is told of what is given out; nil: nobody

	// Shared is what the targets of one command have in common, so that standard
	// input is read and a command run once; nil: nothing.
	Shared *Store
}

// NewCredentials returns the function for Options.Credentials. It looks nothing up
// before it is called, remembers what it found for each server and user, and may
// be called from many goroutines; one call at a time looks, so that nobody is
// asked twice.
func NewCredentials(env Sources) func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
	r := newResolver(env)
	return r.credential
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
}

// credSource is one link of the chain. It may add a user where none is known,
// and a password for the user who is known.
type credSource struct {
	own  bool // for the target only: not for a proxy, nor where a redirect leads
	find func(*search) error
}

// credSources is the order of the contract.
var credSources = []credSource{
	{own: true, find: (*search).fromURL},
	{own: true, find: (*search).fromFlags},
	{own: true, find: (*search).fromEnvironment},
	{own: true, find: (*search).fromProfile},
	{find: (*search).fromKeyring},
	{find: (*search).fromNetrc},
	{find: (*search).fromPrompt},
}

func (r *resolver) lookUp(ctx context.Context, req protocols.CredentialRequest) (protocols.Credential, error) {
	s := &search{resolver: r, ctx: ctx, req: req}
	s.cred.User = req.User
	own := r.isTarget(req)
	if own {
		s.cred.Account = cmp.Or(r.Account, string(r.Profile.Account))
		s.cred.AuthzID = cmp.Or(r.AuthzID, string(r.Profile.AuthzID))
	}
	for _, source := range credSources {
		if source.own && !own {
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

func (s *search) complete() bool { return s.cred.User != "" && (s.done || s.cred.Token != "") }

// result drops a password that has found no user: without one a login is
// anonymous, and no secret belongs there.
func (s *search) result() (protocols.Credential, error) {
	if s.cred.User == "" && s.flag {
		return protocols.Credential{}, credError("there is a password but no user; add --user NAME", nil)
	}
	if s.cred.User == "" {
		s.cred.Password, s.cred.Empty = "", false
	}
	if s.cred.User == "" && s.cred.Token == "" {
		return protocols.Credential{}, nil
	}
	return s.cred, nil
}

// user offers a name. It tells whether the search is for that name now.
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
	port := cmp.Or(r.URL.Port(), r.DefaultPort)
	return strings.EqualFold(r.URL.Scheme, req.Scheme) && strings.EqualFold(r.URL.Hostname(), req.Host) &&
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
	if !isLoopback(s.URL.Hostname()) { // a test server's password is no secret worth a warning each time
		s.warn("a password in a URL can be seen by other users of this machine and stays in the shell's history; use --password-command or the keyring")
	}
	s.password(pass)
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

func (s *search) fromProfile() error {
	user, err := s.profileUser()
	if err != nil || !s.profileFits() || !s.user(user) {
		return err
	}
	p := s.Profile
	return s.stored(string(p.TokenFile), string(p.TokenCommand), string(p.PasswordFile), string(p.PasswordCommand))
}

// profileFits leaves out a profile that is for another host.
func (s *search) profileFits() bool {
	u, err := s.profileURL()
	return err == nil && (u.Host == "" || strings.EqualFold(u.Hostname(), s.req.Host))
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
	entries, exposed, err := readNetrc(path)
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
			return FirstLine(s.Stdin, "standard input")
		})
	}
	f, err := os.Open(path)
	if err != nil {
		return "", credError("", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", credError("", err)
	}
	if isExposed(info) {
		s.warn(fmt.Sprintf("%s can be read by other users; chmod 600 it", path))
	}
	return FirstLine(f, path)
}

// runSecret returns the first line that a shell command of the user prints. No
// word of a server is in its arguments or environment. It has no standard input,
// which may hold content to send; its messages pass.
func runSecret(ctx context.Context, command string) (string, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second
	out := &boundedBuffer{}
	cmd.Stdout = out
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", credError("the command for the secret: "+err.Error(), nil) // its exit code is not ours
	}
	return FirstLine(&out.Buffer, "what the command for the secret prints")
}

// boundedBuffer drops what comes after more than a secret can have.
type boundedBuffer struct{ bytes.Buffer }

func (b *boundedBuffer) Write(p []byte) (int, error) {
	keep := min(len(p), maxSecret+2-b.Len())
	b.Buffer.Write(p[:max(keep, 0)])
	return len(p), nil
}

// maxSecret bounds a password or token.
const maxSecret = 64 << 10

// FirstLine reads a line without its end, byte for byte: what follows on
// standard input is content. name is for messages.
func FirstLine(r io.Reader, name string) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for {
		n, err := io.ReadFull(r, one)
		if n == 0 && err != io.EOF {
			return "", credError("", err)
		}
		if n == 0 || one[0] == '\n' {
			break
		}
		if line = append(line, one[0]); len(line) > maxSecret+1 {
			return "", credError(fmt.Sprintf("the first line of %s is longer than a secret may be, %d bytes", name, maxSecret), nil)
		}
	}
	secret := strings.TrimSuffix(string(line), "\r")
	if secret == "" {
		return "", credError(fmt.Sprintf("the first line of %s is empty", name), nil)
	}
	return secret, nil
}

// secretStore is what the targets of one command share.
type Store struct {
	turn  chan struct{}        // holds one token while somebody looks
	known map[string]secretGot // guarded by turn, as told is
	told  map[string]bool
}

type secretGot struct {
	secret string
	err    error
}

func NewStore() *Store {
	return &Store{turn: make(chan struct{}, 1), known: map[string]secretGot{}, told: map[string]bool{}}
}

// enter waits for the turn to look and ask, until the context ends.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) leave() { <-s.turn }

// once returns what get gave the first time. What the context ended is tried again.
func (s *Store) once(key string, get func() (string, error)) (string, error) {
	if g, ok := s.known[key]; ok {
		return g.secret, g.err
	}
	secret, err := get()
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		s.known[key] = secretGot{secret, err}
	}
	return secret, err
}

// ForgetCommands has commands for secrets asked again.
func (s *Store) ForgetCommands() {
	maps.DeleteFunc(s.known, func(key string, _ secretGot) bool { return strings.HasPrefix(key, byCommand) })
}

// first tells whether a text is new.
func (s *Store) first(text string) bool {
	seen := s.told[text]
	s.told[text] = true
	return !seen
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

// isLoopback: a name or address of this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
