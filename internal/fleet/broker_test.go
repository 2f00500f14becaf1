package fleet

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nkeys"

	"github.com/netclients/netclients/protocols"
)

// A broker with a login lets in who has it, over the network and through its socket, and
// nobody else.
func TestLogins(t *testing.T) {
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seed")
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		server, right Broker
	}{
		{"token", Broker{Token: "a-secret"}, Broker{Token: "a-secret"}},
		{"nkeys", Broker{Accounts: []string{public}}, Broker{NKey: file}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.server.Dir, c.server.Listen, c.server.Retain = t.TempDir(), "127.0.0.1:0", true
			f, err := Open(t.Context(), Options{Broker: c.server})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, way := range []struct {
				name         string
				dir, servers string
			}{{"network", "", f.Reachable()}, {"socket", c.server.Dir, ""}} {
				wrong := Broker{Dir: way.dir, Servers: way.servers}
				if got, err := Open(t.Context(), Options{Broker: wrong}); protocols.KindOf(err) != protocols.KindAuth {
					t.Errorf("%s without a login: %v, want kind auth", way.name, err)
					if err == nil {
						got.Close()
					}
				}
				right := c.right
				right.Dir, right.Servers = way.dir, way.servers
				got, err := Open(t.Context(), Options{Broker: right})
				if err != nil {
					t.Errorf("%s: %v", way.name, err)
					continue
				}
				got.Close()
			}
		})
	}
}
