package protocoltest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// session plays a script on one control connection and its data connections.
type session struct {
	p      *Player
	script *Script
	ctl    *conn
	ctlTop net.Conn // ctl, or TLS on it
	lines  *bufio.Reader
	dialed []dialed // data connections that no accept has taken; guarded by the player
	data   *dataConn
	found  map[string]int
}

// dialed is a data connection that the client has opened.
type dialed struct {
	address string
	conn    *conn
}

// dataConn is the data connection of the steps.
type dataConn struct {
	net.Conn
	raw net.Conn // below TLS
	in  *bufio.Reader
}

func newSession(p *Player, s *Script, ctl *conn) *session {
	return &session{p: p, script: s, ctl: ctl, ctlTop: ctl, lines: bufio.NewReader(ctl), found: map[string]int{}}
}

// difference is what came instead of a step, in the form of a step.
type difference string

// Error implements error.
func (d difference) Error() string { return string(d) }

// errEnd ends a session whose script has ended in a directive.
var errEnd = errors.New("end of the session")

// run plays all steps; then the client has nothing more to say.
func (s *session) run() {
	defer s.ctl.Close()
	defer s.closeData()
	steps := s.script.Steps
	for i := 0; i < len(steps); i++ {
		n := s.batch(steps[i:])
		err := s.play(steps[i], steps[i:i+n])
		if err == errEnd {
			return
		}
		if err != nil {
			s.p.failed(s, steps[i], err.Error())
			return
		}
		for _, st := range steps[i : i+n] {
			s.p.stepDone(st)
		}
		i += n - 1
	}
	if line, err := s.readLine(); err == nil {
		s.p.failed(s, Step{Mark: "", Text: "the end of the dialogue"}, "C: "+line)
	}
}

// batch returns how many steps go out with one write.
func (s *session) batch(steps []Step) int {
	n := 1
	if s.p.Delivery == AtOnce && (steps[0].Mark == "S:" || steps[0].Mark == "D>") {
		for n < len(steps) && steps[n].Mark == steps[0].Mark {
			n++
		}
	}
	return n
}

func (s *session) play(st Step, batch []Step) error {
	switch st.Mark {
	case "C:":
		return s.command(st)
	case "S:":
		return s.say(s.ctlTop, batch)
	case "S!":
		return s.direct(st)
	}
	if st.Mark == "D!" && !strings.HasPrefix(st.Text, "accept") && st.Text != "dial" && !strings.HasPrefix(st.Text, "refuse") && s.data == nil {
		return errors.New("no data connection")
	}
	switch st.Mark {
	case "D>":
		return s.say(s.data, batch)
	case "D<":
		return s.take(st)
	}
	return s.directData(st)
}

// say writes lines. A client that no longer listens is not a difference:
// it shows in what the client says next.
func (s *session) say(to net.Conn, batch []Step) error {
	if to == nil || to == net.Conn((*dataConn)(nil)) {
		return errors.New("no data connection")
	}
	var all []byte
	for _, st := range batch {
		all = append(all, st.bytes()...)
	}
	to.Write(all)
	return nil
}

func (s *session) command(st Step) error {
	line, err := s.readLine()
	if err != nil {
		return fmt.Errorf("the client hung up (%w)", err)
	}
	want := strings.TrimSuffix(string(st.bytes()), "\r\n")
	if !match(want, line, s.found) {
		return difference("C: " + escape(line+"\r\n"))
	}
	return nil
}

