package telnetcmd

import (
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/expect"
)

// TestRecorderUnasked: from a pipe, a line that the server has not asked for is not written
// down, nor is one asked for by the echo of the one before it.
func TestRecorderUnasked(t *testing.T) {
	r := &recorder{}
	r.end() // nothing comes
	r.await()
	r.sent([]byte("hunter2\r\n"), false)
	if s := r.script(); strings.Contains(s, "hunter2") || !strings.Contains(s, "send ${PASSWORD1}") {
		t.Error(s)
	}
	for _, c := range []struct {
		seen  string
		since time.Duration
		want  bool
	}{
		{"login: ", time.Second, true},
		{"login: ", 0, false},
		{"Welcome\r\n", time.Second, false},
		{"Welcome\r\n", time.Minute, true},
		{"hunter2", time.Minute, false}, // its echo
		{"", time.Minute, false},
	} {
		r.seen, r.last = []byte(c.seen), time.Now().Add(-c.since)
		if asked, _ := r.asked(); asked != c.want {
			t.Errorf("%q for %v: %v", c.seen, c.since, asked)
		}
	}
}

// TestRecorder: a session becomes a script that waits for the prompts, without passwords.
func TestRecorder(t *testing.T) {
	r := &recorder{}
	say := func(text string) { r.received([]byte(text)) }
	keys := func(text string) { // as a server shows them
		for i := range len(text) {
			r.sent([]byte{text[i]}, true)
			if text[i] >= ' ' {
				say(text[i : i+1])
			}
		}
	}
	say("Welcome\r\nlogin: ")
	keys("alicf\x7fe\r")
	say("\r\nPassword: ")
	r.sent([]byte("hunter2\r\n"), true)
	say("\r\nSay the magic word> ")
	r.sent([]byte("o"), true)
	say("*") // shown as something else
	r.sent([]byte("pensesame\r"), true)
	say("\r\n\x1b[32mhost$ \x1b[0m")
	keys("echo ${HOME} \"x\"\r")
	say("\r\n/home\r\nhost$ ")
	keys("ls\t\r")
	r.sent([]byte("not ended"), true)
	script := r.script()
	want := `expect "login: "
send "alice"
expect "Password: "
secret PASSWORD1 env:TELNET_PASSWORD1
send ${PASSWORD1}
expect "Say the magic word> "
secret PASSWORD2 env:TELNET_PASSWORD2
send ${PASSWORD2}
expect "host$ "
write "echo $"
send "{HOME} \"x\""
expect "host$ "
write "ls\t"
send ""
`
	if _, got, _ := strings.Cut(script, "\n"); got != want {
		t.Errorf("got\n%s", got)
	}
	if _, err := expect.Parse(strings.NewReader(script)); err != nil {
		t.Error(err)
	}
	for range 2 * maxRecorded / 100 {
		r.sent([]byte(strings.Repeat("y", 100)+"\r"), false)
	}
	if s := r.script(); len(s) > maxRecorded+1000 || !strings.Contains(s, "too long") || len(r.seen) > maxSeen {
		t.Errorf("%d bytes", len(s))
	}
}
