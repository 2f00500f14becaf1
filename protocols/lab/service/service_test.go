package service

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// begin starts servers, which end with the test.
func begin(t *testing.T, o Options) *Service {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// at returns the address of a server.
func at(t *testing.T, s *Service, protocol string) string {
	t.Helper()
	for _, r := range s.Servers() {
		if r.Protocol == protocol && r.Server != nil {
			return r.Server.Addr()
		} else if r.Protocol == protocol {
			return strings.TrimSuffix(strings.TrimPrefix(r.URL, "http://"), "/")
		}
	}
	t.Fatalf("%s does not run", protocol)
	return ""
}

func mail(t *testing.T, s *Service, subject string, to ...string) error {
	t.Helper()
	return smtp.SendMail(at(t, s, "smtp"), nil, "ann@shop.test", to, []byte("Subject: "+subject+"\r\n\r\nx\r\n"))
}

func TestAllServersStart(t *testing.T) {
	s := begin(t, Options{TLS: true, UI: ":0", Unix: filepath.Join(t.TempDir(), "socket")})
	var names []string
	for _, r := range s.Servers() {
		names = append(names, r.Protocol)
	}
	if want := append(Protocols(), "ui"); !slices.Equal(names, want) {
		t.Errorf("running %q, want %q", names, want)
	}
	roots := &tls.Config{RootCAs: s.Authority().Pool(), ServerName: "localhost"}
	for _, p := range []string{"smtps", "imaps", "pop3s", "nntps", "ftps", "https"} {
		c, err := tls.Dial("tcp", at(t, s, p), roots)
		if err != nil {
			t.Errorf("%s: %v", p, err)
			continue
		}
		c.Close()
	}
	c, err := smtp.Dial(at(t, s, "submission"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.StartTLS(roots); err != nil {
		t.Errorf("STARTTLS: %v", err)
	}
	if err := c.Auth(smtp.PlainAuth("", "anybody@x.test", "any", "localhost")); err == nil || !strings.Contains(err.Error(), "wrong host") {
		t.Logf("login: %v", err) // the standard library compares host names
	}
}

func TestOptionsAreChecked(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"unknown":           {Options{Only: []string{"nothing"}}, `no server is called "nothing"`},
		"TLS is off":        {Options{Only: []string{"imaps"}}, "needs TLS"},
		"not started":       {Options{Only: []string{"imap"}, Listen: map[string]string{"smtp": ":0"}}, "not among the servers"},
		"others could come": {Options{Only: []string{"smtp"}, Listen: map[string]string{"smtp": "0.0.0.0:0"}}, "not a loopback address"},
		"a name":            {Options{Only: []string{"smtp"}, Listen: map[string]string{"smtp": "example.org:25"}}, "not a loopback address"},
		"the page":          {Options{Only: []string{"smtp"}, UI: "0.0.0.0:0"}, "not a loopback address"},
		"no port":           {Options{Only: []string{"smtp"}, Listen: map[string]string{"smtp": "127.0.0.1:http"}}, "not a port"},
		"too high":          {Options{Only: []string{"smtp"}, Listen: map[string]string{"smtp": "70000"}}, "not a port"},
		"taken":             {Options{Only: []string{"smtp"}, Listen: map[string]string{"smtp": taken.Addr().String()}}, "address already in use"},
		"a fault":           {Options{Only: []string{"smtp"}, Faults: "nonsense"}, "unknown kind of fault"},
		"no folder":         {Options{Only: []string{"ftp"}, Dir: filepath.Join(t.TempDir(), "none")}, "none"},
	} {
		if s, err := Start(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
			if s != nil {
				s.Close()
			}
		}
	}
	for given, want := range map[string]string{"1025": "127.0.0.1:1025", ":1025": "127.0.0.1:1025", "localhost:1": "127.0.0.1:1", "[::1]:2": "[::1]:2", "127.0.0.2:3": "127.0.0.2:3"} {
		if got, err := new(Options).Local(given); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", given, got, err, want)
		}
	}
	if got, err := (&Options{Public: true}).Local(":1025"); err != nil || got != ":1025" {
		t.Errorf("public: %s, %v", got, err)
	}
}

func TestFaultsAreSwitched(t *testing.T) {
	s := begin(t, Options{Only: []string{"smtp", "lmtp"}, UI: ":0", Faults: "smtp.code:MAIL=451 first"})
	if err := mail(t, s, "x", "a@b.test"); err == nil || !strings.Contains(err.Error(), "first") {
		t.Errorf("%v, want the fault of the options", err)
	}
	put := func(body string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "PUT", "http://"+at(t, s, "ui")+"/api/faults", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if code := put(`{"faults":{"smtp":"code:MAIL=451 second"}}`); code != 200 {
		t.Fatalf("status %d", code)
	}
	if err := mail(t, s, "x", "a@b.test"); err == nil || !strings.Contains(err.Error(), "second") {
		t.Errorf("%v, want the new fault", err)
	}
	if code := put(`{"faults":{"smtp":"nonsense"}}`); code != 400 {
		t.Errorf("a wrong fault: status %d", code)
	}
	if code := put(`{"faults":{"*":""}}`); code != 200 {
		t.Fatalf("status %d", code)
	}
	if err := mail(t, s, "x", "a@b.test"); err != nil {
		t.Errorf("all faults are off: %v", err)
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := mail(t, s, "x", "a@b.test"); err == nil || !strings.Contains(err.Error(), "first") {
		t.Errorf("%v, want the fault of the options again", err)
	}
}

// TestRelayAndWebhook sends on to a second lab, and takes summaries at a hook.
func TestRelayAndWebhook(t *testing.T) {
	far := begin(t, Options{Only: []string{"smtp"}, NoSamples: true})
	var mu sync.Mutex
	var logged, hooked []string
	relay := func(_ context.Context, from string, to []string, content io.Reader) error {
		data, err := io.ReadAll(content)
		if err != nil || slices.Contains(to, "broken@ok.test") {
			return fmt.Errorf("no such server: %v", err)
		}
		return smtp.SendMail(at(t, far, "smtp"), nil, from, to, data)
	}
	s := begin(t, Options{
		Only: []string{"smtp"}, UI: ":0", Relay: relay, RelayTo: regexp.MustCompile(`@ok\.test$`),
		Webhook: func(_ context.Context, summary []byte) error {
			var m struct{ Subject string }
			err := json.Unmarshal(summary, &m)
			mu.Lock()
			defer mu.Unlock()
			hooked = append(hooked, m.Subject)
			return err
		},
		Log: func(text string) {
			mu.Lock()
			defer mu.Unlock()
			logged = append(logged, text)
		},
	})
	for subject, to := range map[string][]string{"one": {"bob@ok.test", "carol@elsewhere.test"}, "two": {"dave@elsewhere.test"}, "three": {"broken@ok.test"}} {
		if err := mail(t, s, subject, to...); err != nil {
			t.Fatal(err)
		}
	}
	state := func() (int, int, int) {
		mu.Lock()
		defer mu.Unlock()
		return len(far.Mail().Letters(0, -1)), len(hooked), len(logged)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if relayed, hooks, errors := state(); relayed == 1 && hooks == 3 && errors == 1 {
			break
		}
	}
	if relayed, hooks, errors := state(); relayed != 1 || hooks != 3 || errors != 1 {
		t.Fatalf("%d relayed, %q hooked, %q logged", relayed, hooked, logged)
	}
	if to := far.Mail().Letters(0, 1)[0].To; !slices.Equal(to, []string{"bob@ok.test"}) {
		t.Errorf("sent on to %q", to)
	}
	answer, err := http.Post("http://"+at(t, s, "ui")+"/api/v1/message/latest/release", "application/json", strings.NewReader(`{"To":["eve@ok.test"]}`))
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("release: %v, %v", answer, err)
	}
	answer.Body.Close()
	if n := len(far.Mail().Letters(0, -1)); n != 2 {
		t.Errorf("%d messages were sent on, want 2", n)
	}
}

// TestConversations: what is said under TLS is seen too, and passwords are not.
func TestDirServesAndKeeps(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("alpha"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := begin(t, Options{Only: []string{"http"}, Dir: dir})
	r, err := http.NewRequestWithContext(t.Context(), "PUT", "http://"+at(t, s, "http")+"/up.txt", strings.NewReader("up"))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("alice", "secret")
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != 201 {
		t.Fatalf("%v, %v", answer, err)
	}
	answer.Body.Close()
	if text, _ := os.ReadFile(filepath.Join(dir, "up.txt")); string(text) != "up" {
		t.Errorf("the file holds %q", text)
	}
	if f := s.Journal().Files(); len(f) != 1 || f[0].Path != "/up.txt" || f[0].Size != 2 {
		t.Errorf("journal %+v", f)
	}
}

// TestManyMessages: 10,000 messages into a folder cost little memory.
func TestManyMessages(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: takes 10,000 messages")
	}
	s := begin(t, Options{Only: []string{"smtp"}, MailDir: t.TempDir(), Limits: maillab.Limits{Messages: 100_000, Bytes: 1 << 30, DropOldest: true}})
	text := "Subject: x\r\n\r\n" + strings.Repeat("all work and no play makes a dull client\r\n", 100)
	take := func(n int) uint64 {
		t.Helper()
		for i := range n {
			e := maillab.Envelope{From: "ann@shop.test", To: []string{fmt.Sprintf("user%d@customer.test", i)}}
			if _, err := s.Mail().Receive(e, strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := take(100)
	after := take(10_000)
	each := int64(after-before) / 10_000
	t.Logf("%d bytes of memory for each message of %d", each, len(text))
	if after > before && each > 400 {
		t.Errorf("a message costs %d bytes of memory, want less than 400", each)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	s, err := Start(Options{UI: ":0", TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	addr := at(t, s, "smtp")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error("a second time:", err)
	}
	if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		c.Close()
		t.Error("a server still answers")
	}
}

// TestChaosAndSocket: Mailpit's chaos has SMTP refuse, and an open web socket does not hold
// up the end.
func TestChaosAndSocket(t *testing.T) {
	s := begin(t, Options{UI: ":0", Only: []string{"smtp"}})
	r, err := http.NewRequestWithContext(t.Context(), "PUT", "http://"+at(t, s, "ui")+"/api/v1/chaos", strings.NewReader(`{"Recipient":{"ErrorCode":452,"Probability":100}}`))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%v, %v", answer, err)
	}
	answer.Body.Close()
	if err := mail(t, s, "x", "bob@a.test"); err == nil || !strings.HasPrefix(err.Error(), "452 ") {
		t.Errorf("a recipient under chaos: %v", err)
	}
	conn, err := net.Dial("tcp", at(t, s, "ui"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(conn, "GET /api/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	head := make([]byte, len("HTTP/1.1 101"))
	if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 101" {
		t.Fatalf("%q, %v", head, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(conn); err != nil || !strings.Contains(string(rest), `{"Type":"stats"`) {
		t.Errorf("%q, %v", rest, err)
	}
}
