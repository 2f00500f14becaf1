package secret

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

func environ(pairs ...string) func(string) string {
	return func(key string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == key {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// ftpRequest is what the adapter asks for ftp://user@h/.
func ftpRequest(user string) protocols.CredentialRequest {
	return protocols.CredentialRequest{Protocol: "ftp", Scheme: "ftp", Host: "h", Port: "21", User: user}
}

func TestCredentialsOrder(t *testing.T) {
	secret := writeFile(t, "secret", "from file\r\nmore\n", 0o600)
	netrc := writeFile(t, "netrc", "machine h login joe password \"from netrc\" account acc\n", 0o600)
	keys := func(_, user string) (string, error) {
		if user == "ftp://joe@h" {
			return "from keyring", nil
		}
		return "", errors.New("not found")
	}
	profile := &Profile{URL: "ftp://joe@h/", PasswordCommand: "echo from profile"}
	t.Setenv("NETCLIENTS_PASSWORD", "not for commands")
	for _, tc := range []struct {
		name, url, user, want string
		env                   Sources
	}{
		{"url", "ftp://joe:from%20url@h/", "joe", "joe from url", Sources{PasswordFile: secret}},
		{"empty password in the url", "ftp://joe:@h/", "joe", "joe  empty", Sources{PasswordFile: secret}},
		{"empty user in the url", "ftp://:token@h/", "", " token", Sources{PasswordFile: secret, NetrcFile: netrc}},
		{"file", "ftp://joe@h/", "joe", "joe from file", Sources{PasswordFile: secret, Getenv: environ("NETCLIENTS_PASSWORD", "env")}},
		{"user by flag", "ftp://h/", "", "ann from file", Sources{User: "ann", PasswordFile: secret}},
		{"password of another user's flag", "ftp://joe@h/", "joe", "joe ", Sources{User: "ann", PasswordFile: secret}},
		{"stdin", "ftp://joe@h/", "joe", "joe piped", Sources{PasswordFile: "-", Stdin: strings.NewReader("piped\ncontent")}},
		{"command", "ftp://joe@h/", "joe", "joe said", Sources{PasswordCommand: "printf 'said\\nmore'"}},
		{"environment", "ftp://joe@h/", "joe", "joe env", Sources{Getenv: environ("NETCLIENTS_PASSWORD", "env"), Profile: profile}},
		{"environment without a user", "ftp://h/", "", " ", Sources{Getenv: environ("NETCLIENTS_PASSWORD", "env")}},
		{"environment and the netrc's user", "ftp://h/", "", "joe from netrc", Sources{NetrcFile: netrc, Getenv: environ("NETCLIENTS_PASSWORD", "env")}},
		{"profile", "ftp://h/", "", "joe from profile", Sources{Profile: profile, KeyringGet: keys}},
		{"profile of another user", "ftp://ann@h/", "ann", "ann ", Sources{Profile: profile}},
		{"profile of another host", "ftp://h/", "", " ", Sources{Profile: &Profile{URL: "ftp://joe@other/", PasswordCommand: "echo x"}}},
		{"profile of another scheme", "ftp://h/", "", " ", Sources{Profile: &Profile{URL: "ftps://joe@h/", PasswordCommand: "echo x"}}},
		{"profile of another port", "ftp://h/", "", " ", Sources{Profile: &Profile{URL: "ftp://joe@h:2121/", PasswordCommand: "echo x"}}},
		{"profile with the default port", "ftp://h:21/", "", "joe from profile", Sources{Profile: &Profile{URL: "ftp://joe@H/", PasswordCommand: "echo from profile"}}},
		{"keyring entry of another port", "ftp://joe@h/", "joe", "joe ", Sources{KeyringGet: func(_, user string) (string, error) {
			if user == "ftp://joe@h:2121" || user == "ftps://joe@h" {
				return "x", nil
			}
			return "", errors.New("not found")
		}}},
		{"command without our password", "ftp://joe@h/", "joe", "joe [unset]", Sources{PasswordCommand: "echo [${NETCLIENTS_PASSWORD-unset}]"}},
		{"keyring", "ftp://joe@h/", "joe", "joe from keyring", Sources{KeyringGet: keys, NetrcFile: netrc}},
		{"keyring off", "ftp://joe@h/", "joe", "joe from netrc", Sources{KeyringGet: keys, NetrcFile: netrc, Getenv: environ("NETCLIENTS_KEYRING", "off")}},
		{"netrc", "ftp://h/", "", "joe from netrc", Sources{NetrcFile: netrc}},
		{"netrc of another user", "ftp://ann@h/", "ann", "ann ", Sources{NetrcFile: netrc}},
		{"nobody", "ftp://h/", "", " ", Sources{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.env.URL, tc.env.DefaultPort = labtest.URL(t, tc.url), "21"
			if tc.env.Getenv == nil {
				tc.env.Getenv = noEnv
			}
			c, err := NewCredentials(tc.env)(t.Context(), ftpRequest(tc.user))
			got := c.User + " " + c.Password
			if c.Empty {
				got += " empty"
			}
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

// TestNamedCredentials: what the user named for the target, and nothing that would have to be
// found.
func TestNamedCredentials(t *testing.T) {
	file := writeFile(t, "secret", "from file\n", 0o600)
	netrc := writeFile(t, "netrc", "machine h login joe password found\n", 0o600)
	keys := func(string, string) (string, error) { return "found", nil }
	env := environ("NETCLIENTS_PASSWORD", "env")
	for _, tc := range []struct {
		name, url, want string
		env             Sources
	}{
		{"url", "http://joe:pw@h/", "joe pw ", Sources{}},
		{"empty user", "http://:tok@h/", " tok ", Sources{}},
		{"password file", "http://joe@h/", "joe from file ", Sources{PasswordFile: file}},
		{"user by flag", "http://h/", "ann env ", Sources{User: "ann", Getenv: env}},
		{"token", "http://h/", "  from file", Sources{TokenFile: file}},
		{"token of a command", "http://h/", "  said", Sources{TokenCommand: "echo said"}},
		{"found", "http://joe@h/", "  ", Sources{NetrcFile: netrc, KeyringGet: keys}},
		{"profile", "http://h/", "  ", Sources{Profile: &Profile{User: "joe", PasswordFile: setting(file)}, Getenv: env}},
		{"user alone", "http://h/", "  ", Sources{User: "joe"}},
		{"password alone", "http://h/", "  ", Sources{PasswordFile: file, NetrcFile: netrc}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.env.URL, tc.env.DefaultPort = labtest.URL(t, tc.url), "80"
			if tc.env.Getenv == nil {
				tc.env.Getenv = noEnv
			}
			tc.env.Terminal = func() (*os.File, bool) { t.Error("the user is asked"); return nil, false }
			get := NewNamed(tc.env)
			c, err := get(t.Context(), protocols.CredentialRequest{Scheme: "http", Host: "h", Port: "80", User: tc.env.URL.User.Username()})
			if got := c.User + " " + c.Password + " " + c.Token; err != nil || got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
			other, err := get(t.Context(), protocols.CredentialRequest{Scheme: "http", Host: "other", Port: "80"})
			if other != (protocols.Credential{}) || err != nil {
				t.Errorf("for another server: %+v, %v", other, err)
			}
		})
	}
}

func TestCredentialsStayWithTheirServer(t *testing.T) {
	netrc := writeFile(t, "netrc", "machine other login o password po\nmachine h login n password pn\n", 0o600)
	get := NewCredentials(Sources{
		URL: labtest.URL(t, "http://joe:secret@h/"), DefaultPort: "80", NetrcFile: netrc,
		User: "joe", AuthzID: "z", Getenv: environ("NETCLIENTS_PASSWORD", "env"), Profile: &Profile{User: "joe", PasswordCommand: "echo x"},
	})
	for _, tc := range []struct {
		req  protocols.CredentialRequest
		want string
	}{
		{protocols.CredentialRequest{Scheme: "http", Host: "H", Port: "80"}, "joe secret z"},
		{protocols.CredentialRequest{Scheme: "http", Host: "h", Port: "8080"}, "n pn "},
		{protocols.CredentialRequest{Scheme: "https", Host: "h", Port: "443"}, "n pn "},
		{protocols.CredentialRequest{Scheme: "http", Host: "other", Port: "80"}, "o po "},
		{protocols.CredentialRequest{Scheme: "http", Host: "third", Port: "80"}, "  "},
		{protocols.CredentialRequest{Scheme: "http", Host: "h", Port: "80", Proxy: true}, "n pn "},
	} {
		c, err := get(t.Context(), tc.req)
		if got := c.User + " " + c.Password + " " + c.AuthzID; err != nil || got != tc.want {
			t.Errorf("%+v: got %q, %v; want %q", tc.req, got, err, tc.want)
		}
	}
}

func TestCredentialsToken(t *testing.T) {
	get := NewCredentials(Sources{
		User: "joe", TokenFile: writeFile(t, "token", "abc.def\n", 0o600), Getenv: noEnv, Account: "acc",
		KeyringGet: func(string, string) (string, error) { t.Error("keyring asked"); return "", nil },
	})
	c, err := get(t.Context(), ftpRequest(""))
	if want := (protocols.Credential{User: "joe", Token: "abc.def", Account: "acc"}); err != nil || c != want {
		t.Errorf("got %+v, %v", c, err)
	}
	by := "echo abc.$((1+1))"
	for _, env := range []Sources{{User: "joe", TokenCommand: by}, {Profile: &Profile{User: "joe", TokenCommand: setting(by), PasswordCommand: "echo no"}}} {
		env.Getenv = noEnv
		c, err := NewCredentials(env)(t.Context(), ftpRequest(""))
		if err != nil || c.User != "joe" || c.Token != "abc.2" || c.HasPassword() {
			t.Errorf("by command: %+v, %v", c, err)
		}
	}
}

func TestCredentialsErrors(t *testing.T) {
	long := writeFile(t, "long", strings.Repeat("x", maxSecret+5), 0o600)
	for _, tc := range []struct {
		name, want string
		kind       protocols.Kind
		env        Sources
	}{
		{"password in --user", "takes the name alone", protocols.KindUsage, Sources{User: "joe:hunter2"}},
		{"no user", "add --user", protocols.KindAuth, Sources{PasswordCommand: "echo hunter2"}},
		{"no file", "no such file", protocols.KindLocal, Sources{User: "joe", PasswordFile: "/nowhere/x"}},
		{"long", "longer than", protocols.KindAuth, Sources{User: "joe", PasswordFile: long}},
		{"empty", "is empty", protocols.KindAuth, Sources{User: "joe", PasswordCommand: "true"}},
		{"failing command", "exit status 3", protocols.KindAuth, Sources{User: "joe", PasswordCommand: "echo hunter2; exit 3"}},
		{"no stdin", "no standard input", protocols.KindAuth, Sources{User: "joe", PasswordFile: "-"}},
		{"named netrc", "no such file", protocols.KindLocal, Sources{NetrcFile: "/nowhere/netrc"}},
		{"broken netrc", ":1: login without a value", protocols.KindAuth, Sources{NetrcFile: writeFile(t, "n", "machine h login", 0o600)}},
	} {
		tc.env.Getenv = noEnv
		_, err := NewCredentials(tc.env)(t.Context(), ftpRequest(""))
		if err == nil || !strings.Contains(err.Error(), tc.want) || protocols.KindOf(err) != tc.kind || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v of kind %v, want %q of kind %v", tc.name, err, protocols.KindOf(err), tc.want, tc.kind)
		}
	}
}

func TestCredentialsWarnings(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte("machine h login"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		want string
		env  Sources
	}{
		{"shell's history", Sources{URL: labtest.URL(t, "ftp://joe:p@h/")}},
		{"can be read by other users", Sources{User: "joe", PasswordFile: writeFile(t, "s", "p", 0o644)}},
		{"can be read by other users", Sources{NetrcFile: writeFile(t, "n", "machine h login joe password p", 0o640)}},
		{".netrc:1: login without", Sources{Getenv: environ("HOME", home)}},
	} {
		var told []string
		tc.env.Warn = func(s string) { told = append(told, s) }
		if tc.env.Getenv == nil {
			tc.env.Getenv = noEnv
		}
		get := NewCredentials(tc.env)
		for _, user := range []string{"", "joe"} { // two searches, one warning
			if _, err := get(t.Context(), ftpRequest(user)); err != nil {
				t.Error(err)
			}
		}
		if len(told) != 1 || !strings.Contains(told[0], tc.want) {
			t.Errorf("told %q, want one with %q", told, tc.want)
		}
	}
}

// Many clients of several targets ask at once: one look, one read of stdin.
func TestCredentialsAskOnce(t *testing.T) {
	var asked atomic.Int64
	shared := NewStore()
	keys := func(string, string) (string, error) { asked.Add(1); return "k", nil }
	var all sync.WaitGroup
	for _, env := range []Sources{
		{User: "joe", PasswordFile: "-", Stdin: strings.NewReader("one\ntwo\n")}, {User: "joe", KeyringGet: keys},
	} {
		env.Shared, env.Getenv = shared, noEnv
		get := NewCredentials(env)
		for range 8 {
			all.Go(func() {
				c, err := get(t.Context(), ftpRequest("joe"))
				if err != nil || c.Password != "one" && c.Password != "k" {
					t.Errorf("got %+v, %v", c, err)
				}
			})
		}
	}
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("keyring asked %d times", n)
	}
}

func TestCredentialsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	get := NewCredentials(Sources{User: "joe", Getenv: noEnv, KeyringGet: func(string, string) (string, error) {
		cancel()
		select {} // a keyring that never answers
	}})
	if _, err := get(ctx, ftpRequest("")); !errors.Is(err, context.Canceled) {
		t.Errorf("while the keyring is asked: %v", err)
	}
	if _, err := get(ctx, ftpRequest("")); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestPasswordCommandGetsNoServerText(t *testing.T) {
	c, err := NewCredentials(Sources{User: "joe", PasswordCommand: `env | grep -c evil; true`, Getenv: noEnv})(
		t.Context(), protocols.CredentialRequest{Protocol: "ftp", Scheme: "ftp", Host: "evil", User: ""})
	if err != nil || c.Password != "0" {
		t.Errorf("got %q, %v", c.Password, err)
	}
}

// TestAccount: an account is found without a user too, for an anonymous login, and that
// of a profile goes to the profile's server only.
func TestAccount(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  Sources
		want string
	}{
		{"a flag, nobody", Sources{Account: "dept"}, "dept"},
		{"a flag, a user", Sources{Account: "dept", User: "joe"}, "dept"},
		{"the server's profile", Sources{Profile: &Profile{URL: "ftp://h/", Account: "dept"}}, "dept"},
		{"a profile for any server", Sources{Profile: &Profile{Account: "dept"}}, "dept"},
		{"the profile of another server", Sources{Profile: &Profile{URL: "ftp://other/", Account: "dept"}}, ""},
		{"the profile of another scheme", Sources{Profile: &Profile{URL: "ftps://h/", Account: "dept"}}, ""},
	} {
		tt.env.Getenv = environ()
		c, err := NewCredentials(tt.env)(t.Context(), ftpRequest(""))
		if err != nil || c.Account != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, c.Account, err, tt.want)
		}
	}
}
