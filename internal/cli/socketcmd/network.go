package socketcmd

import (
	"net"
	"net/netip"
	"slices"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
)

// networks are --allow and --deny of listeners.
type networks struct {
	allowed, denied []string
	allow, deny     []netip.Prefix
}

func (n *networks) flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&n.allowed, "allow", nil, "take nobody but peers of `NETWORK`, an address or 10.0.0.0/8; may be given again")
	fs.StringArrayVar(&n.denied, "deny", nil, "take no peer of `NETWORK`, even an allowed one")
}

// filter returns what reports whether a peer is taken; nil: all are.
func (n *networks) filter(scheme string) (func(net.Addr) bool, error) {
	if len(n.allowed)+len(n.denied) == 0 {
		return nil, nil
	}
	if scheme == "unix" {
		return nil, kit.Usage("--allow and --deny are for networks; a UNIX socket has the permissions of its folder")
	}
	var err error
	if n.allow, err = prefixes("--allow", n.allowed); err != nil {
		return nil, err
	}
	if n.deny, err = prefixes("--deny", n.denied); err != nil {
		return nil, err
	}
	return n.takes, nil
}

// takes reports whether a peer is taken. One whose address cannot be read is not.
func (n *networks) takes(peer net.Addr) bool {
	at, err := netip.ParseAddrPort(peer.String())
	if err != nil {
		return false
	}
	ip := at.Addr().Unmap().WithZone("")
	in := func(p netip.Prefix) bool { return p.Contains(ip) }
	return !slices.ContainsFunc(n.deny, in) && (len(n.allow) == 0 || slices.ContainsFunc(n.allow, in))
}

func prefixes(flag string, texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var ip netip.Addr
			if ip, err = netip.ParseAddr(text); err != nil {
				return nil, kit.Usage("%s: %q is neither an address nor a network such as 10.0.0.0/8", flag, text)
			}
			p = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())
		}
		all = append(all, p.Masked())
	}
	return all, nil
}
