package pop3

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// resting is a server that does something with a session after its first STAT.
func resting(t *testing.T, then func(net.Conn)) (address string, sessions *atomic.Int32) {
	t.Helper()
	sessions = &atomic.Int32{}
	address = labtest.Serve(t, func(conn net.Conn) {
		first := sessions.Add(1) == 1
		labtest.Converse(conn, "+OK ready\r\n", func(line string) string {
			switch {
			case strings.HasPrefix(line, "CAPA"):
				return "-ERR what?\r\n"
			case strings.HasPrefix(line, "STAT"):
				fmt.Fprint(conn, "+OK 1 10\r\n")
				if first {
					then(conn)
				}
				return ""
			}
			return "+OK\r\n"
		})
	})
	return address, sessions
}

// TestRestedSession: a session that the server has ended while it rested is replaced
// without a failure, and a reply that came meanwhile is not an answer.
func TestRestedSession(t *testing.T) {
	for name, c := range map[string]struct {
		then     func(net.Conn)
		sessions int32
		kind     protocols.Kind
	}{
		"ended":    {func(c net.Conn) { c.Close() }, 2, protocols.KindOK},
		"farewell": {func(c net.Conn) { fmt.Fprint(c, "-ERR idle for too long\r\n"); c.Close() }, 2, protocols.KindOK},
		"surplus":  {func(c net.Conn) { fmt.Fprint(c, "+OK 99 9\r\n") }, 1, protocols.KindProtocol},
		"at rest":  {func(net.Conn) {}, 1, protocols.KindOK},
	} {
		t.Run(name, func(t *testing.T) {
			address, sessions := resting(t, c.then)
			u, err := protocols.ParseURL("pop3://alice:secret@"+address+"/", "")
			if err != nil {
				t.Fatal(err)
			}
			client, err := New(u, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, _, err := client.Totals(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond) // what the server does then arrives
			count, _, err := client.Totals(t.Context())
			if protocols.KindOf(err) != c.kind || err == nil && count != 1 || sessions.Load() != c.sessions {
				t.Errorf("%d messages, %d sessions, want %d: %v", count, sessions.Load(), c.sessions, err)
			}
		})
	}
}

// TestUnverifiedServer: where the secret might go unencrypted anyway, a certificate
// that does not verify is worth a warning, and the session goes on encrypted; where
// TLS is required it is an error.
func TestUnverifiedServer(t *testing.T) {
	s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}})
	var warned []string
	o := &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{}}, Warn: func(text string) { warned = append(warned, text) }}
	c := labtest.Connect(t, New, s, o)
	if _, _, err := c.Totals(t.Context()); err != nil || len(warned) != 1 || !strings.HasPrefix(warned[0], "could not verify the server: ") {
		t.Errorf("warned %q: %v", warned, err)
	}
	c.Close()
	strict := *o
	strict.TLS.Mode = protocols.TLSRequire
	if _, _, err := labtest.Connect(t, New, s, &strict).Totals(t.Context()); protocols.KindOf(err) != protocols.KindTLS {
		t.Errorf("with TLS required: %v", err)
	}
}
