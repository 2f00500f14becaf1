package frame

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// overheard lets a client and a server speak in turn ("C: ..." and "S: ..."), and
// returns what a watch reports of it.
func overheard(t *testing.T, lines ...string) []string {
	t.Helper()
	var mu sync.Mutex
	var steps []string
	w := newWatch(func(s base.Step) {
		mu.Lock()
		defer mu.Unlock()
		text := s.Text
		if s.Bytes > 0 {
			text += fmt.Sprint(" ", s.Bytes)
		}
		steps = append(steps, string(s.Kind)+": "+text)
	})
	client, inner := net.Pipe()
	defer client.Close()
	client.SetDeadline(time.Now().Add(10 * time.Second))
	server := w.plain(inner, "control")
	in, out := bufio.NewReader(server), bufio.NewReader(client)
	for _, line := range lines {
		who, text, _ := strings.Cut(line, ": ")
		from, to := io.Writer(client), in
		if who == "S" {
			from, to = server, out
		}
		go io.WriteString(from, text+"\r\n")
		if got, err := to.ReadString('\n'); err != nil || strings.TrimRight(got, "\r\n") != text {
			t.Fatalf("%q came as %q, %v", text, got, err)
		}
	}
	server.Close()
	mu.Lock()
	defer mu.Unlock()
	return steps
}

func TestWatchMasksSecrets(t *testing.T) {
	for name, c := range map[string]struct{ said, told []string }{
		"pop3":      {[]string{"S: +OK", "C: USER alice", "S: +OK And the password?", "C: PASS secret word"}, []string{"recv: +OK", "send: USER alice", "recv: +OK And the password?", "send: PASS ****"}},
		"imap":      {[]string{"C: a1 LOGIN alice secret", "S: a1 OK", "C: a2 SELECT INBOX"}, []string{"send: a1 LOGIN alice ****", "recv: a1 OK", "send: a2 SELECT INBOX"}},
		"sasl":      {[]string{"C: AUTH LOGIN", "S: 334 VXNlcg==", "C: YWxpY2U=", "S: 334 UGFzcw==", "C: c2VjcmV0", "S: 235 ok", "C: QUIT"}, []string{"send: AUTH LOGIN", "recv: 334 VXNlcg==", "send: ****", "recv: 334 UGFzcw==", "send: ****", "recv: 235 ok", "send: QUIT"}},
		"imap sasl": {[]string{"C: a AUTHENTICATE PLAIN", "S: + ", "C: AGEAYg==", "S: a OK", "C: b NOOP"}, []string{"send: a AUTHENTICATE PLAIN", "recv: + ", "send: ****", "recv: a OK", "send: b NOOP"}},
		"initial":   {[]string{"C: AUTH PLAIN AGEAYg=="}, []string{"send: AUTH PLAIN ****"}},
		"nntp":      {[]string{"C: AUTHINFO USER a", "C: AUTHINFO PASS secret"}, []string{"send: AUTHINFO USER a", "send: AUTHINFO PASS ****"}},
		"http":      {[]string{"C: GET / HTTP/1.1", "C: Authorization: Basic YTpi", "C: Cookie: s=1", "C: Accept: x"}, []string{"send: GET / HTTP/1.1", "send: Authorization: ****", "send: Cookie: ****", "send: Accept: x"}},
		"telnet":    {[]string{"C: alice", "S: Password:", "C: secret", "S: Welcome"}, []string{"send: alice", "recv: Password:", "send: ****", "recv: Welcome"}},
		"a subject": {[]string{"C: Subject: your password", "C: x"}, []string{"send: Subject: your password", "send: x"}},
	} {
		t.Run(name, func(t *testing.T) {
			want := append(append([]string{"connect: pipe"}, c.told...), "close: ")
			if got := overheard(t, c.said...); !slices.Equal(got, want) {
				t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestWatchBoundsWhatItTells(t *testing.T) {
	said := []string{"C: " + strings.Repeat("x", 2000), "C: \x00\x01\x02"}
	for range 100 {
		said = append(said, "S: line")
	}
	got := overheard(t, said...)
	if len(got) > watchRun+8 {
		t.Errorf("%d steps of a long answer", len(got))
	}
	if !strings.HasPrefix(got[1], "send: "+strings.Repeat("x", watchLine)+" …") || len(got[1]) > watchLine+20 {
		t.Errorf("a long line: %.80q", got[1])
	}
	if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "down: content ") }) {
		t.Errorf("the rest of the answer is not told: %q", got)
	}
}

func TestWatchDoesNotLookIntoTLS(t *testing.T) {
	got := overheard(t, "S: 220 go ahead", "C: \x16\x03\x01 hello", "S: secret", "C: more")
	if want := []string{"connect: pipe", "recv: 220 go ahead", "tls: TLS handshake", "close: "}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestInjectorCanBeSet(t *testing.T) {
	in := NewInjector(base.Faults{{Kind: base.FaultCode, Verb: "A", Text: "1", Times: 1}})
	for _, want := range []bool{true, false} {
		if _, ok := in.Verb("A"); ok != want {
			t.Errorf("fault %v, want %v", ok, want)
		}
	}
	in.Set(base.Faults{{Kind: base.FaultDrop, Verb: "B"}})
	if _, ok := in.Verb("A"); ok {
		t.Error("the old faults are still there")
	}
	if f, ok := in.Verb("B"); !ok || f.Kind != base.FaultDrop {
		t.Error("the new fault is not there")
	}
	in.Set(nil)
	if _, ok := in.Verb("B"); ok {
		t.Error("faults that were switched off are still there")
	}
}

func TestInjectorByChance(t *testing.T) {
	in := NewInjector(base.Faults{{Kind: base.FaultCode, Verb: "A", Text: "1", Chance: 50}})
	happened := 0
	for range 2000 {
		if _, ok := in.Verb("A"); ok {
			happened++
		}
	}
	if happened < 800 || happened > 1200 { // nine standard deviations
		t.Errorf("a fault with a chance of 50%% happened %d times of 2000", happened)
	}
}
