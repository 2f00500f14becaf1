package sasl

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/xdg-go/scram"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
)

var everything = []string{"PLAIN", "login", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS",
	"XOAUTH2", "OAUTHBEARER", "EXTERNAL", "ANONYMOUS", "GSSAPI"}

var alice = protocols.Credential{User: "alice", Password: "secret"}

// chooseClients returns the clients that choose chooses.
func chooseClients(offered []string, c Config) (clients []Client, err error) {
	ways, err := choose(offered, c)
	for _, w := range ways {
		clients = append(clients, w.client)
	}
	return clients, err
}

// names starts each client and returns the names of their mechanisms.
func names(t *testing.T, clients []Client) string {
	t.Helper()
	var list []string
	for _, c := range clients {
		name, _, err := c.Start()
		if err != nil {
			t.Fatalf("Start: %v", err)
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

func TestChooseOrder(t *testing.T) {
	blocked := &protocols.Error{Kind: protocols.KindAuth, Sentinel: protocols.ErrCleartext, Text: "clear"}
	state := handshake(t, tls.VersionTLS13)
	tests := []struct {
		name    string
		offered []string
		c       Config
		want    string
		kind    protocols.Kind
	}{
		{"password unencrypted", everything, Config{Credential: alice}, "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN", 0},
		{"password under TLS", everything, Config{Credential: alice, TLS: &state},
			"SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN", 0},
		{"token", everything, Config{Credential: protocols.Credential{User: "a", Token: "t"}}, "OAUTHBEARER XOAUTH2", 0},
		{"token not taken", []string{"PLAIN"}, Config{Credential: protocols.Credential{User: "a", Token: "t"}}, "", protocols.KindAuth},
		{"certificate", everything, Config{TLS: &state}, "EXTERNAL ANONYMOUS", 0},
		{"nothing known", []string{"PLAIN"}, Config{}, "", protocols.KindAuth},
		{"asked and offered", everything, Config{Credential: alice, Mechanism: "plain"}, "PLAIN", 0},
		{"asked and not offered", []string{"PLAIN"}, Config{Credential: alice, Mechanism: "SCRAM-SHA-256"}, "", protocols.KindAuth},
		{"asked without password", everything, Config{Mechanism: "PLAIN"}, "", protocols.KindAuth},
		{"asked PLUS without TLS", everything, Config{Credential: alice, Mechanism: "SCRAM-SHA-256-PLUS"}, "", protocols.KindAuth},
		{"blocked", everything, Config{Credential: alice, MayClear: blocked}, "", protocols.KindAuth},
		{"blocked, clear asked", everything, Config{Credential: alice, MayClear: blocked, Mechanism: "LOGIN"}, "", protocols.KindAuth},
		{"blocked, proof asked", everything, Config{Credential: alice, MayClear: blocked, Mechanism: "SCRAM-SHA-1"}, "SCRAM-SHA-1", 0},
		{"blocked token", everything, Config{Credential: protocols.Credential{Token: "t"}, MayClear: blocked}, "", protocols.KindAuth},
		{"no offer", nil, Config{Credential: alice}, "", protocols.KindAuth},
		{"unknown only", []string{"GSSAPI"}, Config{Credential: alice}, "", protocols.KindAuth},
		{"NUL in user", everything, Config{Credential: protocols.Credential{User: "a\x00b", Password: "p"}}, "", protocols.KindUsage},
		{"field end in token", everything, Config{Credential: protocols.Credential{User: "a", Token: "t\x01host=x"}}, "", protocols.KindUsage},
	}
	for _, tt := range tests {
		clients, err := chooseClients(tt.offered, tt.c)
		if got := protocols.KindOf(err); got != tt.kind {
			t.Errorf("%s: kind %v, want %v (%v)", tt.name, got, tt.kind, err)
		}
		if got := names(t, clients); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if strings.HasPrefix(tt.name, "blocked") && tt.want == "" && !errors.Is(err, protocols.ErrCleartext) {
			t.Errorf("%s: %v is not ErrCleartext", tt.name, err)
		}
	}
}

// only returns the client of one mechanism.
func only(t *testing.T, mechanism string, cred protocols.Credential) Client {
	t.Helper()
	clients, err := chooseClients([]string{mechanism}, Config{Credential: cred, Mechanism: mechanism, Host: "server.example.com", Port: "143"})
	if err != nil {
		t.Fatal(err)
	}
	return clients[0]
}

func TestSimpleMechanisms(t *testing.T) {
	token := protocols.Credential{User: "user@example.com", Token: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="}
	tests := []struct {
		mechanism string
		cred      protocols.Credential
		initial   string // "<nil>" for none
		steps     []string
	}{
		{"PLAIN", protocols.Credential{User: "tim", Password: "tanstaaftanstaaf"}, "\x00tim\x00tanstaaftanstaaf", nil},            // RFC 4616 4
		{"PLAIN", protocols.Credential{User: "Kurt", Password: "xipj3plmq", AuthzID: "Ursel"}, "Ursel\x00Kurt\x00xipj3plmq", nil}, // RFC 4616 4
		{"LOGIN", alice, "<nil>", []string{"whatever?", "alice", "", "secret"}},                                                   // any prompt
		{"CRAM-MD5", protocols.Credential{User: "tim", Password: "tanstaaftanstaaf"}, "<nil>", // RFC 2195 2
			[]string{"<1896.697170952@postoffice.reston.mci.net>", "tim b913a602c7eda7a495b4e6e7334d3890"}},
		{"OAUTHBEARER", token, "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01", // RFC 7628 4.1
			[]string{`{"status":"invalid_token","scope":"example_scope"}`, "\x01"}},
		{"XOAUTH2", token, "user=user@example.com\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01", []string{`{"status":"400"}`, ""}},
		{"OAUTHBEARER", protocols.Credential{User: "a=b,c", Token: "t"}, "n,a=a=3Db=2Cc,\x01host=server.example.com\x01port=143\x01auth=Bearer t\x01\x01", nil},
		{"EXTERNAL", protocols.Credential{AuthzID: "root"}, "root", nil},
		{"ANONYMOUS", protocols.Credential{}, "anonymous", nil},
	}
	for _, tt := range tests {
		c := only(t, tt.mechanism, tt.cred)
		name, initial, err := c.Start()
		if err != nil || name != tt.mechanism {
			t.Errorf("%s: Start returned %q, %v", tt.mechanism, name, err)
		}
		if initial == nil {
			initial = []byte("<nil>")
		}
		if string(initial) != tt.initial {
			t.Errorf("%s: initial response %q, want %q", tt.mechanism, initial, tt.initial)
		}
		for i := 0; i < len(tt.steps); i += 2 {
			got, err := c.Next([]byte(tt.steps[i]))
			if err != nil || got == nil || string(got) != tt.steps[i+1] {
				t.Errorf("%s: answer to %q is %q, %v, want %q", tt.mechanism, tt.steps[i], got, err, tt.steps[i+1])
			}
		}
		if _, err := c.Next([]byte("more")); len(tt.steps) > 0 && err == nil {
			t.Errorf("%s: answered one challenge too many", tt.mechanism)
		}
	}
}

func TestBearerTellsWhy(t *testing.T) {
	c := only(t, "XOAUTH2", protocols.Credential{User: "u", Token: "t"})
	if err := Verified(c); err != nil {
		t.Errorf("before anything: %v", err)
	}
	if _, err := c.Next([]byte(`{"status":"401","scope":"mail"}`)); err != nil {
		t.Fatal(err)
	}
	if err := Verified(c); err == nil || !strings.Contains(err.Error(), "401: mail") {
		t.Errorf("Verified returned %v, want the server's reason", err)
	}
}

// rfcScram is a client with the nonce of an RFC's example.
func rfcScram(t *testing.T, name, nonce string) *scramClient {
	t.Helper()
	client, err := newScram(name, &Config{Credential: protocols.Credential{User: "user", Password: "pencil"}})
	if err != nil {
		t.Fatal(err)
	}
	return &scramClient{name: name, conv: client.WithNonceGenerator(func() string { return nonce }).NewConversation()}
}

var scramVectors = []struct{ name, nonce, first, final, proof string }{
	{"SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL", // RFC 5802 5
		"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="},
	{"SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO", // RFC 7677 3
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="},
}

func TestScramVectors(t *testing.T) {
	for _, v := range scramVectors {
		c := rfcScram(t, v.name, v.nonce)
		if _, first, err := c.Start(); err != nil || string(first) != "n,,n=user,r="+v.nonce {
			t.Errorf("%s: first message %q, %v", v.name, first, err)
		}
		got, err := c.Next([]byte(v.first))
		if err != nil || string(got) != v.proof {
			t.Errorf("%s: final message %q, %v, want %q", v.name, got, err, v.proof)
		}
		if Verified(c) == nil {
			t.Errorf("%s: verified before the server's signature", v.name)
		}
		got, err = c.Next([]byte(v.final))
		if err != nil || got == nil || len(got) != 0 {
			t.Errorf("%s: answer to the signature %q, %v, want an empty one", v.name, got, err)
		}
		if err := Verified(c); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}

// TestScramLies plays servers that do not know the password, or want to keep the
// client busy.
func TestScramLies(t *testing.T) {
	v := scramVectors[0]
	tests := []struct{ name, first, final string }{
		{"wrong signature", v.first, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		{"no signature", v.first, "v="},
		{"error", v.first, "e=invalid-proof"},
		{"other nonce", strings.Replace(v.first, "fyko", "xyko", 1), ""},
		{"endless work", strings.Replace(v.first, "i=4096", "i=2147483647", 1), ""},
		{"more than an int", strings.Replace(v.first, "i=4096", "i=99999999999999999999", 1), ""},
		{"hardly any work", strings.Replace(v.first, "i=4096", "i=1", 1), ""},
		{"huge", v.first + strings.Repeat(",x=y", maxChallenge), ""},
		{"garbage", "\xff\x00", ""},
	}
	for _, tt := range tests {
		c := rfcScram(t, v.name, v.nonce)
		c.Start()
		_, err := c.Next([]byte(tt.first))
		if err == nil && tt.final != "" {
			_, err = c.Next([]byte(tt.final))
		}
		if err == nil {
			t.Errorf("%s: no error", tt.name)
		}
		if Verified(c) == nil {
			t.Errorf("%s: verified", tt.name)
		}
	}
}

// TestScramBinding runs both versions of TLS against the server side of the
// library, which refuses a wrong binding.
func TestScramBinding(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		state := handshake(t, version)
		binding, err := bindingOf(&state)
		if err != nil {
			t.Fatal(err)
		}
		clients, err := chooseClients(everything, Config{Credential: alice, TLS: &state})
		if err != nil {
			t.Fatal(err)
		}
		if err := runScram(clients[0], binding); err != nil {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		clients, _ = chooseClients(everything, Config{Credential: alice, TLS: &state})
		if err := runScram(clients[0], scram.ChannelBinding{Type: binding.Type, Data: []byte("somebody in between")}); err == nil {
			t.Errorf("%s: bound to another connection", tls.VersionName(version))
		}
		// A server that hides its -PLUS from the client is found out by the server.
		clients, _ = chooseClients([]string{"SCRAM-SHA-256"}, Config{Credential: alice, TLS: &state})
		if _, first, _ := clients[0].Start(); !bytes.HasPrefix(first, []byte("y,,")) {
			t.Errorf("%s: first message %q does not tell that binding is possible", tls.VersionName(version), first)
		}
	}
}

// runScram plays a whole exchange with a server that knows alice.
func runScram(c Client, binding scram.ChannelBinding) error {
	keys, _ := scram.SHA256.NewClient("alice", "secret", "")
	stored, err := keys.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "0123456789abcdef", Iters: 4096})
	if err != nil {
		return err
	}
	server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return stored, nil })
	if err != nil {
		return err
	}
	conv := server.NewConversationWithChannelBinding(binding)
	_, response, err := c.Start()
	for err == nil && !conv.Done() {
		var challenge string
		if challenge, err = conv.Step(string(response)); err == nil {
			response, err = c.Next([]byte(challenge))
		}
	}
	return errors.Join(err, Verified(c))
}

// handshake returns the client's state of a TLS connection.
func handshake(t *testing.T, version uint16) tls.ConnectionState {
	t.Helper()
	ca, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	done := make(chan error, 1)
	go func() { done <- tls.Server(b, ca.ServerConfig()).Handshake() }()
	config := ca.ClientConfig()
	config.MaxVersion = version
	client := tls.Client(a, config)
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return client.ConnectionState()
}

// FuzzNext feeds challenges to every mechanism: no panic, bounded work, and never
// a server that is believed without the right signature.
func FuzzNext(f *testing.F) {
	for _, v := range scramVectors {
		f.Add([]byte(v.first), []byte(v.final))
	}
	f.Add([]byte("Username:"), []byte("Password:"))
	f.Add([]byte(`{"status":"x"}`), []byte{})
	f.Add([]byte("r=,s=,i=1"), []byte("v=,,"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		cred := protocols.Credential{User: "u", Password: "p", Token: "t"}
		for _, m := range mechanisms() {
			c, err := chooseClients([]string{m.name}, Config{Credential: cred, Mechanism: m.name})
			if err != nil {
				continue
			}
			c[0].Start()
			if _, err := c[0].Next(first); err == nil {
				c[0].Next(second)
			}
			if m.secret == proof && strings.HasPrefix(m.name, "SCRAM") && Verified(c[0]) == nil {
				t.Fatalf("%s believed %q %q", m.name, first, second)
			}
		}
	})
}
