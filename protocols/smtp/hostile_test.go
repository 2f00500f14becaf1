package smtp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// script is what a server says after lines that begin so. When it is at its end
// the server closes the connection, or with a last answer of "" stays silent.
type script []struct{ line, answer string }

func (s script) play(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	io.WriteString(conn, "220 x\r\n")
	for _, step := range s {
		for line := ""; !strings.HasPrefix(line, step.line); {
			var err error
			if line, err = in.ReadString('\n'); err != nil {
				return
			}
		}
		if step.answer == "" {
			io.Copy(io.Discard, in)
		}
		io.WriteString(conn, step.answer)
	}
	conn.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, in) // what is not read would make a reset of the end
}

// scripted makes a client whose connections, one after the other, play scripts.
func scripted(t *testing.T, scheme string, scripts ...script) *Client {
	t.Helper()
	var servers sync.WaitGroup
	o := &protocols.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		if len(scripts) == 0 {
			return nil, errors.New("no more connections")
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		s := scripts[0]
		scripts = scripts[1:]
		servers.Go(func() {
			defer ln.Close()
			if conn, err := ln.Accept(); err == nil {
				s.play(conn)
			}
		})
		return net.Dial("tcp", ln.Addr().String())
	}}
	c, err := New(&url.URL{Scheme: scheme, Host: "127.0.0.1"}, o)
	if err != nil {
		t.Fatal(err)
	}
	c.Settings.Hello = "me.test"
	t.Cleanup(func() {
		c.Close()
		servers.Wait()
	})
	return c
}

// TestReplyOfReceipt: a receipt never has a yes of the envelope for the answer to
// the message.
func TestReplyOfReceipt(t *testing.T) {
	for name, disable := range map[string][]string{"chunking": nil, "data": {"CHUNKING"}, "lock-step": {"CHUNKING", "PIPELINING"}} {
		for _, tt := range []struct {
			fault string
			code  int
		}{
			{"code:MAIL=550 5.7.1 not you", 550}, {"code:RCPT=551 5.1.1 nobody", 551}, {"code:RCPT=450 4.7.1 later", 450},
			{"code:END=554 5.6.0 spam", 554}, {"drop:END", 0}, {"drop:RCPT", 0},
		} {
			c := client(t, start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, tt.fault)}, Disable: disable}), "", nil)
			r, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org"))
			if err == nil || r.Reply.Code != tt.code {
				t.Errorf("%s, %s: %v, reply %+v", name, tt.fault, err, r.Reply)
			}
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s, %s: %v is told like a missing file", name, tt.fault, err)
			}
		}
	}
	c := client(t, start(t, maillab.SMTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:DATA=554 5.5.1 no")}, Disable: []string{"CHUNKING"}}), "", nil)
	if r, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org")); err == nil || r.Reply.Code != 554 {
		t.Errorf("DATA refused: %v, reply %+v", err, r.Reply)
	}
	if _, err := c.Verify(t.Context(), "nobody"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("VRFY: %v", err)
	}
}

// TestAnswersOutOfStep: an answer that is neither yes nor no is none to this
// message.
func TestAnswersOutOfStep(t *testing.T) {
	const ehlo = "250-x\r\n250 PIPELINING\r\n"
	for name, tt := range map[string]struct {
		s    script
		want error
	}{
		"MAIL":  {script{{"EHLO", ehlo}, {"DATA", "354 what\r\n250 ok\r\n354 go on\r\n"}, {".\r\n", "250 taken\r\n"}}, nil},
		"RCPT":  {script{{"EHLO", ehlo}, {"DATA", "250 ok\r\n334 what\r\n354 go on\r\n"}, {".\r\n", "250 taken\r\n"}}, nil},
		"DATA":  {script{{"EHLO", ehlo}, {"DATA", "250 ok\r\n250 ok\r\n250 ok\r\n"}, {".\r\n", "250 taken\r\n"}}, nil},
		"final": {script{{"EHLO", ehlo}, {"DATA", "250 ok\r\n250 ok\r\n354 go on\r\n"}, {".\r\n", "354 go on\r\n"}}, ErrUnknown},
	} {
		r, err := scripted(t, "smtp", tt.s).SendMail(t.Context(), mailOf(hello, "alice@example.org"))
		if protocols.KindOf(err) != protocols.KindProtocol || errors.Is(err, ErrUnknown) != (tt.want == ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
		for _, p := range r.Recipients {
			if p.Accepted {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}

// TestChunkRefused: the answers after a chunk that was refused belong to no other
// message, and a server that goes and says nothing more is not waited for.
func TestChunkRefused(t *testing.T) {
	const lhlo = "250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
	large := strings.Repeat("0123456789abcdef0123456789abcde\r\n", chunkSize/32)
	yes := script{{"LHLO", lhlo}, {"BDAT", "250 ok\r\n250 ok\r\n250 taken\r\n"}}
	c := scripted(t, "lmtp", script{
		{"LHLO", lhlo}, {"RCPT", "250 ok\r\n250 ok\r\n"}, {"BDAT", "552 5.3.4 too big\r\n"}, {"BDAT", "503 5.5.1 no\r\n250 late\r\n250 late\r\n250 late\r\n"},
	}, yes)
	first, second := mailOf(large, "alice@example.org"), mailOf(hello, "bob@example.org")
	first.Tag, second.Tag = 0, 1
	o := sendAll(t, t.Context(), c, []*Mail{first, second})
	if o.err != nil || protocols.KindOf(o.results[0]) != protocols.KindRefused || o.results[1] != nil {
		t.Errorf("%v, %v", o.err, o.results)
	}

	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	c = scripted(t, "lmtp", script{
		{"LHLO", lhlo}, {"RCPT", "250 ok\r\n250 ok\r\n"}, {"BDAT", "421 4.3.2 going\r\n"}, {"nothing", ""},
	})
	_, err := c.SendMail(ctx, mailOf(large+large+large, "alice@example.org"))
	if protocols.KindOf(err) != protocols.KindTemporary {
		t.Errorf("421 to a chunk: %v", err)
	}
}

// TestRawIsTidy: blanks do not get a barred command past, nor a secret into a trace,
// and what raw commands began is over before a message goes out.
func TestRawIsTidy(t *testing.T) {
	var trace strings.Builder
	s := start(t, maillab.SMTPOptions{})
	c := client(t, s, "", &protocols.Options{Trace: func(e protocols.Event) { trace.WriteString(e.Text + "\n") }})
	for _, command := range []string{" DATA", "\tdata", "bdat\t5 LAST", " starttls"} {
		if _, err := c.Do(t.Context(), command); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%q: %v", command, err)
		}
	}
	for _, command := range []string{" AUTH PLAIN xyzzy", "MAIL FROM:<a@example.org>", "RCPT TO:<bob@example.org>"} {
		if _, err := c.Do(t.Context(), command); err != nil {
			t.Errorf("%q: %v", command, err)
		}
	}
	if strings.Contains(trace.String(), "xyzzy") {
		t.Errorf("the trace shows the secret:\n%s", trace.String())
	}
	if _, err := c.SendMail(t.Context(), mailOf(hello, "alice@example.org")); err != nil {
		t.Error(err)
	}
	if n := len(inbox(t, s, "bob")); n != 0 {
		t.Errorf("%d messages went to the recipient of a raw command", n)
	}
}
