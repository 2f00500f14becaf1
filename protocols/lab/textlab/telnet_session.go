package textlab

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/netclients/netclients/internal/urgent"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// Codes of RFC 854, and of the options the server talks about.
const (
	tnSE, tnDM, tnSB         = 240, 242, 250
	tnWILL, tnWONT, tnDO     = 251, 252, 253
	tnDONT, tnIAC            = 254, 255
	tnBINARY, tnECHO, tnSGA  = 0, 1, 3
	tnTTYPE, tnNAWS, tnENV   = 24, 31, 39
	tnSTARTTLS               = 46
	tnAYT, tnBRK             = 246, 243
	maxTelnetLine            = 16 << 10
	maxTelnetSub             = 4 << 10
	telnetNegotiationTimeout = 2 * time.Second
)

var (
	errTelnetLine = errors.New("telnet line too long")
	errTelnetEnd  = errors.New("session ended")
)

// telnetSession is one session: it reads lines, and answers the protocol's
// commands on the way.
type telnetSession struct {
	srv  *TelnetServer
	conn net.Conn

	buf    []byte // read, not looked at
	cr     bool   // the last byte was CR
	hidden bool   // what is typed is not echoed
	echo   bool   // the client agreed to our echo
	binary bool   // we send without the rule for CR
	follow bool   // the client is ready for TLS

	term string
	size [2]int
	env  map[string]string
	said []string // words of the negotiation, for the command options
}

func (x *telnetSession) run() {
	on, speak := x.srv.fault(x.conn, base.PointGreeting)
	if !on {
		return
	}
	if !x.srv.opt.Quiet {
		x.negotiate()
	}
	if x.srv.opt.TLS == base.TLSExplicit || x.srv.opt.TLS == base.TLSRequired {
		if !x.startTLS() {
			return
		}
	}
	x.raw([]byte(x.srv.opt.Before))
	if speak {
		x.print("netclients lab Telnet server ready.\n")
	}
	if !x.srv.opt.NoLogin && !x.login() {
		return
	}
	x.shell()
}

// negotiate asks for what the server wants to know.
func (x *telnetSession) negotiate() {
	x.raw([]byte{
		tnIAC, tnWILL, tnECHO, tnIAC, tnWILL, tnSGA, tnIAC, tnDO, tnTTYPE, tnIAC, tnDO, tnNAWS, tnIAC, tnDO, tnENV,
	})
}

// startTLS offers TLS and waits for the client to follow.
func (x *telnetSession) startTLS() bool {
	x.raw([]byte{tnIAC, tnDO, tnSTARTTLS})
	x.conn.SetReadDeadline(time.Now().Add(telnetNegotiationTimeout))
	defer x.conn.SetReadDeadline(time.Time{})
	for !x.follow {
		if _, err := x.next(); err != nil {
			return x.srv.opt.TLS == base.TLSExplicit && !errors.Is(err, net.ErrClosed)
		}
	}
	x.raw([]byte{tnIAC, tnSB, tnSTARTTLS, 1, tnIAC, tnSE})
	x.conn.SetReadDeadline(time.Time{})
	x.conn = x.srv.front.Over(tls.Server(&pushedBack{x.conn, x.buf}, x.srv.front.TLSConfig()))
	x.buf, x.echo, x.follow = nil, false, false
	x.negotiate()
	return true
}

// pushedBack returns bytes that were read already.
type pushedBack struct {
	net.Conn
	ahead []byte
}

