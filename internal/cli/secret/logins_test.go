package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/netclients/netclients/internal/authlab"
	"github.com/netclients/netclients/internal/oauth"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// mapKeyring is a keyring in memory.
type mapKeyring struct {
	mu   sync.Mutex
	m    map[string]string
	fail error
}

func (k *mapKeyring) Get(service, user string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.m[service+"/"+user]
	if !ok {
		return "", keyring.ErrNotFound
	}
	return s, nil
}

func (k *mapKeyring) Set(service, user, secret string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return k.fail
	}
	k.m[service+"/"+user] = secret
	return nil
}

func (k *mapKeyring) Delete(service, user string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.m, service+"/"+user)
	return nil
}

func TestLoginsAreKept(t *testing.T) {
	for name, ring := range map[string]*mapKeyring{"file": nil, "keyring": {m: map[string]string{}}, "keyring that is locked": {fail: errors.New("locked")}} {
		t.Run(name, func(t *testing.T) {
			s := &Logins{Dir: filepath.Join(t.TempDir(), "logins"), now: time.Now}
			if ring != nil {
				s.Keyring = ring
			}
			l := NewLogin("alice", Server("imaps", "Mail.example.org", "993"), Server("smtps", "mail.example.org", "465"))
			if err := s.Store(t.Context(), l, Secrets{Password: "hidden"}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(s.Dir, l.ID+".json")
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Fatalf("%v, %v", info.Mode(), err)
			}
			text, _ := os.ReadFile(path)
			labtest.Equal(t, "secret in the file", strings.Contains(string(text), "hidden"), ring == nil || ring.fail != nil)
			list, err := s.List(t.Context())
			if err != nil || len(list) != 1 || list[0].Secrets != nil || list[0].User != "alice" {
				t.Fatalf("%+v, %v", list, err)
			}
			ask := NewCredentials(Sources{Logins: s, Getenv: func(string) string { return "" }, DefaultPort: "993"})
			for _, c := range []struct{ scheme, host, port, user, want string }{
				{"imaps", "mail.example.org", "993", "", "alice hidden"}, {"imaps", "MAIL.example.org", "", "alice", "alice hidden"}, {"smtps", "mail.example.org", "465", "", "alice hidden"},
				{"imaps", "mail.example.org", "993", "bob", "bob "}, {"imaps", "other.example.org", "993", "", " "}, {"ftp", "mail.example.org", "21", "", " "},
			} {
				got, err := ask(t.Context(), protocols.CredentialRequest{Scheme: c.scheme, Host: c.host, Port: c.port, User: c.user})
				if err != nil || got.User+" "+got.Password != c.want {
					t.Errorf("%+v: %q, %v", c, got.User+" "+got.Password, err)
				}
			}
			if err := s.Remove(t.Context(), list[0]); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || ring != nil && len(ring.m) > 0 {
				t.Errorf("something is left: %v", err)
			}
		})
	}
}

// granted logs in at an authorization server, without a person.
func granted(t *testing.T, s *Logins, server *authlab.Server) *Login {
	t.Helper()
	p, err := oauth.Discover(t.Context(), server.Issuer(), nil, &protocols.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := oauth.New(p, "cli", "", &protocols.Options{})
	defer c.Close()
	token, err := c.Device(t.Context(), func(oauth.Device) {})
	if err != nil {
		t.Fatal(err)
	}
	l := NewLogin("alice", Server("imap", "localhost", "143"))
	l.OAuth, l.Client, l.Expires = &p, "cli", token.Expiry
	if err := s.Store(t.Context(), l, Secrets{Access: token.AccessToken, Refresh: token.RefreshToken}); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestRefreshOnce: of many that find a token run out one refreshes it, and the others
// use what it got: the server takes each refresh token once.
func TestRefreshOnce(t *testing.T) {
	server := labtest.Start(t, authlab.Start, authlab.Options{})
	s := &Logins{Dir: filepath.Join(t.TempDir(), "logins"), now: time.Now}
	l := granted(t, s, server)
	if token, _, err := s.Token(t.Context(), l, nil); err != nil || !server.Valid(token) || server.Count("refresh_token") != 0 {
		t.Fatalf("a token that lasts: %v", err)
	}
	secrets, err := s.Secret(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	l.Expires = time.Now().Add(-time.Minute)
	if err := s.Store(t.Context(), l, secrets); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			own := &Logins{Dir: s.Dir, now: time.Now}
			mine := *l
			token, ends, err := own.Token(t.Context(), &mine, &protocols.Options{})
			if err != nil || !server.Valid(token) || time.Until(ends) < time.Minute {
				t.Errorf("until %v: %v", ends, err)
			}
		})
	}
	all.Wait()
	labtest.Equal(t, "refreshes", server.Count("refresh_token"), 1)
}

// TestLoginThatHasEnded says what to do, and shows no token.
func TestLoginThatHasEnded(t *testing.T) {
	server := labtest.Start(t, authlab.Start, authlab.Options{})
	s := &Logins{Dir: filepath.Join(t.TempDir(), "logins"), now: time.Now}
	l := granted(t, s, server)
	l.Expires = time.Now().Add(-time.Minute)
	if err := s.Store(t.Context(), l, Secrets{Access: "old-access", Refresh: "old-refresh"}); err != nil {
		t.Fatal(err)
	}
	ask := NewCredentials(Sources{Logins: s, Getenv: func(string) string { return "" }})
	_, err := ask(t.Context(), protocols.CredentialRequest{Scheme: "imap", Host: "localhost", Port: "143"})
	e, is := errors.AsType[*protocols.Error](err)
	if !is || e.Kind != protocols.KindAuth || !strings.Contains(e.Error(), "has ended") || !strings.HasPrefix(e.Hint, "netclients login imap://alice@localhost:143 --oauth "+server.Issuer()) || strings.Contains(e.Error()+e.Hint, "old-") {
		t.Errorf("%v", err)
	}
}
