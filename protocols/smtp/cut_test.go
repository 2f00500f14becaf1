package smtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// cutServer is a small SMTP server whose first connection goes wrong at one point.
// It keeps account of what it has accepted, which is all that it can be trusted in.
type cutServer struct {
	ln       net.Listener
	keywords string
	plan     cutPlan
	wg       sync.WaitGroup
	dialed   sync.Once

	mu       sync.Mutex
	accepted map[int]int // messages by their number
	verbs    []string    // of the first connection
	in, out  int         // bytes of it
	ends     []int       // of bytes read where a message was whole
	conns    int
}

// cutPlan says where the first connection ends. A negative number is never.
type cutPlan struct {
	in, out int  // after so many bytes read, or written
	at421   int  // the command, from 0, that is answered with 421
	wrote   int  // the client's writes fail after so many bytes, which arrive
	stay    bool // the server goes on answering 421 until the client goes
}

var noCut = cutPlan{in: -1, out: -1, at421: -1, wrote: -1}

func startCut(t *testing.T, keywords string, plan cutPlan) *cutServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &cutServer{ln: ln, keywords: keywords, plan: plan, accepted: map[int]int{}}
	s.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			first := s.conns == 1
			s.mu.Unlock()
			s.wg.Go(func() { s.serve(conn, first) })
		}
	})
	return s
}

// end waits until the server has read all that it will ever read.
func (s *cutServer) end() {
	s.ln.Close()
	s.wg.Wait()
}

var errCut = errors.New("cut")

// cutConn ends after so many bytes in a direction.
type cutConn struct {
	net.Conn
	s *cutServer
}

func (c *cutConn) Read(p []byte) (int, error) {
	if c.s.plan.in >= 0 {
		left := c.s.plan.in - c.s.in
		if left <= 0 {
			return 0, errCut
		}
		p = p[:min(len(p), left)]
	}
	n, err := c.Conn.Read(p)
	c.s.in += n
	return n, err
}

func (c *cutConn) Write(p []byte) (int, error) {
	cut := c.s.plan.out >= 0 && len(p) > c.s.plan.out-c.s.out
	if cut {
		p = p[:c.s.plan.out-c.s.out]
	}
	n, err := c.Conn.Write(p)
	c.s.out += n
	if cut && err == nil {
		err = errCut
	}
	return n, err
}

// failingConn is the client's end of a connection whose writes fail.
type failingConn struct {
	net.Conn
	left int
}

func (c *failingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p[:min(len(p), c.left)])
	if c.left -= n; err == nil && n < len(p) {
		c.Conn.(*net.TCPConn).CloseWrite()
		err = errCut
	}
	return n, err
}

// dial connects to the server; the first connection may fail at the client's end.
func (s *cutServer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil && s.plan.wrote >= 0 {
		s.dialed.Do(func() { conn = &failingConn{conn, s.plan.wrote} })
	}
	return conn, err
}

// serve speaks SMTP on one connection.
func (s *cutServer) serve(conn net.Conn, first bool) {
	defer conn.Close()
	if first {
		conn = &cutConn{conn, s}
	}
	in := bufio.NewReader(conn)
	if _, err := io.WriteString(conn, "220 cut.test\r\n"); err != nil {
		return
	}
	for number := 0; ; number++ {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		answer := s.answer(in, conn, line)
		if first {
			s.verbs = append(s.verbs, line[:4])
			if number == s.plan.at421 {
				answer = "421 4.3.2 going down\r\n"
			}
		}
		if text, ok := strings.CutPrefix(answer, "accept "); ok {
			s.mu.Lock()
			var number int
			fmt.Sscanf(text, "Subject: number %d", &number)
			s.accepted[number]++
			if first {
				s.ends = append(s.ends, s.in-in.Buffered())
			}
			s.mu.Unlock()
			answer = "250 2.0.0 taken\r\n"
		}
		if _, err := io.WriteString(conn, answer); err != nil || answer == "" || strings.HasPrefix(answer, "221") {
			return
		}
		if strings.HasPrefix(answer, "421") {
			for s.plan.stay {
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
				io.WriteString(conn, answer)
			}
			conn.(*cutConn).Conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, in) // else the end would be a reset, which may overtake the reply
			return
		}
	}
}

