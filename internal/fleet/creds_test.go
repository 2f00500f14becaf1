package fleet

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/netclients/netclients/protocols"
)

// identity is a key pair with its public key.
type identity struct {
	nkeys.KeyPair
	public string
}

func newIdentity(t *testing.T, create func() (nkeys.KeyPair, error)) identity {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return identity{pair, public}
}

func encoded(t *testing.T, c interface {
	Encode(nkeys.KeyPair) (string, error)
}, by identity) string {
	t.Helper()
	text, err := c.Encode(by)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// operated is a NATS server whose users have JWTs, with two accounts: fleets may be stored in
// the first one only.
type operated struct {
	url               string
	stored, storeless identity
}

func operate(t *testing.T) operated {
	t.Helper()
	operator := newIdentity(t, nkeys.CreateOperator)
	system := newIdentity(t, nkeys.CreateAccount)
	o := operated{stored: newIdentity(t, nkeys.CreateAccount), storeless: newIdentity(t, nkeys.CreateAccount)}
	claims := jwt.NewOperatorClaims(operator.public)
	claims.SystemAccount = system.public
	accounts := &server.MemAccResolver{}
	for _, account := range []identity{system, o.stored, o.storeless} {
		c := jwt.NewAccountClaims(account.public)
		if account == o.stored {
			c.Limits.DiskStorage, c.Limits.MemoryStorage = jwt.NoLimit, jwt.NoLimit
		}
		if err := accounts.Store(account.public, encoded(t, c, operator)); err != nil {
			t.Fatal(err)
		}
	}
	decoded, err := jwt.DecodeOperatorClaims(encoded(t, claims, operator))
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "operated", Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		TrustedOperators: []*jwt.OperatorClaims{decoded}, AccountResolver: accounts, SystemAccount: system.public,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(startTime) {
		t.Fatal("the server does not start")
	}
	o.url = s.ClientURL()
	return o
}

// creds writes the file of a user, as nsc does.
func creds(t *testing.T, account identity, change func(*jwt.UserClaims)) string {
	t.Helper()
	user := newIdentity(t, nkeys.CreateUser)
	c := jwt.NewUserClaims(user.public)
	if change != nil {
		change(c)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.FormatUserConfig(encoded(t, c, account), seed)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "user.creds")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// counter is a host whose jobs do nothing.
type counter struct{ runs atomic.Int32 }

func (c *counter) Servers(*Job) []string                 { return []string{"server:21"} }
func (c *counter) Remembers(*Job) bool                   { return false }
func (c *counter) Run(context.Context, *Job, *Run) error { c.runs.Add(1); return nil }

// TestCredentials: the credentials of a user let a fleet in; others are refused with the
// reason and are not shown.
func TestCredentials(t *testing.T) {
	o := operate(t)
	stranger := newIdentity(t, nkeys.CreateAccount)
	text := func(s string) string {
		path := filepath.Join(t.TempDir(), "user.creds")
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole, err := os.ReadFile(creds(t, o.stored, nil))
	if err != nil {
		t.Fatal(err)
	}
	keyless, _, _ := strings.Cut(string(whole), "-----BEGIN USER NKEY SEED")
	for _, c := range []struct {
		name, file string
		kind       protocols.Kind
		want       string
	}{
		{"right", creds(t, o.stored, nil), protocols.KindOK, ""},
		{"only what a fleet needs", creds(t, o.stored, func(u *jwt.UserClaims) {
			u.Pub.Allow.Add("$JS.API.>", "$JS.ACK.nc_default_jobs.>", "nc.default.>",
				"$KV.nc_default_state.>", "$KV.nc_default_slots.>", "$KV.nc_default_limits.>", "$O.nc_default_files.>")
			u.Sub.Allow.Add("_INBOX.>")
		}), protocols.KindOK, ""},
		{"no right to write records", creds(t, o.stored, func(u *jwt.UserClaims) { u.Pub.Deny.Add("$KV.nc_default_state.>") }), protocols.KindRefused, "$KV.nc_default_state"},
		{"no rights", creds(t, o.stored, func(u *jwt.UserClaims) { u.Pub.Deny.Add("$JS.API.>") }), protocols.KindRefused, "does not permit"},
		{"another account", creds(t, stranger, nil), protocols.KindAuth, "refused the login"},
		{"expired", creds(t, o.stored, func(u *jwt.UserClaims) { u.Expires = time.Now().Add(-time.Hour).Unix() }), protocols.KindAuth, "refused the login"},
		{"no storage", creds(t, o.storeless, nil), protocols.KindRefused, "no JetStream for this account"},
		{"no file", filepath.Join(t.TempDir(), "absent"), protocols.KindLocal, "--nats-creds"},
		{"empty", text(""), protocols.KindAuth, "holds no JWT"},
		{"no key", text(keyless), protocols.KindAuth, "holds no key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			f, err := Open(ctx, Options{Broker: Broker{Servers: o.url, Creds: c.file}})
			if err == nil {
				defer f.Close()
				err = runAll(ctx, t, f)
			}
			if got := protocols.KindOf(err); got != c.kind || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("kind %v: %v, want %v and %q", got, err, c.kind, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "eyJ") {
				t.Errorf("the error shows the JWT: %v", err)
			}
		})
	}
}

// runAll has a fleet run three jobs.
func runAll(ctx context.Context, t *testing.T, f *Fleet) error {
	t.Helper()
	var jobs []*Job
	for _, id := range []string{"a", "b", "c"} {
		j := &Job{ID: id + t.Name(), Verb: "ls", Args: []string{"ftp://server/"}}
		if err := j.Prepare(DefaultLane); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, j)
	}
	s, err := f.Submit(ctx, slices.Values(jobs))
	if err != nil {
		return err
	}
	track, err := f.Track(ctx, s.Keys)
	if err != nil {
		return err
	}
	host := &counter{}
	o := WorkOptions{Workers: 2, Lanes: []string{DefaultLane}, PerHost: 2, Attempts: 1, Dir: t.TempDir(), Drained: track.Settled(), Items: true, Note: func(text string) { t.Log(text) }}
	if err := f.Work(ctx, host, o); err != nil {
		return err
	}
	if n := host.runs.Load(); int(n) != len(jobs) {
		t.Errorf("%d jobs ran, want %d", n, len(jobs))
	}
	return nil
}
