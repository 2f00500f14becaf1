package ftp

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Relay copies a file straight to another FTP server (FXP): the source listens
// (PASV), the destination connects to it (PORT), and no content passes through
// here. Many servers refuse this, since it can be abused; the error is then of
// class errors.ErrUnsupported. It is only tried without TLS: a TLS data connection
// between two servers would need CPSV or SSCN, which hardly any server has.
func (c *Client) Relay(ctx context.Context, name string, dst protocols.Client, toName string) error {
	d, ok := protocols.As[*Client](dst)
	if !ok {
		return protocols.Unsupported(proto, "cp", "a server-to-server copy needs FTP at both ends")
	}
	begun := false
	err := c.line.Do(ctx, "cp", name, []string{name, toName}, func(ctx context.Context, src *session) error {
		return d.line.Do(ctx, "cp", toName, []string{name, toName}, func(ctx context.Context, to *session) error {
			return relay(ctx, src, to, name, toName, &begun)
		})
	})
	if err != nil && begun {
		d.sweep(ctx, toName+protocols.PartSuffix)
	}
	return err
}

// sweepWithin bounds the removal of what a copy has begun, also after an interrupt.
const sweepWithin = 5 * time.Second

// sweep removes what a copy has left. It is best effort: the error of the copy counts.
func (c *Client) sweep(ctx context.Context, part string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepWithin)
	defer cancel()
	_ = c.Remove(ctx, part)
}

// relay sets begun when the destination may hold a part.
func relay(ctx context.Context, src, dst *session, name, toName string, begun *bool) error {
	if src.private || dst.private {
		return protocols.Unsupported(proto, "cp", "server-to-server copy with protected data connections")
	}
	if err := src.present(ctx, name); err != nil {
		return err
	}
	from, err := src.path(ctx, name)
	if err != nil {
		return err
	}
	u := &upload{name: toName, part: toName + protocols.PartSuffix, o: &protocols.PutOptions{}, e: dst.c.entry(toName)}
	part, err := dst.path(ctx, u.part)
	if err != nil {
		return err
	}
	if err := pair(src, dst); err != nil {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Text: "the servers refuse to copy to each other", Err: err}
	}
	*begun = true
	if err := run(src, dst, from, part); err != nil {
		return err
	}
	*begun = false
	return uploader{dst}.seal(ctx, u)
}

// present fails when the source does not have the file: the other server would
// otherwise begin one that nobody ends. A server without SIZE is asked in other ways.
func (s *session) present(ctx context.Context, name string) error {
	if !s.has("SIZE") {
		_, err := s.statFacts(ctx, name)
		if errors.Is(err, fs.ErrNotExist) || s.Failed() != nil {
			return err
		}
		return nil
	}
	path, err := s.path(ctx, name)
	if err != nil {
		return err
	}
	r, err := s.Cmd("SIZE", path)
	if err == nil && r.Code == 550 {
		err = refusal(r)
	}
	return err
}

// pair connects the two servers: the address in the PASV reply goes into PORT. The source could
// name a third host there and have the destination connect to that, so its address
// must be its own, unless the user trusts it.
func pair(src, dst *session) error {
	for _, s := range []*session{src, dst} {
		if _, err := s.need(2, "TYPE", "I"); err != nil {
			return err
		}
		s.typ = 'I'
	}
	r, err := src.need(2, "PASV")
	if err != nil {
		return err
	}
	address, err := address227(r)
	if err != nil {
		return err
	}
	if own := port(netip.AddrPortFrom(src.peer(), 0)); !src.c.Settings.TrustPASV && !strings.HasPrefix(address, strings.TrimSuffix(own, "0,0")) {
		return protocols.ProtocolError(proto, "", "the source server names another host for its data connection: "+address)
	}
	_, err = dst.need(2, "PORT", address)
	return err
}

// peer returns the address of the server, the zero one when it is not known, as
// after a proxy.
func (s *session) peer() netip.Addr {
	a, ok := s.Conn.RemoteAddr().(*net.TCPAddr)
	if !ok || !s.Conn.Direct() {
		return netip.Addr{}
	}
	return a.AddrPort().Addr().Unmap()
}

// run starts the storing side first, then the sending side, and waits for both.
// A refusal of one side leaves the other waiting: its connection is given up.
func run(src, dst *session, from, to string) error {
	if err := start(dst, "STOR", to); err != nil {
		src.Fail(err)
		return err
	}
	if err := start(src, "RETR", from); err != nil {
		dst.Fail(err)
		return err
	}
	for _, s := range []*session{src, dst} {
		r, err := s.outcome()
		if err != nil {
			return err
		}
		if err := want(r, 2); err != nil {
			src.Fail(err)
			dst.Fail(err)
			return err
		}
	}
	return nil
}

func start(s *session, verb, path string) error {
	r, err := s.Begin(verb, path)
	if err != nil {
		return err
	}
	return want(r, 1)
}