// answer reads what belongs to a command and returns its reply, "accept " and the
// message, or nothing at the end.
func (s *cutServer) answer(in *bufio.Reader, out io.Writer, line string) string {
	verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch verb {
	case "EHLO":
		return "250-cut.test\r\n" + s.keywords + "250 8BITMIME\r\n"
	case "QUIT":
		return "221 2.0.0 bye\r\n"
	case "BDAT":
		var n int
		fmt.Sscan(rest, &n)
		text := make([]byte, n)
		if _, err := io.ReadFull(in, text); err != nil {
			return ""
		}
		return "accept " + string(text)
	case "DATA":
		if _, err := io.WriteString(out, "354 go on\r\n"); err != nil {
			return ""
		}
		var b strings.Builder
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return ""
			}
			if line == ".\r\n" {
				return "accept " + b.String()
			}
			b.WriteString(line)
		}
	}
	return "250 2.0.0 ok\r\n"
}

// cutRun sends three messages to a server with a plan and checks the account.
func cutRun(t *testing.T, keywords string, plan cutPlan, body string) *cutServer {
	t.Helper()
	s := startCut(t, keywords, plan)
	c, err := New(&url.URL{Scheme: "smtp", Host: s.ln.Addr().String(), Path: "/me.test"}, &protocols.Options{Dial: s.dial})
	if err != nil {
		t.Fatal(err)
	}
	list := letters(3, "alice@example.org")
	for i, m := range list {
		m.Open = opener(strings.NewReader(fmt.Sprintf("Subject: number %d\r\n\r\n%s", i, body)))
	}
	o := sendAll(t, t.Context(), c, list)
	c.Close()
	s.end()
	total := 0
	for i := range list {
		n := s.accepted[i]
		total += n
		err, told := o.results[i]
		switch {
		case !told && o.err == nil:
			t.Errorf("%+v: nothing was told of message %d", plan, i)
		case n > 1:
			t.Errorf("%+v: message %d was accepted %d times", plan, i, n)
		case told && err == nil && n != 1:
			t.Errorf("%+v: message %d is told as sent, and was not accepted", plan, i)
		case err != nil && !errors.Is(err, ErrUnknown) && n != 0:
			t.Errorf("%+v: message %d is told as %v, and was accepted", plan, i, err)
		case errors.Is(err, ErrUnknown) && protocols.IsRetryable(err):
			t.Errorf("%+v: message %d is unknown, and said to be repeated", plan, i)
		}
	}
	all := 0
	for _, n := range s.accepted {
		all += n
	}
	if all != total {
		t.Errorf("%+v: %d messages were accepted that nobody sent: %v", plan, all-total, s.accepted)
	}
	return s
}

// TestCutAnywhere ends the first connection of a session after each byte of
// either direction, and answers each command with 421. Whatever happens, the
// server's account and ours agree, and no message is accepted twice.
func TestCutAnywhere(t *testing.T) {
	for name, keywords := range map[string]string{
		"chunking": "250-PIPELINING\r\n250-CHUNKING\r\n", "pipelining": "250-PIPELINING\r\n", "lock-step": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := cutRun(t, keywords, noCut, "text\r\n")
			if len(whole.accepted) != 3 || whole.conns != 1 {
				t.Fatalf("without a cut: %v on %d connections", whole.accepted, whole.conns)
			}
			for n := range whole.in {
				cutRun(t, keywords, cutPlan{n, -1, -1, -1, false}, "text\r\n")
			}
			for n := range whole.out {
				cutRun(t, keywords, cutPlan{-1, n, -1, -1, false}, "text\r\n")
			}
			for n, verb := range whole.verbs {
				cutRun(t, keywords, cutPlan{-1, -1, n, -1, true}, "text\r\n")
				s := cutRun(t, keywords, cutPlan{-1, -1, n, -1, false}, "text\r\n")
				// The first message may have been the reason; after a whole message it is
				// for a person or a queue to say what now. All else goes on.
				if n > 3 && (verb == "MAIL" || verb == "RCPT") && len(s.accepted) != 3 {
					t.Errorf("421 to command %d, %s: %d of 3 messages were accepted in the end", n, verb, len(s.accepted))
				}
			}
			// Writes that fail around the ends of messages, of sizes that go out in
			// different ways, and grow by their line ends.
			for _, size := range []int{1, 400, 1500} {
				body := strings.Repeat("."+strings.Repeat("x", 68)+"\n", size)
				whole := cutRun(t, keywords, noCut, body)
				for _, end := range whole.ends {
					for _, n := range []int{-5, -3, -1, 0, 1} {
						cutRun(t, keywords, cutPlan{-1, -1, -1, end + n, false}, body)
					}
				}
			}
		})
	}
}
