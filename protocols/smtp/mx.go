package smtp

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// Resolver looks up mail exchangers; *net.Resolver is one.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
}

// maxExchangers bounds how many hosts of one domain are tried.
const maxExchangers = 20

// Exchangers returns the hosts that take mail for a domain, the preferred first,
// those of one preference in random order (RFC 5321 5.1). A domain without MX is
// its own host; one that takes no mail at all (RFC 7505) is an error of kind
// Refused. An address literal stands for itself.
func Exchangers(ctx context.Context, r Resolver, domain string) ([]string, error) {
	if literal, ok := strings.CutPrefix(domain, "["); ok {
		host := strings.TrimSuffix(strings.TrimPrefix(literal, "IPv6:"), "]")
		if net.ParseIP(host) == nil {
			return nil, badAddress(domain, "has a literal that is not an IP address")
		}
		return []string{host}, nil
	}
	name, err := transport.Host(domain)
	if err != nil || name == "" {
		return nil, badAddress(domain, "is not a mail domain")
	}
	records, err := r.LookupMX(ctx, name)
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return []string{name}, nil
	}
	if err != nil && len(records) == 0 {
		return nil, &protocols.Error{Proto: proto, Kind: protocols.KindConnect, Retryable: true, Text: "MX of " + name, Err: err}
	}
	return ordered(name, records)
}

func ordered(name string, records []*net.MX) ([]string, error) {
	records = slices.Clone(records)
	rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	slices.SortStableFunc(records, func(a, b *net.MX) int { return int(a.Pref) - int(b.Pref) })
	var hosts []string
	for _, mx := range records {
		host := strings.TrimSuffix(mx.Host, ".")
		if host == "" && len(records) == 1 {
			return nil, &protocols.Error{Proto: proto, Kind: protocols.KindRefused, Code: 556, Enhanced: "5.1.10", Text: "5.1.10 " + name + " takes no mail (null MX)"}
		}
		if host != "" && !slices.Contains(hosts, host) && len(hosts) < maxExchangers {
			hosts = append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		hosts = []string{name}
	}
	return hosts, nil
}

// SendVia sends a message to the first of several hosts that returns an answer to
// it: the next one is tried where a host cannot be reached, or refuses everybody
// temporarily. open makes the client of a host, which is closed again.
func SendVia(ctx context.Context, hosts []string, open func(host string) (*Client, error), m *Mail) (host string, r *protocols.Receipt, err error) {
	for _, host = range hosts {
		r, err = sendTo(ctx, host, open, m)
		if err == nil || ctx.Err() != nil || !otherHost(r, err) {
			break
		}
	}
	return host, r, err
}

func sendTo(ctx context.Context, host string, open func(string) (*Client, error), m *Mail) (*protocols.Receipt, error) {
	c, err := open(host)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.SendMail(ctx, m)
}

// otherHost: nothing can have been accepted, and of the recipients nothing was said
// that lasts.
func otherHost(r *protocols.Receipt, err error) bool {
	if errors.Is(err, ErrUnknown) {
		return false
	}
	if r != nil && len(r.Recipients) > 0 {
		return protocols.IsRetryable(err)
	}
	switch protocols.KindOf(err) {
	case protocols.KindConnect, protocols.KindTimeout, protocols.KindTemporary, protocols.KindProtocol, protocols.KindTLS:
		return true
	case protocols.KindRefused: // a greeting of 554 is a no of that host only
		return r == nil || r.Reply.Code == 0
	}
	return false
}
