package mailtls

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// Server is a name server whose word on DNSSEC is trusted: one on this machine, or one
// that the user named. It is asked over TCP.
type Server struct {
	addr string
	o    *protocols.Options
}

// NewServer returns the server at addr, HOST or HOST:PORT. o says how it is reached; nil
// is all defaults.
func NewServer(addr string, o *protocols.Options) *Server {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), "53")
	}
	return &Server{addr, o}
}

// maxConfig bounds what is read of the resolver's configuration.
const maxConfig = 64 << 10

// Local returns the first name server in the text of a resolv.conf that is on this
// machine, or nil. Between one elsewhere and us anybody could set the bit that says
// that an answer was validated.
func Local(conf io.Reader, o *protocols.Options) *Server {
	lines := bufio.NewScanner(io.LimitReader(conf, maxConfig))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if ip, err := netip.ParseAddr(words[1]); err == nil && ip.IsLoopback() {
			return NewServer(words[1], o)
		}
	}
	return nil
}

// answer is what a name server says to a question.
type answer struct {
	records []dnsmessage.Resource
	missing bool // there is no such name
	secure  bool // validated by DNSSEC, also that there is nothing
}

// ask asks one question. An answer that failed the validation is an error, as all that
// is not an answer.
func (s *Server) ask(ctx context.Context, name string, t dnsmessage.Type) (*answer, error) {
	packed, err := question(name, t)
	if err != nil {
		return nil, err
	}
	m, err := s.exchange(ctx, packed)
	if err != nil {
		return nil, protocols.Wrap(err, "dns", "lookup", "dns:"+name)
	}
	switch {
	case !m.Response || len(m.Questions) != 1 || m.Questions[0].Type != t || !strings.EqualFold(m.Questions[0].Name.String(), name+"."):
		return nil, failure("the name server "+s.addr+" answers another question than that for "+name, nil)
	case m.RCode != dnsmessage.RCodeSuccess && m.RCode != dnsmessage.RCodeNameError:
		return nil, failure(fmt.Sprintf("the name server %s says %s to %s of %s (a DNSSEC signature may be wrong)", s.addr, strings.TrimPrefix(m.RCode.String(), "RCode"), typeName(t), name), nil)
	}
	return &answer{records: m.Answers, missing: m.RCode == dnsmessage.RCodeNameError, secure: m.AuthenticData}, nil
}

// question packs a question whose answer is to say whether it was validated.
func question(name string, t dnsmessage.Type) ([]byte, error) {
	n, err := dnsmessage.NewName(name + ".")
	if err != nil {
		return nil, protocols.UsageError("dns", "lookup", "not a name: "+name)
	}
	var edns dnsmessage.ResourceHeader
	if err := edns.SetEDNS0(4096, dnsmessage.RCodeSuccess, true); err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:      dnsmessage.Header{ID: 1, RecursionDesired: true, AuthenticData: true},
		Questions:   []dnsmessage.Question{{Name: n, Type: t, Class: dnsmessage.ClassINET}},
		Additionals: []dnsmessage.Resource{{Header: edns, Body: &dnsmessage.OPTResource{}}},
	}
	return m.AppendPack(make([]byte, 2))
}

// exchange sends a question and reads the answer, on a connection of its own.
func (s *Server) exchange(ctx context.Context, packed []byte) (*dnsmessage.Message, error) {
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return nil, err
	}
	d := transport.NewDialer("dns", &url.URL{Scheme: "tcp", Host: s.addr}, s.o)
	conn, err := d.Dial(ctx, "control", "tcp", host, port)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer conn.Use(ctx)()
	binary.BigEndian.PutUint16(packed, uint16(len(packed)-2))
	if _, err := conn.Write(packed); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, b); err != nil {
		return nil, err
	}
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil {
		return nil, protocols.ProtocolError("dns", "lookup", "the name server's answer is not one: "+err.Error())
	}
	return &m, nil
}

// failure is an error that leaves open what is the case: another attempt may help.
func failure(text string, err error) error {
	return &protocols.Error{Proto: "dns", Op: "lookup", Kind: protocols.KindConnect, Retryable: true, Text: text, Err: err}
}

func typeName(t dnsmessage.Type) string {
	if t == typeTLSA {
		return "TLSA"
	}
	return strings.TrimPrefix(t.String(), "Type")
}

// canonical follows the aliases in an answer to an address from a name to its end.
func (a *answer) canonical(name string) string {
	for range a.records {
		next := ""
		for _, rr := range a.records {
			if alias, ok := rr.Body.(*dnsmessage.CNAMEResource); ok && strings.EqualFold(rr.Header.Name.String(), name+".") {
				next = strings.ToLower(strings.TrimSuffix(alias.CNAME.String(), "."))
			}
		}
		if next == "" {
			break
		}
		name = next
	}
	return name
}
