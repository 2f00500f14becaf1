package ftp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"

	"github.com/netclients/netclients/protocols"
)

// Trial is what one way to agree on a data connection came to, see [Client.TryData].
type Trial struct {
	Reply   string               // to the command of the mode; empty: it has none to show
	Address netip.Addr           // that a reply to PASV names; not valid: none
	Peer    netip.Addr           // of the control connection; not valid: not known
	TLS     *tls.ConnectionState // of the data connection; nil without TLS
	Bytes   int64                // of the listing that came over it
}

// DataModes returns the names of the ways to agree on a data connection, in the order
// of preference: the commands EPSV, PASV, EPRT and PORT.
func DataModes() []string {
	var names []string
	for _, m := range modes {
		names = append(names, m.verb)
	}
	return names
}

// TryData lists the login folder over a data connection of one mode and no other, with
// the command MLSD, LIST or NLST, and returns what that came to, also with an error. An
// error of class [errors.ErrUnsupported] is for a mode that this connection leaves no
// room for: PASV and PORT over IPv6, EPRT and PORT through a proxy. The first mode that
// works is the one that later transfers use.
func (c *Client) TryData(ctx context.Context, mode, command string) (t Trial, err error) {
	i := slices.IndexFunc(modes, func(m dataMode) bool { return m.verb == mode })
	if i < 0 {
		return t, protocols.UsageError(proto, "", "no data mode "+mode)
	}
	err = c.line.Do(ctx, "try "+mode, "", nil, func(ctx context.Context, s *session) error {
		if !modes[i].usable(s) {
			return protocols.Unsupported(proto, "", mode+" has no place on this connection")
		}
		t = Trial{}
		return trial{s, &t}.run(ctx, i, command)
	})
	return t, err
}

// trial is a session that tries a mode.
type trial struct {
	*session
	t *Trial
}

func (s trial) run(ctx context.Context, i int, command string) error {
	if a, ok := s.Conn.RemoteAddr().(*net.TCPAddr); ok && s.Conn.Direct() {
		s.t.Peer = a.AddrPort().Addr().Unmap()
	}
	m := modes[i]
	if port := m.port; port != nil {
		m.port = func(r *protocols.Reply) (int, error) {
			s.note(r)
			return port(r)
		}
	}
	st, err := opener{s.session}.attempt(ctx, &m, transfer{verb: command, ascii: true})
	if failed, ok := errors.AsType[*modeError](err); ok {
		return failed.err
	}
	if err != nil {
		return err
	}
	if !s.proven {
		s.mode, s.proven = i, true
	}
	return s.read(ctx, st)
}

// note keeps what a reply to EPSV or PASV says.
func (s trial) note(r *protocols.Reply) {
	s.t.Reply = r.Text()
	if n, err := numbers227(r); err == nil && r.Code == 227 {
		s.t.Address = netip.AddrFrom4([4]byte{byte(n[0]), byte(n[1]), byte(n[2]), byte(n[3])})
	}
}

// maxTrial is how much of a listing is read to see that a data connection works.
const maxTrial = 256 << 10

func (s trial) read(ctx context.Context, st *stream) error {
	defer st.conn.Use(ctx)()
	n, err := io.Copy(io.Discard, io.LimitReader(st.conn, maxTrial))
	s.t.Bytes, s.t.TLS = n, st.conn.TLS()
	switch {
	case err != nil:
		return st.broken(ctx, err)
	case n == maxTrial:
		st.abort()
		return nil
	}
	return st.end()
}

// Facts is what a session has found out about its server.
type Facts struct {
	Pipelining bool                 // commands go out several in a packet
	Private    bool                 // data connections are encrypted (PROT P)
	TLS        *tls.ConnectionState // of the control connection; nil without TLS
	Features   []protocols.Capability
}

// Facts logs in, unless a session stands already, and returns what it has found out.
func (c *Client) Facts(ctx context.Context) (f Facts, err error) {
	err = c.line.Do(ctx, "caps", "", nil, func(_ context.Context, s *session) error {
		f = Facts{Pipelining: s.together && s.shown, Private: s.private, TLS: s.Conn.TLS(), Features: s.capabilities()}
		return nil
	})
	return f, err
}