// Read returns what was pushed back first.
func (p *pushedBack) Read(b []byte) (int, error) {
	if len(p.ahead) > 0 {
		n := copy(b, p.ahead)
		p.ahead = p.ahead[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

// login asks three times.
func (x *telnetSession) login() bool {
	for range 3 {
		x.print("login: ")
		user, err := x.line()
		if err != nil {
			return false
		}
		x.print("Password: ")
		x.hidden = true
		password, err := x.line()
		x.hidden = false
		if err != nil {
			return false
		}
		x.print("\n")
		if (base.Credentials{User: user, Password: password}) == x.srv.front.User {
			x.srv.front.CountLogin()
			x.print("Welcome, " + user + ".\n")
			return true
		}
		x.print("Login incorrect\n")
	}
	return false
}

// shell does commands until the client leaves.
func (x *telnetSession) shell() {
	for {
		x.print("lab$ ")
		line, err := x.line()
		if err != nil {
			return
		}
		x.srv.front.Record(line)
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		on, speak := x.srv.fault(x.conn, words[0])
		if !on || speak && x.command(words[0], words[1:]) != nil {
			return
		}
	}
}

// telnetCommands are those of the shell.
var telnetCommands = map[string]func(x *telnetSession, args []string) error{
	"echo":    func(x *telnetSession, args []string) error { return x.print(strings.Join(args, " ") + "\n") },
	"term":    func(x *telnetSession, _ []string) error { return x.print(x.term + "\n") },
	"size":    func(x *telnetSession, _ []string) error { return x.print(fmt.Sprintf("%d %d\n", x.size[0], x.size[1])) },
	"env":     (*telnetSession).cmdEnv,
	"bytes":   (*telnetSession).cmdBytes,
	"lines":   (*telnetSession).cmdLines,
	"options": func(x *telnetSession, _ []string) error { return x.print(strings.Join(x.said, "\n") + "\n") },
	"synch":   (*telnetSession).cmdSynch,
	"exit":    func(x *telnetSession, _ []string) error { x.print("bye\n"); return errTelnetEnd },
}

func (x *telnetSession) command(name string, args []string) error {
	do := telnetCommands[name]
	if do == nil {
		return x.print(name + ": not found\n")
	}
	return do(x, args)
}

func (x *telnetSession) cmdEnv([]string) error {
	names := make([]string, 0, len(x.env))
	for name := range x.env {
		names = append(names, name+"="+x.env[name])
	}
	slices.Sort(names)
	return x.print(strings.Join(append(names, ""), "\n"))
}

// cmdBytes sends all values of a byte, escaped as the protocol wants it.
func (x *telnetSession) cmdBytes([]string) error {
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	return x.raw(telnetEscape(all[:]))
}

func (x *telnetSession) cmdLines(args []string) error {
	n := 10
	if len(args) > 0 {
		n, _ = strconv.Atoi(args[0])
	}
	var b strings.Builder
	for i := range min(max(n, 0), 100_000) {
		fmt.Fprintf(&b, "line %d\n", i+1)
	}
	return x.print(b.String())
}

// cmdSynch sends a Synch: text that is void, and the data mark as urgent data.
func (x *telnetSession) cmdSynch([]string) error {
	if err := x.print("void text "); err != nil {
		return err
	}
	mark := []byte{tnIAC, tnDM}
	if s, ok := frame.Faultless(x.conn).(syscall.Conn); ok {
		err := urgent.Send(s, mark)
		if err != nil {
			return err
		}
	} else if err := x.raw(mark); err != nil {
		return err
	}
	return x.print("after the mark\n")
}

// telnetEscape doubles 255, and puts NUL after a CR that no LF follows.
func telnetEscape(p []byte) []byte {
	var b bytes.Buffer
	for i, c := range p {
		b.WriteByte(c)
		if c == tnIAC {
			b.WriteByte(tnIAC)
		}
		if c == '\r' && (i+1 == len(p) || p[i+1] != '\n') {
			b.WriteByte(0)
		}
	}
	return b.Bytes()
}

// print sends text with the line ends of the protocol.
func (x *telnetSession) print(s string) error {
	return x.raw(telnetEscape([]byte(strings.ReplaceAll(s, "\n", "\r\n"))))
}

func (x *telnetSession) raw(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	_, err := x.conn.Write(p)
	return err
}
