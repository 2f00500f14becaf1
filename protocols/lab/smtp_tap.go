package lab

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// smtpTap is a connection as go-smtp sees it. It gives one command line at each
// Read, so that a scripted fault can take the place of a command and its reply in
// the right order. Behind STARTTLS it sees nothing any more.
type smtpTap struct {
	net.Conn
	s        *SMTPServer
	in       *bufio.Reader
	line     []byte // of the last command, not handed out yet
	inject   string // to be added to the next reply
	hello    bool   // the reply to EHLO is under way, and keywords are to be hidden
	reply    []byte // what came of it
	content  bool   // lines are content until one dot
	chunk    int64  // bytes of a BDAT chunk still to come
	sealed   bool   // STARTTLS has begun
	implicit bool   // TLS was there from the start

	once  sync.Once
	ended chan struct{}
}

func newSMTPTap(s *SMTPServer, conn net.Conn) *smtpTap {
	return &smtpTap{Conn: conn, s: s, in: bufio.NewReaderSize(conn, 32<<10), ended: make(chan struct{})}
}

// Close ends the connection and tells the frame.
func (t *smtpTap) Close() error {
	err := t.Conn.Close()
	t.once.Do(func() { close(t.ended) })
	return err
}

// Read gives content as it comes, and commands line by line.
func (t *smtpTap) Read(p []byte) (int, error) {
	switch {
	case t.sealed:
		return t.in.Read(p)
	case t.chunk > 0:
		n, err := t.in.Read(p[:min(int64(len(p)), t.chunk)])
		t.chunk -= int64(n)
		return n, err
	}
	for len(t.line) == 0 {
		if err := t.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.line)
	t.line = t.line[n:]
	return n, nil
}

// next reads a line; a command that a fault or the tap itself answers is not
// handed on.
func (t *smtpTap) next() error {
	line, err := t.in.ReadSlice('\n')
	if t.content {
		t.content = string(line) != ".\r\n"
		t.line = line
		if err == bufio.ErrBufferFull || len(line) > 0 {
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	text := strings.TrimRight(string(line), "\r\n")
	verb, arg := splitCommand(text)
	t.s.record(text)
	if f, ok := t.s.faults.verb(verb); ok {
		if !t.play(f) {
			t.Close()
			return io.EOF
		}
		return nil
	}
	if f, ok := t.s.faults.injected(verb); ok {
		t.inject = f.Text + "\r\n"
	}
	if answer, ours := t.s.asked(verb, arg); ours {
		_, err := io.WriteString(t, answer)
		return err
	}
	t.hello = (verb == "EHLO" || verb == "LHLO") && len(t.s.opt.Disable) > 0
	if verb == "BDAT" {
		fmt.Sscan(arg, &t.chunk) // what is no number is for the server to refuse
		t.chunk = max(t.chunk, 0)
	}
	t.line = line
	return nil
}

// play does what a fault says; false means that the connection is to end.
func (t *smtpTap) play(f Fault) bool {
	switch f.Kind {
	case FaultHang:
		io.Copy(io.Discard, t.in)
		return false
	case FaultReset:
		reset(t.Conn)
		return false
	case FaultDrop:
		return false
	}
	return misbehave(t.Conn, f) && !strings.HasPrefix(f.Text, "421")
}

// asked answers what go-smtp cannot: VRFY, EXPN, HELP and ETRN.
func (s *SMTPServer) asked(verb, arg string) (answer string, ours bool) {
	switch verb {
	case "VRFY":
		if user, ok := s.userOf(arg); ok {
			return "250 2.1.5 <" + user + "@lab.localhost>\r\n", true
		}
		return "550 5.1.1 No such user here\r\n", true
	case "EXPN":
		if !strings.EqualFold(arg, "staff") {
			return "550 5.1.1 No such list here\r\n", true
		}
		var b strings.Builder
		users := s.mail.Users()
		for i, u := range users {
			sep := "-"
			if i == len(users)-1 {
				sep = " "
			}
			fmt.Fprintf(&b, "250%s2.1.5 <%s@lab.localhost>\r\n", sep, u)
		}
		return b.String(), true
	case "HELP":
		return "214-2.0.0 This server knows\r\n214 2.0.0 EHLO MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN ETRN HELP QUIT\r\n", true
	case "ETRN":
		return "253 2.0.0 No messages wait for " + arg + "\r\n", true
	}
	return "", false
}

// Write passes replies on: keywords that the server is to hide are taken out of
// the answer to EHLO, and injected bytes are added. What the reply means for the
// bytes behind it is noted.
func (t *smtpTap) Write(p []byte) (int, error) {
	if t.sealed {
		return t.Conn.Write(p)
	}
	out := p
	if t.hello { // it comes line by line
		t.reply = append(t.reply, p...)
		last := t.reply[bytes.LastIndexByte(t.reply[:len(t.reply)-1], '\n')+1:]
		if !bytes.HasSuffix(last, []byte("\n")) || len(last) > 3 && last[3] == '-' {
			return len(p), nil
		}
		out = t.s.hide(t.reply)
		t.hello, t.reply = false, nil
	}
	if t.inject != "" {
		out = append(bytes.Clone(out), t.inject...)
		t.inject = ""
	}
	switch {
	case bytes.HasPrefix(p, []byte("354")):
		t.content = true
	case bytes.HasPrefix(p, []byte("220")) && bytes.Contains(p, []byte("TLS")):
		t.sealed = !t.implicit
	}
	if _, err := t.Conn.Write(out); err != nil {
		return 0, err
	}
	if t.sealed {
		if f, ok := t.s.faults.verb(PointTLS); ok && !t.play(f) {
			t.Close()
			return 0, io.EOF
		}
	}
	return len(p), nil
}

// hide takes keywords out of an EHLO reply.
func (s *SMTPServer) hide(reply []byte) []byte {
	var lines []string
	for line := range strings.Lines(string(reply)) {
		keyword, _, _ := strings.Cut(strings.TrimRight(line[min(4, len(line)):], "\r\n"), " ")
		if s.on(keyword) {
			lines = append(lines, line)
		}
	}
	for i, l := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		lines[i] = l[:3] + sep + l[4:]
	}
	return []byte(strings.Join(lines, ""))
}
