package ftplab

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// maxLogins is how many wrong passwords end a connection.
const maxLogins = 3

func cmdUser(x *session, name string) {
	if x.srv.opt.TLS == base.TLSRequired && x.tls == nil {
		x.reply(530, "Sessions must use encryption.")
		return
	}
	x.reinit()
	x.user = name
	x.anonymous = name == "anonymous" || name == "ftp"
	if x.anonymous && x.srv.opt.NoAnonymous {
		x.reply(530, "This server does not allow anonymous logins.")
		return
	}
	x.reply(331, "Please specify the password.")
}

func cmdPass(x *session, password string) {
	switch {
	case x.loggedIn:
		x.reply(230, "Already logged in.")
	case x.user == "":
		x.reply(503, "Login with USER first.")
	case x.anonymous && !x.srv.opt.NoAnonymous:
		x.login()
	case x.user != x.srv.front.User.User || password != x.srv.front.User.Password:
		x.loginFailed()
	case x.srv.opt.Account != "":
		x.password = true
		x.reply(332, "Need account for login.")
	default:
		x.login()
	}
}

func cmdAcct(x *session, account string) {
	switch {
	case x.loggedIn || x.srv.opt.Account == "":
		x.reply(202, "No account needed.")
	case !x.password:
		x.reply(503, "Login with USER first.")
	case account != x.srv.opt.Account:
		x.loginFailed()
	default:
		x.login()
	}
}

func (x *session) login() {
	x.loggedIn = true
	x.srv.front.CountLogin()
	x.reply(230, "Login successful.")
}

func (x *session) loginFailed() {
	x.user, x.password = "", false
	x.reply(530, "Login incorrect.")
	if x.fails++; x.fails >= maxLogins {
		x.ended = true
	}
}

func cmdRein(x *session, _ string) {
	x.reinit()
	x.reply(220, "Service ready for new user.")
}

func cmdQuit(x *session, _ string) {
	x.reply(221, "Goodbye.")
	x.ended = true
}

func cmdNoop(x *session, _ string) { x.reply(200, "NOOP ok.") }

func cmdHost(x *session, name string) {
	switch {
	case x.user != "":
		x.reply(503, "HOST comes before USER.")
	case len(x.srv.opt.Hosts) > 0 && !slices.Contains(x.srv.opt.Hosts, strings.ToLower(name)):
		x.reply(504, "Unknown host.")
	default:
		x.reply(220, "Host accepted.")
	}
}

func cmdLang(x *session, tag string) {
	if tag == "" || strings.EqualFold(tag, "EN") {
		x.reply(200, "Language is EN.")
		return
	}
	x.reply(504, "Language not supported.")
}

func cmdAuth(x *session, kind string) {
	switch kind = strings.ToUpper(kind); {
	case x.tls != nil:
		x.reply(503, "TLS is already active.")
	case kind != "TLS" && kind != "TLS-C" && kind != "SSL":
		x.reply(504, "Only AUTH TLS is supported.")
	default:
		x.reply(234, "Proceed with negotiation.")
		if x.startTLS() {
			x.reinit()
			x.goOn(bufio.NewReaderSize(x.conn, frame.MaxLine))
		}
	}
}

// startTLS makes the control connection a TLS one. When that fails the session
// is over. Unencrypted data after AUTH is discarded.
func (x *control) startTLS() bool {
	if x.fault(base.PointTLS) {
		x.ended = true
		return false
	}
	config, err := x.srv.sessionTLS()
	if err == nil {
		conn := tls.Server(&recordConn{Conn: x.base, r: bufio.NewReader(x.base)}, config)
		ctx, cancel := context.WithTimeout(context.Background(), x.srv.opt.DataTimeout)
		defer cancel()
		if err = conn.HandshakeContext(ctx); err == nil {
			x.conn, x.tls = x.srv.front.Over(conn), config
			return true
		}
	}
	x.ended = true
	return false
}

func cmdPbsz(x *session, size string) {
	if x.tls == nil {
		x.reply(503, "PBSZ needs a secure connection.")
		return
	}
	x.pbsz = true
	x.reply(200, "PBSZ=0")
}

func cmdProt(x *session, level string) {
	switch level = strings.ToUpper(level); {
	case x.tls == nil || !x.pbsz:
		x.reply(503, "PBSZ comes before PROT.")
	case level == "P":
		x.private = true
		x.reply(200, "PROT now Private.")
	case level == "C":
		x.private = false
		x.reply(200, "PROT now Clear.")
	case level == "S" || level == "E":
		x.reply(536, "PROT "+level+" is not supported.")
	default:
		x.reply(504, "PROT not recognised.")
	}
}

func cmdCcc(x *session, _ string) {
	secure, ok := frame.AsTLS(x.conn)
	if !ok {
		x.reply(533, "The control connection is not protected.")
		return
	}
	x.reply(200, "The control connection continues unencrypted.")
	secure.CloseWrite()
	// CloseWrite leaves a deadline in the past on the connection below.
	x.base.SetWriteDeadline(time.Time{})
	records := secure.NetConn().(*recordConn)
	x.conn = x.base
	if err := records.skipTLS(); err != nil {
		x.ended = true
		return
	}
	x.goOn(records.r)
}

// recordConn is below a TLS control connection and never reads beyond a TLS
// record, so that after CCC the clear bytes are still to be had.
type recordConn struct {
	net.Conn
	r    *bufio.Reader
	left int // bytes of the present record not read yet
}

// tlsHeader is the length of a TLS record header (RFC 8446 section 5.1).
const tlsHeader = 5

func (c *recordConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		head, err := c.r.Peek(tlsHeader)
		if err != nil {
			return 0, err
		}
		c.left = tlsHeader + int(binary.BigEndian.Uint16(head[3:]))
	}
	n, err := c.r.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// skipTLS drops the TLS records (close_notify) that are still to come before
// the first clear byte. No FTP command starts with a record type.
func (c *recordConn) skipTLS() error {
	for {
		head, err := c.r.Peek(1)
		if err != nil {
			return err
		}
		if head[0] < 20 || head[0] > 23 {
			return nil
		}
		if head, err = c.r.Peek(tlsHeader); err != nil {
			return err
		}
		if _, err := c.r.Discard(tlsHeader + int(binary.BigEndian.Uint16(head[3:]))); err != nil {
			return err
		}
	}
}
