package maillab

import (
	"bufio"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols/lab/base"
)

// pop3Verb is a row of the command table.
type pop3Verb struct {
	state pop3State
	run   func(x *pop3Session, arg string)
}

// pop3State says when a command is allowed.
type pop3State int

const (
	anyTime pop3State = iota
	beforeLogin
	afterLogin
)

func pop3Verbs() map[string]pop3Verb {
	return map[string]pop3Verb{
		"APOP": {beforeLogin, cmdAPOP},
		"AUTH": {beforeLogin, cmdAuth},
		"CAPA": {anyTime, cmdCapa},
		"DELE": {afterLogin, cmdDele},
		"LANG": {anyTime, cmdLang},
		"LIST": {afterLogin, cmdList},
		"NOOP": {afterLogin, func(x *pop3Session, _ string) { x.ok("") }},
		"PASS": {beforeLogin, cmdPass},
		"QUIT": {anyTime, cmdQuit},
		"RETR": {afterLogin, cmdRetr},
		"RPOP": {beforeLogin, cmdRpop},
		"RSET": {afterLogin, cmdRset},
		"STAT": {afterLogin, cmdStat},
		"STLS": {beforeLogin, cmdStls},
		"TOP":  {afterLogin, cmdTop},
		"UIDL": {afterLogin, cmdUIDL},
		"USER": {beforeLogin, cmdUser},
		"UTF8": {beforeLogin, cmdUTF8},
	}
}

// cmdCapa lists what is offered now (RFC 2449 5).
func cmdCapa(x *pop3Session, _ string) {
	x.ok("Capabilities follow.")
	caps := []string{"TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UTF8", "LANG", "EXPIRE NEVER", "IMPLEMENTATION netclients-lab"}
	if !x.loggedIn {
		if x.srv.opt.TLS == base.TLSExplicit || x.srv.opt.TLS == base.TLSRequired {
			if !x.tls {
				caps = append(caps, "STLS")
			}
		}
		if x.srv.opt.TLS != base.TLSRequired || x.tls {
			caps = append(caps, "USER")
			if m := x.sasl().Mechanisms(); len(m) > 0 {
				caps = append(caps, "SASL "+strings.Join(m, " "))
			}
		}
	}
	var kept []string
	for _, c := range caps {
		name, _, _ := strings.Cut(c, " ")
		off := false
		for _, d := range x.srv.opt.Disable {
			off = off || strings.EqualFold(d, name) || name == "SASL" && strings.EqualFold(d, "AUTH")
		}
		if !off {
			kept = append(kept, c)
		}
	}
	x.list(kept)
}

// secure refuses a login where TLS comes first.
func (x *pop3Session) secure() bool {
	if x.srv.opt.TLS != base.TLSRequired || x.tls {
		return true
	}
	x.err("", "TLS first: STLS.")
	return false
}

func cmdUser(x *pop3Session, name string) {
	if x.secure() {
		x.name = name
		x.ok("And the password?")
	}
}

func cmdPass(x *pop3Session, password string) {
	switch {
	case x.name == "":
		x.err("", "USER first.")
	case !x.srv.mail.Login(x.name, password):
		x.refuse()
	default:
		x.enter(x.name)
	}
}

// refuse says that a login was wrong.
func (x *pop3Session) refuse() { x.err("AUTH", "Wrong user or password.") }

func cmdAPOP(x *pop3Session, arg string) {
	name, digest, _ := strings.Cut(arg, " ")
	password, known := x.srv.mail.Password(name)
	sum := md5.Sum([]byte(x.stamp + password))
	switch {
	case x.stamp == "":
		x.err("", "Unknown command.")
	case !x.secure():
	case !known || digest != hex.EncodeToString(sum[:]):
		x.refuse()
	default:
		x.enter(name)
	}
}

// cmdRpop lets in whom the network vouches for: loopback does.
func cmdRpop(x *pop3Session, name string) {
	if _, known := x.srv.mail.Password(name); !known {
		x.refuse()
		return
	}
	x.enter(name)
}

func cmdStls(x *pop3Session, _ string) {
	if x.tls || x.srv.opt.TLS != base.TLSExplicit && x.srv.opt.TLS != base.TLSRequired {
		x.err("", "Unknown command.")
		return
	}
	x.ok("Begin TLS.")
	x.inject("STLS")
	x.out.Flush()
	x.ended = !x.startTLS()
}

func cmdUTF8(x *pop3Session, _ string) {
	x.utf8 = true
	x.ok("UTF-8 it is.")
}

func cmdLang(x *pop3Session, arg string) {
	switch strings.ToLower(arg) {
	case "":
		x.ok("Languages follow.")
		x.list([]string{"en English"})
	case "en", "*":
		x.ok("en English it is.")
	default:
		x.err("", "No such language.")
	}
}

func cmdStat(x *pop3Session, _ string) {
	count, size := 0, 0
	x.each(func(n int, m Message) { count, size = count+1, size+x.size(n) })
	x.okf("%d %d", count, size)
}

// scanList answers LIST and UIDL, for one message or all.
func (x *pop3Session) scanList(arg string, value func(n int) string) {
	if arg != "" {
		if n, ok := x.message(arg); ok {
			x.okf("%d %s", n, value(n))
		}
		return
	}
	x.ok("Messages follow.")
	var lines []string
	x.each(func(n int, _ Message) { lines = append(lines, fmt.Sprintf("%d %s", n, value(n))) })
	x.list(lines)
}

func cmdList(x *pop3Session, arg string) {
	x.scanList(arg, func(n int) string { return strconv.Itoa(x.size(n)) })
}

func cmdUIDL(x *pop3Session, arg string) { x.scanList(arg, x.uid) }

func cmdRetr(x *pop3Session, arg string) {
	n, ok := x.message(arg)
	if !ok {
		return
	}
	if c := x.content(n); c != nil {
		defer c.Close()
		x.okf("%d octets follow.", x.size(n))
		x.body(c)
	}
}

func cmdTop(x *pop3Session, arg string) {
	number, count, _ := strings.Cut(arg, " ")
	n, ok := x.message(number)
	lines, err := strconv.Atoi(count)
	switch {
	case !ok:
	case err != nil || lines < 0:
		x.err("", "How many lines?")
	default:
		if c := x.content(n); c != nil {
			defer c.Close()
			x.ok("Top follows.")
			x.body(io.LimitReader(c, topSize(c, lines)))
		}
	}
}

// topSize returns the size of the header, the empty line and so many lines of the body.
func topSize(c *Content, lines int) int64 {
	r, size, header, start := bufio.NewReader(whole(c)), int64(0), true, true
	for header || lines > 0 {
		line, err := r.ReadSlice('\n')
		size += int64(len(line))
		if err != nil && err != bufio.ErrBufferFull {
			break
		}
		ended := err == nil
		switch {
		case header && start && string(line) == "\r\n":
			header = false
		case !header && ended:
			lines--
		}
		start = ended
	}
	return size
}

func cmdDele(x *pop3Session, arg string) {
	if n, ok := x.message(arg); ok {
		x.deleted[n] = true
		x.ok("Marked.")
	}
}

func cmdRset(x *pop3Session, _ string) {
	clear(x.deleted)
	x.ok("No message is marked.")
}

func cmdQuit(x *pop3Session, _ string) {
	if x.loggedIn {
		x.update()
	}
	x.ok("Bye.")
	x.ended = true
}