func (s *session) readLine() (string, error) {
	line, err := s.lines.ReadString('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}

// direct plays "S!" steps.
func (s *session) direct(st Step) error {
	word, arg, _ := strings.Cut(st.Text, " ")
	switch word {
	case "close":
		s.gone(func(c *conn) { c.Close() })
		return errEnd
	case "reset":
		s.gone((*conn).reset)
		return errEnd
	case "cancel":
		s.p.OnCancel()
		io.Copy(io.Discard, s.ctl)
		return errEnd
	case "hang":
		io.Copy(io.Discard, s.ctl)
		return errEnd
	case "flood":
		flood(s.ctlTop, arg)
		return errEnd
	}
	if s.lines.Buffered() > 0 {
		return errors.New("unencrypted bytes before the handshake")
	}
	c, err := s.handshake(s.ctlTop)
	if err != nil {
		return err
	}
	s.ctlTop, s.lines = c, bufio.NewReader(c)
	return nil
}

func (s *session) handshake(c net.Conn) (net.Conn, error) {
	a, err := s.p.authority()
	if err != nil {
		return nil, err
	}
	t := tls.Server(c, a.ServerConfig())
	return t, t.Handshake()
}

// maxFlood ends a flood that nobody stops.
const maxFlood = 8 << 20

// flood writes text until the client hangs up.
func flood(to net.Conn, text string) {
	piece := []byte(strings.Repeat(string(Step{Text: text}.bytes()), 1+16<<10/len(text)))
	for n := 0; n < maxFlood; n += len(piece) {
		if _, err := to.Write(piece); err != nil {
			return
		}
	}
}

// directData plays "D!" steps.
func (s *session) directData(st Step) error {
	word, arg, _ := strings.Cut(st.Text, " ")
	switch word {
	case "accept":
		return s.accept(arg)
	case "refuse":
		return nil // the player's Dial looks it up
	case "dial":
		c, err := net.DialTimeout("tcp", hostPort(toldPort(s.found)), 5*time.Second)
		if err == nil {
			s.setData(c)
		}
		return err
	case "starttls":
		c, err := s.handshake(s.data.Conn)
		if err == nil {
			s.data.Conn, s.data.in = c, bufio.NewReader(c)
		}
		return err
	case "flood":
		flood(s.data, arg)
	case "eof":
		if rest, _ := io.ReadAll(io.LimitReader(s.data.in, 64)); len(rest) > 0 {
			return difference("D< " + escape(string(rest)))
		}
	case "reset":
		if c, ok := s.data.raw.(*conn); ok {
			c.reset()
		}
	}
	if word != "flood" {
		s.closeData()
	}
	return nil
}

func (s *session) setData(c net.Conn) {
	s.data = &dataConn{Conn: c, raw: c, in: bufio.NewReader(c)}
}

func (s *session) closeData() {
	if s.data != nil {
		s.data.Close()
		s.data.raw.Close()
		s.data = nil
	}
}

// accept waits for the client's data connection.
func (s *session) accept(port string) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	for {
		for i, d := range s.dialed {
			if port == "*" || portOf(d.address) == port {
				s.dialed = slices.Delete(s.dialed, i, i+1)
				s.setData(d.conn)
				return nil
			}
		}
		switch {
		case len(s.dialed) > 0:
			return errors.New("D! accept " + portOf(s.dialed[0].address))
		case s.p.closed || s.ctl.in.end != nil:
			return errors.New("the client hung up")
		}
		s.p.cond.Wait()
	}
}

// refuses looks for a D! refuse of a port. The player holds its lock.
func (s *session) refuses(address string) bool {
	return s.script.has("D!", "refuse "+portOf(address))
}

// take compares what the client sends on the data connection.
func (s *session) take(st Step) error {
	if s.data == nil {
		return errors.New("no data connection")
	}
	want := st.bytes()
	got := make([]byte, len(want))
	n, _ := io.ReadFull(s.data.in, got)
	if string(got[:n]) != string(want) {
		return difference("D< " + escape(string(got[:n])))
	}
	return nil
}

// gone ends all connections of the session as if the server were gone.
func (s *session) gone(end func(*conn)) {
	end(s.ctl)
	s.p.mu.Lock()
	open := s.dialed
	s.p.mu.Unlock()
	for _, d := range open {
		end(d.conn)
	}
	if s.data == nil {
		return
	}
	if c, ok := s.data.raw.(*conn); ok {
		end(c)
	}
}
