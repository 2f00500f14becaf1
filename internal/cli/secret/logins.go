package secret

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/netclients/netclients/internal/oauth"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// Login is a login that was stored: for whom at which servers, and where its secrets
// are.
type Login struct {
	ID      string          `json:"id"`
	User    string          `json:"user"`
	Servers []string        `json:"servers"` // scheme://host:port, or a host for all schemes
	Made    time.Time       `json:"made"`
	Client  string          `json:"client,omitempty"`   // id of the client, with OAuth
	OAuth   *oauth.Provider `json:"provider,omitempty"` // nil: a password
	Expires time.Time       `json:"expires,omitzero"`   // of the access token
	Keyring bool            `json:"keyring"`            // the secrets are in the system keyring

	Secrets *Secrets `json:"secrets,omitempty"` // where they are not
}

// Secrets are what must not be seen.
type Secrets struct {
	Password     string `json:"password,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
	Access       string `json:"access_token,omitempty"`
	Refresh      string `json:"refresh_token,omitempty"`
}

// Keyring is a store of secrets of the system.
type Keyring interface {
	Get(service, user string) (string, error)
	Set(service, user, secret string) error
	Delete(service, user string) error
}

// systemKeyring is the keyring of the system.
type systemKeyring struct{}

func (systemKeyring) Get(service, user string) (string, error) { return keyring.Get(service, user) }
func (systemKeyring) Set(service, user, secret string) error {
	return keyring.Set(service, user, secret)
}
func (systemKeyring) Delete(service, user string) error { return keyring.Delete(service, user) }

// Logins are the stored logins: a file for each, mode 0600, in a folder of the user's.
type Logins struct {
	Dir     string  // empty: nothing says where the user's files are
	Keyring Keyring // nil: secrets are in the files
	now     func() time.Time
}

// OpenLogins returns the logins of the user: in $XDG_DATA_HOME/netclients/logins, with
// their secrets in the system keyring where there is one.
func OpenLogins(getenv func(string) string) *Logins {
	dir := getenv("XDG_DATA_HOME")
	if home := getenv("HOME"); !filepath.IsAbs(dir) && home != "" {
		dir = filepath.Join(home, ".local", "share")
	}
	l := &Logins{now: time.Now}
	if dir != "" {
		l.Dir = filepath.Join(dir, "netclients", "logins")
	}
	if !strings.EqualFold(getenv("NETCLIENTS_KEYRING"), "off") && keyringReachable(getenv) {
		l.Keyring = systemKeyring{}
	}
	return l
}

// Server returns the name of a server in a login.
func Server(scheme, host, port string) string {
	return strings.ToLower(scheme) + "://" + net.JoinHostPort(strings.ToLower(host), port)
}

// NewLogin makes a login that is not stored yet. Its ID follows from the user and the
// first server, so that another login of the same replaces it.
func NewLogin(user string, servers ...string) *Login {
	sum := sha256.Sum256([]byte(user + "\n" + servers[0]))
	return &Login{ID: hex.EncodeToString(sum[:8]), User: user, Servers: servers, Made: time.Now().UTC().Truncate(time.Second)}
}

// fits reports whether a login is for a server, and for a user or for any.
func (l *Login) fits(server, host, user string) bool {
	return (user == "" || user == l.User) && (slices.Contains(l.Servers, server) || slices.Contains(l.Servers, strings.ToLower(host)))
}

// For reports whether the login is for the user at the server of a URL.
func (l *Login) For(u *url.URL, port string) bool {
	return l.fits(Server(u.Scheme, u.Hostname(), cmp.Or(u.Port(), port)), u.Hostname(), u.User.Username())
}

// entry is the name of a login's secrets in the keyring.
func (l *Login) entry() string { return "login " + l.ID }

func (s *Logins) path(id, suffix string) string { return filepath.Join(s.Dir, id+suffix) }

// List returns the logins without their secrets, in the order of their users.
func (s *Logins) List(ctx context.Context) ([]*Login, error) {
	if s.Dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, credError("", err)
	}
	var list []*Login
	for _, e := range entries {
		id, is := strings.CutSuffix(e.Name(), ".json")
		if !is || strings.HasPrefix(id, ".") {
			continue
		}
		l, err := s.read(ctx, id)
		if err != nil {
			return nil, err
		}
		l.Secrets = nil
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b *Login) int {
		return cmp.Or(cmp.Compare(a.User, b.User), slices.Compare(a.Servers, b.Servers))
	})
	return list, nil
}

// maxLogin bounds the file of a login.
const maxLogin = 256 << 10

func (s *Logins) read(ctx context.Context, id string) (*Login, error) {
	text, err := file.ReadAll(ctx, s.path(id, ".json"), maxLogin)
	if err != nil {
		return nil, err
	}
	l := &Login{}
	if err := json.Unmarshal(text, l); err != nil || l.ID != id || len(l.Servers) == 0 {
		return nil, &protocols.Error{Kind: protocols.KindLocal, Text: s.path(id, ".json") + " is not a stored login", Hint: "remove the file, and log in again"}
	}
	return l, nil
}

// Secret reads the secrets of a login.
func (s *Logins) Secret(ctx context.Context, l *Login) (Secrets, error) {
	full, err := s.read(ctx, l.ID)
	if err != nil {
		return Secrets{}, err
	}
	if !full.Keyring {
		if full.Secrets == nil {
			return Secrets{}, credError("the stored login of "+l.User+" has no secret; log in again", nil)
		}
		return *full.Secrets, nil
	}
	if s.Keyring == nil {
		return Secrets{}, credError("the secret of "+l.User+" is in the system keyring, which cannot be reached here", nil)
	}
	ctx, cancel := context.WithTimeout(ctx, keyringWait)
	defer cancel()
	text, err := within(ctx, func() (string, error) { return s.Keyring.Get(keyringService, l.entry()) })
	if err != nil {
		return Secrets{}, credError("the secret of "+l.User+" cannot be read from the system keyring: "+err.Error(), nil)
	}
	var secrets Secrets
	err = json.Unmarshal([]byte(text), &secrets)
	return secrets, err
}

// Store keeps a login: its secrets in the keyring, or in its file where there is none.
func (s *Logins) Store(ctx context.Context, l *Login, secrets Secrets) error {
	if s.Dir == "" {
		return credError("there is no folder for logins: HOME is not set", nil)
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return credError("", err)
	}
	own := *l
	own.Keyring, own.Secrets = s.toKeyring(ctx, &own, secrets), nil
	if !own.Keyring {
		own.Secrets = &secrets
	}
	l.Keyring = own.Keyring
	text, err := json.MarshalIndent(&own, "", "  ")
	if err != nil {
		return err
	}
	return file.Replace(ctx, s.path(l.ID, ".json"), append(text, '\n'), 0o600)
}

// toKeyring reports whether the keyring has taken the secrets. One that is locked or too
// small is none.
func (s *Logins) toKeyring(ctx context.Context, l *Login, secrets Secrets) bool {
	if s.Keyring == nil {
		return false
	}
	text, err := json.Marshal(secrets)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, keyringWait)
	defer cancel()
	_, err = within(ctx, func() (string, error) { return "", s.Keyring.Set(keyringService, l.entry(), string(text)) })
	return err == nil
}

// Remove forgets a login.
func (s *Logins) Remove(ctx context.Context, l *Login) error {
	if l.Keyring && s.Keyring != nil {
		ctx, cancel := context.WithTimeout(ctx, keyringWait)
		defer cancel()
		_, err := within(ctx, func() (string, error) { return "", s.Keyring.Delete(keyringService, l.entry()) })
		if err != nil && !errors.Is(err, keyring.ErrNotFound) {
			return credError("the system keyring: "+err.Error(), nil)
		}
	}
	if err := os.Remove(s.path(l.ID, ".json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return credError("", err)
	}
	_ = os.Remove(s.path(l.ID, ".lock")) // nobody needs it any more
	return nil
}

// The time before its end in which a token is not used any more, and how long another
// process may take to refresh it.
const (
	tokenMargin = 30 * time.Second
	refreshWait = 30 * time.Second
)

// Token returns an access token of a login, and when it ends. One that has ended is
// refreshed, by one process at a time.
func (s *Logins) Token(ctx context.Context, l *Login, o *protocols.Options) (string, time.Time, error) {
	if t, ends, err := s.fresh(ctx, l); t != "" || err != nil {
		return t, ends, err
	}
	lock, err := s.lock(ctx, l)
	if err != nil {
		return "", time.Time{}, err
	}
	defer lock.Close()
	if t, ends, err := s.fresh(ctx, l); t != "" || err != nil { // another one has done it
		return t, ends, err
	}
	return s.refresh(ctx, l, o)
}

// fresh returns the stored token if it lasts.
func (s *Logins) fresh(ctx context.Context, l *Login) (string, time.Time, error) {
	now, err := s.read(ctx, l.ID)
	if err != nil {
		return "", time.Time{}, err
	}
	if !now.Expires.IsZero() && s.now().Add(tokenMargin).After(now.Expires) {
		return "", time.Time{}, nil
	}
	secrets, err := s.Secret(ctx, now)
	return secrets.Access, now.Expires, err
}

// lock waits for the lock of a login.
func (s *Logins) lock(ctx context.Context, l *Login) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	for {
		f, err := file.OpenHeld(ctx, s.path(l.ID, ".lock"))
		if !errors.Is(err, protocols.ErrBusy) {
			return f, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, &protocols.Error{Kind: protocols.KindTimeout, Text: "another process has been refreshing the token of " + l.User + " for too long"}
		}
	}
}

// refresh gets a new token. The caller holds the lock. A provider may change the refresh
// token each time: what it returns is stored before it is used.
func (s *Logins) refresh(ctx context.Context, l *Login, o *protocols.Options) (string, time.Time, error) {
	secrets, err := s.Secret(ctx, l)
	if err != nil {
		return "", time.Time{}, err
	}
	again := "netclients login " + l.again()
	if secrets.Refresh == "" {
		return "", time.Time{}, &protocols.Error{Kind: protocols.KindAuth, Sentinel: oauth.ErrEnded, Text: "the token of " + l.User + " has run out, and cannot be refreshed", Hint: again}
	}
	c := oauth.New(*l.OAuth, l.Client, secrets.ClientSecret, o)
	defer c.Close()
	t, err := c.Refresh(ctx, secrets.Refresh)
	if err != nil {
		if e, is := errors.AsType[*protocols.Error](err); is && errors.Is(err, oauth.ErrEnded) {
			e.Text, e.Hint = "the login of "+l.User+" has ended at "+l.OAuth.Name+": "+e.Text, again
		}
		return "", time.Time{}, err
	}
	secrets.Access, secrets.Refresh = t.AccessToken, cmp.Or(t.RefreshToken, secrets.Refresh)
	l.Expires = t.Expiry.UTC().Truncate(time.Second)
	return t.AccessToken, l.Expires, s.Store(ctx, l, secrets)
}

// again are the arguments that make a login anew.
func (l *Login) again() string {
	scheme, rest, is := strings.Cut(l.Servers[0], "://")
	if !is {
		scheme, rest = "imaps", l.Servers[0]
	}
	return fmt.Sprintf("%s://%s@%s --oauth %s --client-id %s", scheme, url.User(l.User), rest, l.OAuth.Name, l.Client)
}

// fromLogins takes the login that was stored for the server.
func (s *search) fromLogins() error {
	if s.Logins == nil || s.req.Proxy || s.req.Host == "" {
		return nil
	}
	list, err := s.Logins.List(s.ctx)
	if err != nil {
		s.warn(err.Error())
		return nil
	}
	server := Server(s.req.Scheme, s.req.Host, cmp.Or(s.req.Port, s.DefaultPort))
	i := slices.IndexFunc(list, func(l *Login) bool { return l.fits(server, s.req.Host, s.cred.User) })
	if i < 0 || s.done || s.cred.Token != "" {
		return nil
	}
	l := list[i]
	if l.OAuth == nil {
		secrets, err := s.Logins.Secret(s.ctx, l)
		if err == nil && s.user(l.User) {
			s.password(secrets.Password)
		}
		return err
	}
	token, ends, err := s.Logins.Token(s.ctx, l, s.Web)
	if err == nil && s.user(l.User) {
		s.cred.Token, s.cred.Expires = token, ends
	}
	return err
}
