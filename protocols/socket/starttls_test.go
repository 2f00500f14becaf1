package socket

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// atomicMax counts.
type atomicMax struct{ n atomic.Int64 }

func (a *atomicMax) add(d int64) int64 { return a.n.Add(d) }

func (a *atomicMax) max(v int64) {
	for old := a.n.Load(); v > old && !a.n.CompareAndSwap(old, v); old = a.n.Load() {
	}
}

// dialogues are what a server says to each protocol's upgrade: its words in
// turns, each after one message of the client; a first one comes at once.
var dialogues = map[string][]string{
	"smtp":     {"220-mail\r\n220 ready\r\n", "250-mail\r\n250 STARTTLS\r\n", "220 go\r\n"},
	"lmtp":     {"220 ready\r\n", "250 mail\r\n", "220 go\r\n"},
	"ftp":      {"220-a\r\n 220 b\r\n220 c\r\n", "234 go\r\n"},
	"nntp":     {"201 no posting\r\n", "382 go\r\n"},
	"pop3":     {"+OK ready\r\n", "+OK go\r\n"},
	"imap":     {"* OK ready\r\n", "* CAPABILITY X\r\na OK go\r\n"},
	"sieve":    {"\"IMPLEMENTATION\" \"x\"\r\nOK\r\n", "OK\r\n"},
	"xmpp":     {"", "<stream:stream><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"},
	"ldap":     {"", "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"},
	"postgres": {"", "S"},
}

// upgradeServer plays a dialogue, then TLS, then echoes.
func upgradeServer(t *testing.T, words []string, conf *tls.Config) string {
	return serve(t, "tcp://localhost:0", &ListenOptions{Handle: func(ctx context.Context, p *Peer) error {
		buf := make([]byte, 4096)
		for i, w := range words {
			if i > 0 {
				if _, err := p.Conn.Read(buf); err != nil {
					return err
				}
			}
			io.WriteString(p.Conn, w)
		}
		s := tls.Server(p.Conn, conf)
		io.Copy(s, s)
		return s.Close()
	}})
}

func TestStartTLS(t *testing.T) {
	a, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	if len(dialogues) != len(StartTLSNames()) {
		t.Errorf("dialogues for %d of %v", len(dialogues), StartTLSNames())
	}
	for name, words := range dialogues {
		o := &protocols.Options{TLS: protocols.TLS{Config: a.ClientConfig()}}
		c := labtest.Open(t, New, upgradeServer(t, words, a.ServerConfig()), o)
		c.Settings.StartTLS = name
		conn, err := c.Connect(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		io.WriteString(conn, "under TLS")
		conn.CloseWrite()
		if b, err := io.ReadAll(conn); string(b) != "under TLS" || conn.TLS() == nil {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		conn.Close()
	}
}

// TestStartTLSRefused: a no, nonsense, an early end and bytes in front of the
// handshake are failures, whatever the protocol.
func TestStartTLSRefused(t *testing.T) {
	for name, words := range dialogues {
		last := len(words) - 1
		for what, bad := range map[string]string{
			"no": "502 no\r\na NO\r\n-ERR\r\nNO\r\n<failure/>N", "early": words[last] + "injected", "flood": strings.Repeat("x", 300<<10),
		} {
			said := strings.Join(words[:last], "") + bad
			r := bufio.NewReaderSize(strings.NewReader(said), maxUpgradeLine)
			err := upgrades[name](io.Discard, r, "localhost")
			if err == nil && r.Buffered() == 0 {
				t.Errorf("%s, %s: taken", name, what)
			}
		}
	}
}

// FuzzStartTLS: whatever a server says, the dialogue before TLS ends.
func FuzzStartTLS(f *testing.F) {
	for _, words := range dialogues {
		f.Add([]byte(strings.Join(words, "")))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		for _, ask := range upgrades {
			ask(io.Discard, bufio.NewReaderSize(bytes.NewReader(said), maxUpgradeLine), "<host>")
		}
	})
}
