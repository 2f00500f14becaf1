package ftplab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// Errors of data connections and transfers, see replyFor for their replies.
var (
	errNoData  = errors.New("no data connection")
	errNoReuse = errors.New("data connection is not a resumption of the control session")
	errDataTLS = errors.New("data connection failed in the TLS handshake")
	errAborted = errors.New("transfer aborted")
	errQuota   = errors.New("over quota")
)

// dataPlan is how the next data connection comes about: accepted from ln, or
// dialed to addr.
type dataPlan struct {
	ln   net.Listener
	addr string
}

// close returns the listener up; nil is allowed.
func (p *dataPlan) close() {
	if p != nil && p.ln != nil {
		p.ln.Close()
	}
}

// dataSide makes the data connections of a session.
type dataSide struct {
	*control
	data    *dataPlan // of the next transfer
	epsvAll bool
	pbsz    bool
	private bool // PROT P
}

// plan replaces the plan for the next transfer.
func (x *dataSide) plan(p *dataPlan) {
	x.data.close()
	x.data = p
}

// addrOf is the IP address of one end of a connection.
func addrOf(a net.Addr) netip.Addr {
	p, _ := netip.ParseAddrPort(a.String())
	return p.Addr().Unmap()
}

// passive listens on the address the control connection came to.
func (x *dataSide) passive() (netip.AddrPort, bool) {
	local := addrOf(x.base.LocalAddr())
	ln, err := net.Listen("tcp", netip.AddrPortFrom(local, 0).String())
	if err != nil {
		x.reply(425, "Can't open passive connection.")
		return netip.AddrPort{}, false
	}
	x.plan(&dataPlan{ln: ln})
	return netip.AddrPortFrom(local, uint16(ln.Addr().(*net.TCPAddr).Port)), true
}

func cmdPasv(x *session, _ string) {
	switch {
	case x.epsvAll:
		x.reply(501, "PASV is not allowed after EPSV ALL.")
		return
	case !addrOf(x.base.LocalAddr()).Is4():
		x.reply(425, "PASV needs IPv4, use EPSV.")
		return
	}
	at, ok := x.passive()
	if !ok {
		return
	}
	host := at.Addr().String()
	if x.srv.opt.PASVHost != "" {
		host = x.srv.opt.PASVHost
	}
	x.replyf(227, "Entering Passive Mode (%s,%d,%d).", strings.ReplaceAll(host, ".", ","), at.Port()>>8, at.Port()&255)
}

// family is the number RFC 2428 has for the protocol of an address.
func family(a netip.Addr) string {
	if a.Is4() {
		return "1"
	}
	return "2"
}

func cmdEpsv(x *session, arg string) {
	own := family(addrOf(x.base.LocalAddr()))
	switch {
	case strings.EqualFold(arg, "ALL"):
		x.epsvAll = true
		x.reply(200, "EPSV ALL ok.")
	case arg != "" && arg != "1" && arg != "2":
		x.reply(501, "EPSV takes 1, 2 or ALL.")
	case arg != "" && arg != own:
		x.reply(522, "Network protocol not supported, use ("+own+")")
	default:
		if at, ok := x.passive(); ok {
			x.replyf(229, "Entering Extended Passive Mode (|||%d|)", at.Port())
		}
	}
}

func cmdPort(x *session, arg string) {
	fields := strings.Split(arg, ",")
	var n [6]byte
	if len(fields) != len(n) {
		x.reply(501, "PORT needs six numbers.")
		return
	}
	for i, f := range fields {
		v, err := strconv.ParseUint(strings.TrimSpace(f), 10, 8)
		if err != nil {
			x.reply(501, "PORT needs numbers up to 255.")
			return
		}
		n[i] = byte(v)
	}
	x.active("PORT", netip.AddrPortFrom(netip.AddrFrom4([4]byte(n[:4])), uint16(n[4])<<8|uint16(n[5])))
}

