package telnet_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/telnet"
)

// against returns a session with a server that does what serve does, and the error
// of connecting.
func against(t *testing.T, set telnet.Settings, o *protocols.Options, serve func(c net.Conn)) (*telnet.Conn, error) {
	t.Helper()
	conn, err := client(t, "telnet://"+labtest.Serve(t, serve)+"/", set, o).Connect(t.Context())
	if err == nil {
		t.Cleanup(func() { conn.Close() })
	}
	return conn, err
}

// drip writes text again and again until the client is gone.
func drip(text string, pause time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
}

// TestWordsBeforeTLS: what comes in front of the handshake is refused, not taken
// for the words of the protected server.
func TestWordsBeforeTLS(t *testing.T) {
	o := &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSRequire}}
	_, err := against(t, telnet.Settings{}, o, func(c net.Conn) {
		io.WriteString(c, "\xff\xfd\x2e")
		io.ReadFull(c, make([]byte, 3+3)) // our wish, and the start of FOLLOWS
		io.WriteString(c, "\xff\xfa\x2e\x01\xff\xf0login: ")
		io.Copy(io.Discard, c)
	})
	if protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("injected: %v", err)
	}
	_, err = against(t, telnet.Settings{}, o, func(c net.Conn) {
		io.WriteString(c, "login: ")
		io.Copy(io.Discard, c)
	})
	if protocols.KindOf(err) != protocols.KindTLS {
		t.Errorf("the offer was taken out: %v", err)
	}
}

// TestNothingInTheHandshake: once we have said that TLS follows, no command goes out
// unencrypted, and data waits.
func TestNothingInTheHandshake(t *testing.T) {
	followed, rest := make(chan struct{}), make(chan []byte, 1)
	conn, err := against(t, telnet.Settings{}, nil, func(c net.Conn) {
		io.WriteString(c, "\xff\xfd\x2e")
		io.ReadFull(c, make([]byte, 3+6)) // WILL, and FOLLOWS
		close(followed)
		b, _ := io.ReadAll(c)
		rest <- b
	})
	if err != nil {
		t.Fatal(err)
	}
	go conn.Read(make([]byte, 1))
	<-followed
	for _, command := range []byte{telnet.AYT, telnet.DM} {
		if err := conn.Command(command); protocols.KindOf(err) != protocols.KindTLS {
			t.Errorf("%s: %v", telnet.CommandName(command), err)
		}
	}
	if _, err := io.WriteString(conn, "secret"); err != nil {
		t.Error(err)
	}
	conn.Close()
	if b := <-rest; len(b) > 0 {
		t.Errorf("unencrypted: %q", b)
	}
}

// TestTextWithoutEnd: text that never matches is bounded in time by the step, and
// in memory by the window; a drip does not put off the end of the context.
func TestTextWithoutEnd(t *testing.T) {
	conn, err := against(t, telnet.Settings{}, nil, drip(strings.Repeat("no prompt here\r\n", 4096), 0))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := conn.Expect(t.Context(), 300*time.Millisecond, regexp.MustCompile("login: "))
	runtime.ReadMemStats(&after)
	if protocols.KindOf(err) != protocols.KindTimeout || len(m.Text) > 64<<10 || conn.Dropped() == 0 {
		t.Errorf("%d bytes, %v", len(m.Text), err)
	}
	if n := int64(after.HeapAlloc) - int64(before.HeapAlloc); n > 8<<20 {
		t.Errorf("%d bytes are held", n)
	}
	conn, err = against(t, telnet.Settings{}, nil, drip("x", 5*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := conn.ReadUntil(ctx, "login: ", 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("drip: %v", err)
	}
}

// TestFloodOfOptions: a server that asks without an end is answered a little, and
// the session goes on after it; nothing of the process is shown.
func TestFloodOfOptions(t *testing.T) {
	t.Setenv("SECRET_OF_THE_PROCESS", "leak")
	const flood = "\xff\xfd\x63\xff\xfb\x64\xff\xfd\x27\xff\xfa\x27\x01\x00SECRET_OF_THE_PROCESS\x03HOME\xff\xf0\xff\xf6"
	said := make(chan []byte, 1)
	conn, err := against(t, telnet.Settings{Environ: map[string]string{"LANG": "C"}}, nil, func(c net.Conn) {
		go io.WriteString(c, strings.Repeat(flood, 20_000)+"still here")
		b, _ := io.ReadAll(c)
		said <- b
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, conn, "still here")
	conn.Close()
	answers := <-said
	if len(answers) > 2*20_000*len(flood)+4096 || bytes.Contains(answers, []byte("leak")) || bytes.Contains(answers, []byte("HOME")) {
		t.Errorf("%d bytes of answers", len(answers))
	}
	if n := bytes.Count(answers, []byte("\xff\xfc\x63")); n > 16 {
		t.Errorf("one option was refused %d times", n)
	}
}

// TestTextIsNoCommand: what a caller writes never becomes a command.
func TestTextIsNoCommand(t *testing.T) {
	got := make(chan []byte, 1)
	conn, err := against(t, telnet.Settings{}, nil, func(c net.Conn) {
		b, _ := io.ReadAll(c)
		got <- b
	})
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "a\xff\xf4b\xff\xfa\x18\x00\xff\xf0\rc\n")
	conn.CloseWrite()
	if b := <-got; string(b) != "a\xff\xff\xf4b\xff\xff\xfa\x18\x00\xff\xff\xf0\r\x00c\n" {
		t.Errorf("got %q", b)
	}
}
