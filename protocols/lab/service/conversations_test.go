package service

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestConversationsUnderTLS: what is said within TLS is in the journal, with secrets masked,
// on every server, with implicit TLS as well as after STARTTLS.
func TestConversationsUnderTLS(t *testing.T) {
	s := begin(t, Options{TLS: true, Only: []string{"smtp", "smtps", "submission", "lmtp", "imap", "imaps", "pop3", "pop3s", "nntp", "nntps", "ftp", "ftps", "https"}})
	conf := &tls.Config{RootCAs: s.Authority().Pool(), ServerName: "localhost"}
	smtpSaid := []string{"AUTH PLAIN AGFsaWNlAHNlY3JldA==", "NOOP", "QUIT"}
	smtpHeard := []string{"send AUTH PLAIN ****", "send NOOP", "recv 250 "}
	pop3Said, pop3Heard := []string{"USER alice", "PASS secret", "STAT", "QUIT"}, []string{"send PASS ****", "send STAT", "recv +OK"}
	imapSaid := []string{"a1 LOGIN alice secret", "a2 SELECT INBOX", "a3 LOGOUT"}
	imapHeard := []string{"send a1 LOGIN alice ****", "send a2 SELECT INBOX", "recv a2 OK"}
	nntpSaid, nntpHeard := []string{"AUTHINFO USER alice", "AUTHINFO PASS secret", "DATE", "QUIT"}, []string{"send ****", "send DATE", "recv 111 "}
	ftpSaid, ftpHeard := []string{"USER alice", "PASS secret", "PWD", "QUIT"}, []string{"send PASS ****", "send PWD", "recv 257 "}
	for _, c := range []struct {
		protocol string
		upgrade  []string // said before TLS; nil: TLS comes first
		said     []string
		heard    []string
	}{
		{"smtp", []string{"EHLO me", "STARTTLS"}, append([]string{"EHLO me"}, smtpSaid...), smtpHeard},
		{"submission", []string{"EHLO me", "STARTTLS"}, append([]string{"EHLO me"}, smtpSaid...), smtpHeard},
		{"lmtp", []string{"LHLO me", "STARTTLS"}, append([]string{"LHLO me"}, smtpSaid...), smtpHeard},
		{"smtps", nil, append([]string{"EHLO me"}, smtpSaid...), smtpHeard},
		{"pop3", []string{"STLS"}, pop3Said, pop3Heard},
		{"pop3s", nil, pop3Said, pop3Heard},
		{"imap", []string{"a0 STARTTLS"}, imapSaid, imapHeard},
		{"imaps", nil, imapSaid, imapHeard},
		{"nntp", []string{"STARTTLS"}, nntpSaid, nntpHeard},
		{"nntps", nil, nntpSaid, nntpHeard},
		{"ftp", []string{"AUTH TLS"}, ftpSaid, ftpHeard},
		{"ftps", nil, ftpSaid, ftpHeard},
		{"https", nil, []string{"GET /README.txt HTTP/1.0\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n"}, []string{"send GET /README.txt HTTP/1.0", "send Authorization: ****", "recv HTTP/1.0 200 OK"}},
	} {
		t.Run(c.protocol, func(t *testing.T) {
			talkUnder(t, at(t, s, c.protocol), conf, c.upgrade, c.said)
			all := overheard(t, s, c.protocol+"-1")
			want := append(c.heard, "connect 127.0.0.1", "tls TLS handshake", "close ")
			for _, line := range c.upgrade {
				want = append(want, "send "+line)
			}
			for _, want := range want {
				if !strings.Contains(all, want) {
					t.Errorf("no %q in\n%s", want, all)
				}
			}
			for _, secret := range []string{"alice secret", "PASS secret", "AGFsaWNl", "YWxpY2U6"} {
				if strings.Contains(all, secret) {
					t.Errorf("the password is shown:\n%s", all)
				}
			}
		})
	}
}

// talkUnder says lines to a server, those of upgrade before TLS, each when the one before is
// answered, and waits for the server's end.
func talkUnder(t *testing.T, addr string, conf *tls.Config, upgrade, lines []string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if upgrade != nil {
		in := bufio.NewReader(conn)
		if _, err := in.ReadString('\n'); err != nil { // the greeting
			t.Fatal(err)
		}
		for _, line := range upgrade {
			converse(t, conn, in, line)
		}
	}
	secure := tls.Client(conn, conf)
	in := bufio.NewReader(secure)
	if upgrade == nil && !strings.HasPrefix(lines[0], "GET ") {
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range lines {
		converse(t, secure, in, line)
	}
	if _, err := io.Copy(io.Discard, in); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the end of the conversation: %v", err)
	}
}

// converse says a line and reads the answer to it, which may have several lines.
func converse(t *testing.T, w io.Writer, in *bufio.Reader, line string) {
	t.Helper()
	if _, err := io.WriteString(w, line+"\r\n"); err != nil {
		t.Fatal(err)
	}
	for {
		answer, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("the answer to %s: %v", line, err)
		}
		if !strings.HasPrefix(answer, "* ") && !(len(answer) > 3 && answer[3] == '-') {
			return
		}
	}
}

// overheard returns what the journal has of a conversation when it has ended.
func overheard(t *testing.T, s *Service, id string) string {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, steps, _ := s.Journal().Steps(id)
		var lines []string
		for _, x := range steps {
			lines = append(lines, string(x.Kind)+" "+x.Text)
		}
		if slices.Contains(lines, "close ") || time.Now().After(end) {
			return strings.Join(lines, "\n")
		}
	}
}

// TestConversationsOfHTTP2: a request of HTTP/2 is shown in the form of HTTP/1.
func TestConversationsOfHTTP2(t *testing.T) {
	s := begin(t, Options{TLS: true, Only: []string{"https"}})
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Authority().Pool()}, ForceAttemptHTTP2: true}
	r, err := http.NewRequestWithContext(t.Context(), "POST", "https://"+at(t, s, "https")+"/-/echo", strings.NewReader("first line\nsecond line\n"))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("alice", "secret")
	answer, err := tr.RoundTrip(r)
	if err != nil || answer.ProtoMajor != 2 {
		t.Fatalf("%v, %v", answer, err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	tr.CloseIdleConnections()
	all := overheard(t, s, "https-1")
	for _, want := range []string{"tls TLS handshake", "send POST /-/echo HTTP/2.0", "send Authorization: ****", "send second line", "recv HTTP/2.0 200 OK", "recv Content-Type: application/json", "close "} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if x := s.Journal().Requests(); len(x) != 1 || x[0].Proto != "HTTP/2.0" {
		t.Errorf("requests %+v", x)
	}
}
