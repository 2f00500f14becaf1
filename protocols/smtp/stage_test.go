package smtp

import (
	"errors"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// TestErrorsNameTheStage: a refusal says at which stage of the session it came.
func TestErrorsNameTheStage(t *testing.T) {
	for fault, want := range map[string]string{
		"code:GREETING=554 5.3.2 not here":                        atGreeting,
		"code:EHLO=550 5.7.1 go away,code:HELO=550 5.7.1 go away": atHelo,
		"code:STARTTLS=454 4.7.0 no TLS today":                    atSTARTTLS,
		"code:AUTH=535 5.7.8 wrong":                               atAuth,
		"code:MAIL=550 5.7.1 not from you":                        atMail,
		"code:RCPT=550 5.1.1 nobody":                              atRcpt,
		"code:DATA=554 5.5.1 no":                                  atData,
		"code:END=554 5.6.0 spam":                                 atMessage,
	} {
		t.Run(want, func(t *testing.T) {
			o := &protocols.Options{}
			so := lab.ServerOptions{Faults: labtest.Faults(t, fault)}
			if want == atSTARTTLS {
				so.TLS, o.TLS.Mode = lab.TLSExplicit, protocols.TLSRequire
			}
			c := client(t, start(t, maillab.SMTPOptions{ServerOptions: so}), map[bool]string{true: "alice"}[want == atAuth], o)
			c.Settings.Chunking = ChunkNever
			_, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org"))
			e, ok := errors.AsType[*protocols.Error](err)
			if !ok || e.Stage != want {
				t.Errorf("%#v, want stage %s", err, want)
			}
		})
	}
}

// TestCommandsInContent: content that a server could take for commands never goes out
// with BDAT, which not every server throws away when it refuses it.
func TestCommandsInContent(t *testing.T) {
	for text, want := range map[string]string{
		hello: "BDAT",
		"Subject: x\r\n\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n": "DATA",
		"Subject: x\r\n\r\nrset":                                  "DATA",
		"Subject: x\r\n\r\n \tQuit\nx":                            "DATA",
		"Subject: x\r\n\r\nMailing lists, data: and quitters\r\n": "BDAT",
	} {
		s := start(t, maillab.SMTPOptions{})
		c := client(t, s, "", nil)
		if _, err := c.SendMail(t.Context(), mailOf(text, "alice@example.org")); err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(s.Commands(), "\n"); !strings.Contains(all, "\n"+want) {
			t.Errorf("%q did not go by %s:\n%s", text, want, all)
		}
	}
}

// TestChunksWithCommands: of a large message a chunk with such lines waits until those
// before it are accepted; after a refusal it is not sent.
func TestChunksWithCommands(t *testing.T) {
	lines := strings.Repeat(strings.Repeat("x", 70)+"\r\n", chunkSize/72+10)
	text := "Subject: x\r\n\r\n" + lines + "MAIL FROM:<evil@example.org>\r\n" + lines
	s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:BDAT=552 5.3.4 too much*1")}})
	c := client(t, s, "", nil)
	_, err := c.SendMail(t.Context(), mailOf(text, "alice@example.org"))
	if e, ok := errors.AsType[*protocols.Error](err); !ok || e.Code != 552 || e.Stage != atMessage {
		t.Errorf("%v", err)
	}
	if n := strings.Count(strings.Join(s.Commands(), "\n"), "BDAT"); n != 1 {
		t.Errorf("%d chunks went out", n)
	}
}

// TestBinaryWithCommands: what only BDAT can carry waits for the answer to an empty chunk.
func TestBinaryWithCommands(t *testing.T) {
	text := "Subject: x\r\n\r\nMAIL FROM:<evil@example.org>\r\n"
	for fault, want := range map[string]string{"": "BDAT 0|BDAT 44 LAST", "code:BDAT=552 5.3.4 no": "BDAT 0"} {
		o := maillab.SMTPOptions{}
		if fault != "" {
			o.Faults = labtest.Faults(t, fault)
		}
		s := start(t, o)
		c := client(t, s, "", nil)
		m := mailOf(text, "alice@example.org")
		m.Binary = true
		if _, err := c.SendMail(t.Context(), m); (err == nil) != (fault == "") {
			t.Errorf("%q: %v", fault, err)
		}
		var chunks []string
		for _, line := range s.Commands() {
			if strings.HasPrefix(line, "BDAT") {
				chunks = append(chunks, line)
			}
		}
		if got := strings.Join(chunks, "|"); got != want {
			t.Errorf("%q: %s, want %s", fault, got, want)
		}
		if n := len(inbox(t, s, "alice")); (n == 1) != (fault == "") {
			t.Errorf("%q: %d messages", fault, n)
		}
	}
}

// TestHeadersThatAreNotASCII: only UTF-8 is declared as such, and nothing is where the
// caller wants the message to go as it is.
func TestHeadersThatAreNotASCII(t *testing.T) {
	for _, tt := range []struct {
		header string
		asIs   bool
		utf8   bool
	}{{"caf\xc3\xa9", false, true}, {"caf\xe9", false, false}, {"caf\xc3\xa9", true, false}, {"cafe", false, false}} {
		s := start(t, maillab.SMTPOptions{})
		c := client(t, s, "", nil)
		m := mailOf("Subject: "+tt.header+"\r\n\r\nx\r\n", "alice@example.org")
		m.AsIs = tt.asIs
		if _, err := c.SendMail(t.Context(), m); err != nil {
			t.Errorf("%q: %v", tt.header, err)
		}
		if got := strings.Contains(strings.Join(s.Commands(), "\n"), "SMTPUTF8"); got != tt.utf8 {
			t.Errorf("%q, as it is %v: SMTPUTF8 %v", tt.header, tt.asIs, got)
		}
		if all := inbox(t, s, "alice"); len(all) != 1 || !strings.Contains(all[0], tt.header) {
			t.Errorf("%q arrived as %q", tt.header, all)
		}
	}
}

// TestAlreadyAuthenticated: a server that knows who we are says so by 503.
func TestAlreadyAuthenticated(t *testing.T) {
	for text, want := range map[string]protocols.Kind{"503 5.5.1 Already authenticated": 0, "503 5.5.1 bad sequence of commands": protocols.KindAuth} {
		s := start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:AUTH="+text)}})
		c := client(t, s, "alice", &protocols.Options{Mechanism: "PLAIN"})
		if _, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org")); protocols.KindOf(err) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// BenchmarkHasCommand looks for commands in 512 KiB of base64.
func BenchmarkHasCommand(b *testing.B) {
	text := []byte(strings.Repeat("RGFzIGlzdCBlaW4gbGFuZ2VyIFRleHQgaW4gQmFzZTY0LCBzbyBsYW5nIHdpZSBlaW5lIFplaWxl\r\n", chunkSize/80))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if hasCommand(text) {
			b.Fatal("found one")
		}
	}
}
