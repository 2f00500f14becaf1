package kit

import (
	"errors"
	"testing"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
)

// loginEnv is an env with all protocols and a profile whose password is "hushhush".
func loginEnv(t *testing.T, p *secret.Profile) *Env {
	t.Helper()
	e, _, _ := testEnv(t, NewGlobals())
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	e.Reg, e.Profile = reg, p
	t.Setenv("NETCLIENTS_KEYRING", "off")
	t.Setenv("NETRC", "/dev/null")
	return e
}

// passwordFor is the password that a target's server gets when it asks as user.
func passwordFor(t *testing.T, e *Env, target *protocols.Target, user string) string {
	t.Helper()
	host, port := protocols.HostPort(target.URL, target.Scheme)
	c, err := e.OptionsFor(target).Credentials(t.Context(), protocols.CredentialRequest{
		Protocol: target.Spec.Name, Scheme: target.URL.Scheme, Host: host, Port: port, User: user,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.Password
}

// TestProfilePasswordStaysWithItsPort: a profile whose URL has no port is for the
// port of the scheme, not for that of any other target.
func TestProfilePasswordStaysWithItsPort(t *testing.T) {
	for url, want := range map[string]string{
		"ftp://127.0.0.1/": "hushhush", "ftp://127.0.0.1:21/": "hushhush", "ftp://127.0.0.1:2121/": "", "ftps://127.0.0.1/": "",
	} {
		e := loginEnv(t, &secret.Profile{URL: "ftp://joe@127.0.0.1/", PasswordCommand: "echo hushhush"})
		target, err := e.Target(url)
		if err != nil {
			t.Fatal(err)
		}
		if got := passwordFor(t, e, target, "joe"); got != want {
			t.Errorf("%s gets %q, want %q", url, got, want)
		}
	}
}

// TestProfileLoginForOneServer: of the two servers of a copy only the one whose URL names
// a user gets the login that names no server.
func TestProfileLoginForOneServer(t *testing.T) {
	for _, c := range []struct {
		from, to string
		source   string // what the source gets
		dest     string
		usage    bool
	}{
		{"ftp://joe@127.0.0.1/a", "ftp://127.0.0.2/a", "hushhush", "", false},
		{"ftp://127.0.0.1/a", "ftp://joe@127.0.0.2/a", "", "hushhush", false},
		{"ftp://127.0.0.1/a", "ftp://127.0.0.2/a", "", "", true},
		{"ftp://joe@127.0.0.1/a", "imap://joe@127.0.0.2/a", "", "", true},
		{"news:misc.test", "imap://joe@127.0.0.2/a", "", "hushhush", false},
		{"news:misc.test", "imap://127.0.0.2/a", "", "", true},
		{"ftp://joe@127.0.0.1/a", "/tmp/a", "hushhush", "hushhush", false},
	} {
		t.Run(c.from+" "+c.to, func(t *testing.T) {
			t.Setenv("NNTPSERVER", "127.0.0.9")
			e := loginEnv(t, &secret.Profile{User: "joe", PasswordCommand: "echo hushhush"})
			from, to, err := e.Pair([]string{c.from, c.to})
			if c.usage {
				if !errors.As(err, new(*protocols.Error)) || protocols.KindOf(err) != protocols.KindUsage {
					t.Errorf("error %v, want one of kind usage", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := passwordFor(t, e, from, "joe"); got != c.source {
				t.Errorf("the source gets %q, want %q", got, c.source)
			}
			if got := passwordFor(t, e, to, "joe"); got != c.dest {
				t.Errorf("the destination gets %q, want %q", got, c.dest)
			}
		})
	}
}

// TestLimitsOfTheUserHold: a time limit that the user gave counts for a verb that
// lasts too, when it has the value of the default.
func TestLimitsOfTheUserHold(t *testing.T) {
	for _, given := range []bool{false, true} {
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		g := NewGlobals()
		g.Register(fs)
		args := []string{}
		if given {
			args = []string{"--timeout", "24h", "--idle-timeout", protocols.DefaultIdleTimeout.String()}
		}
		if err := fs.Parse(args); err != nil {
			t.Fatal(err)
		}
		g.Read(fs)
		ctx, cancel := g.Deadline(t.Context(), true)
		defer cancel()
		if _, limited := ctx.Deadline(); limited != given {
			t.Errorf("given %v: limited %v", given, limited)
		}
		e := &Env{Flags: g}
		if silence := e.Silence(); (silence == protocols.DefaultIdleTimeout) != given {
			t.Errorf("given %v: silence %v", given, silence)
		}
	}
}