func cmdEprt(x *session, arg string) {
	fields := strings.Split(arg, arg[:1])
	if len(fields) != 5 {
		x.reply(501, "EPRT needs |proto|address|port|.")
		return
	}
	addr, err := netip.ParseAddr(fields[2])
	port, err2 := strconv.ParseUint(fields[3], 10, 16)
	if fields[1] != "1" && fields[1] != "2" {
		x.reply(522, "Network protocol not supported, use (1,2)")
		return
	}
	if err != nil || err2 != nil || family(addr) != fields[1] {
		x.reply(501, "EPRT address not understood.")
		return
	}
	x.active("EPRT", netip.AddrPortFrom(addr.Unmap(), uint16(port)))
}

// active plans a connection to the client, which must be the peer itself on
// an unprivileged port: anything else would be a bounce (RFC 2577 section 3).
func (x *dataSide) active(verb string, to netip.AddrPort) {
	switch {
	case x.epsvAll:
		x.reply(501, verb+" is not allowed after EPSV ALL.")
	case !x.friend(to.Addr()) || to.Port() < 1024:
		x.reply(500, "Illegal "+verb+" command.")
	default:
		x.plan(&dataPlan{addr: to.String()})
		x.reply(200, verb+" command successful. Consider using PASV.")
	}
}

// friend reports whether data connections may go to or come from an address.
func (x *dataSide) friend(a netip.Addr) bool {
	a = a.Unmap()
	return a == addrOf(x.base.RemoteAddr()) || x.srv.opt.Foreign && a.IsLoopback()
}

// connect makes the planned data connection, with TLS when PROT P is on. It
// ends early when ctx does. The caller releases it.
func (x *dataSide) connect(ctx context.Context, p *dataPlan) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, x.srv.opt.DataTimeout)
	defer cancel()
	raw, err := x.connectTCP(ctx, p)
	if err != nil {
		return nil, errNoData
	}
	conn := x.srv.front.Faults.Wrap(x.srv.front.Data(raw), base.ScopeData, x.srv.front.Done)
	if !x.srv.front.Track(conn) {
		return nil, errNoData
	}
	x.srv.transfers.Add(1)
	if !x.private || x.srv.opt.ClearData {
		return conn, nil
	}
	secure := tls.Server(conn, x.tls)
	err = secure.HandshakeContext(ctx)
	if err == nil && x.srv.opt.RequireSessionReuse && !secure.ConnectionState().DidResume {
		secure.Close()
		err = errNoReuse
	} else if err != nil {
		err = errDataTLS
	}
	if err != nil {
		x.srv.front.Release(conn)
		return nil, err
	}
	return &dataTLS{secure, conn}, nil
}

// dataTLS remembers what is tracked below a TLS data connection.
type dataTLS struct {
	*tls.Conn
	below net.Conn
}

// releaseData ends a data connection; TLS clients get a close_notify.
func (x *dataSide) releaseData(conn net.Conn) {
	if t, ok := conn.(*dataTLS); ok {
		t.Conn.Close()
		conn = t.below
	}
	x.srv.front.Release(conn)
}

// connectTCP accepts from a friend or dials.
func (x *dataSide) connectTCP(ctx context.Context, p *dataPlan) (net.Conn, error) {
	if p.ln == nil {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", p.addr)
	}
	defer p.ln.Close()
	if !x.srv.front.Track(p.ln) {
		return nil, net.ErrClosed
	}
	defer x.srv.front.Release(p.ln)
	defer context.AfterFunc(ctx, func() { p.ln.Close() })()
	for {
		conn, err := p.ln.Accept()
		if err != nil {
			return nil, err
		}
		if x.friend(addrOf(conn.RemoteAddr())) {
			return conn, nil
		}
		conn.Close()
	}
}

// progress renews a connection's deadline before each read and write, so that
// a stuck peer ends the transfer while a slow one does not.
type progress struct {
	net.Conn
	limit time.Duration
}

func (p progress) Read(b []byte) (int, error) {
	p.SetReadDeadline(time.Now().Add(p.limit))
	return p.Conn.Read(b)
}

func (p progress) Write(b []byte) (int, error) {
	p.SetWriteDeadline(time.Now().Add(p.limit))
	return p.Conn.Write(b)
}

// opening is the 150 reply of a transfer.
func (x *session) opening(what string) string {
	kind := map[bool]string{true: "ASCII", false: "BINARY"}[x.ascii]
	return fmt.Sprintf("Opening %s mode data connection for %s.", kind, what)
}
