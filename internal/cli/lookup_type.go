package cli

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

// recordLookups find the records of a name, by type.
var recordLookups = map[string]func(ctx context.Context, name string) ([]string, error){
	"MX": func(ctx context.Context, name string) (out []string, err error) {
		records, err := net.DefaultResolver.LookupMX(ctx, name)
		for _, r := range records {
			out = append(out, fmt.Sprintf("%d %s", r.Pref, r.Host))
		}
		return out, err
	},
	"TXT": func(ctx context.Context, name string) ([]string, error) {
		return net.DefaultResolver.LookupTXT(ctx, name)
	},
	"SRV": func(ctx context.Context, name string) (out []string, err error) {
		_, records, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
		for _, r := range records {
			out = append(out, fmt.Sprintf("%d %d %d %s", r.Priority, r.Weight, r.Port, r.Target))
		}
		return out, err
	},
	"NS": func(ctx context.Context, name string) (out []string, err error) {
		records, err := net.DefaultResolver.LookupNS(ctx, name)
		for _, r := range records {
			out = append(out, r.Host)
		}
		return out, err
	},
	"CNAME": func(ctx context.Context, name string) ([]string, error) {
		target, err := net.DefaultResolver.LookupCNAME(ctx, name)
		return []string{target}, err
	},
	"CAA": lookupCAA,
}

// recordTypes are what --type takes, in the order of the help.
var recordTypes = []string{"MX", "TXT", "SRV", "NS", "CNAME", "CAA"}

// lookupRecords finds the records of the types of a name. A name without some of them is
// no failure, one without any is.
func lookupRecords(ctx context.Context, name string, types []string) (out []found, err error) {
	for _, t := range types {
		values, bad := recordLookups[t](ctx, name)
		if d, ok := errors.AsType[*net.DNSError](bad); ok && d.IsNotFound {
			bad = nil
		}
		err = cmp.Or(err, bad)
		for _, v := range values {
			out = append(out, found{Query: name, Type: strings.ToLower(t), Value: v})
		}
	}
	if err == nil && out == nil {
		err = &protocols.Error{Kind: protocols.KindRefused, Text: "no record of type " + strings.Join(types, ", ")}
	}
	return out, err
}

// typeCAA is the record that names who may issue certificates (RFC 8659).
const typeCAA dnsmessage.Type = 257

// lookupCAA asks the resolver of the system, whose library has no such query.
func lookupCAA(ctx context.Context, name string) ([]string, error) {
	q, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		return nil, &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	var lastErr error = &protocols.Error{Kind: protocols.KindConnect, Text: "no name server in /etc/resolv.conf"}
	var answers []dnsmessage.Resource
	eachLine("/etc/resolv.conf", func(words []string) bool {
		if words[0] == "nameserver" {
			answers, lastErr = askDNS(ctx, net.JoinHostPort(words[1], "53"), dnsmessage.Question{Name: q, Type: typeCAA, Class: dnsmessage.ClassINET})
		}
		return words[0] != "nameserver" || lastErr != nil
	})
	var out []string
	for _, r := range answers {
		if raw, ok := r.Body.(*dnsmessage.UnknownResource); ok && r.Header.Type == typeCAA && len(raw.Data) > 2 && len(raw.Data) >= 2+int(raw.Data[1]) {
			tag := 2 + int(raw.Data[1])
			out = append(out, fmt.Sprintf("%d %s %q", raw.Data[0], raw.Data[2:tag], raw.Data[tag:]))
		}
	}
	return out, lastErr
}

// askDNS asks one server one question, over TCP, where an answer of any size fits.
func askDNS(ctx context.Context, server string, q dnsmessage.Question) ([]dnsmessage.Resource, error) {
	c, err := socket.New(&url.URL{Scheme: "tcp", Host: server}, nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	conn, err := c.Talk(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 1, RecursionDesired: true}, Questions: []dnsmessage.Question{q}}
	packed, err := m.AppendPack(make([]byte, 2))
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint16(packed, uint16(len(packed)-2))
	if _, err := conn.Write(packed); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return nil, err
	}
	if err := m.Unpack(answer); err != nil {
		return nil, protocols.ProtocolError("", "lookup", "the answer of the name server is malformed: "+err.Error())
	}
	if m.RCode != dnsmessage.RCodeSuccess && m.RCode != dnsmessage.RCodeNameError {
		return nil, &protocols.Error{Kind: protocols.KindTemporary, Text: "the name server answers " + m.RCode.String()}
	}
	return m.Answers, nil
}
