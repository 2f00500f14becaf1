package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netclients/netclients/protocols"
)

// fullName gives the fully qualified name of this machine and its addresses, as
// far as the resolver knows them.
func fullName(ctx context.Context, name string) (fqdn string, addrs []string) {
	found, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil {
		return "", nil
	}
	fqdn = name
	for _, a := range found {
		if names, err := net.DefaultResolver.LookupAddr(ctx, a); err == nil && len(names) > 0 && strings.Contains(names[0], ".") {
			fqdn = strings.TrimSuffix(names[0], ".")
			break
		}
	}
	return fqdn, found
}

// found is one line of lookup: what was asked, and one answer.
type found struct {
	Query    string   `json:"query"`
	Type     string   `json:"type"` // address, name, service
	Value    string   `json:"value,omitempty"`
	Port     int      `json:"port,omitempty"`
	Protocol string   `json:"protocol,omitempty"`
	Names    []string `json:"names,omitempty"`
}

// lookUp finds the addresses of names, the names of addresses, and the ports of
// services (a word that the system's table of services has).
func (a *app) lookUp(cmd *cobra.Command, e *env, args []string) error {
	return e.each(cmd.Context(), args, func(query string) error {
		answers, err := lookup(cmd.Context(), query)
		if err != nil {
			return protocols.Wrap(err, "", "lookup", query)
		}
		for _, f := range answers {
			if err := e.out.record(f, func() string { return lookupText(f) }); err != nil {
				return err
			}
		}
		return nil
	})
}

func lookupText(f found) string {
	switch f.Type {
	case "service":
		return fmt.Sprintf("%s  %d/%s", safe(f.Query), f.Port, f.Protocol)
	case "name":
		return fmt.Sprintf("%s  %s", safe(f.Query), safe(strings.Join(f.Names, " ")))
	}
	return fmt.Sprintf("%s  %s  %s", safe(f.Query), f.Value, safe(strings.Join(f.Names, " ")))
}

func lookup(ctx context.Context, query string) ([]found, error) {
	if ip, err := netip.ParseAddr(strings.Trim(query, "[]")); err == nil {
		names, err := net.DefaultResolver.LookupAddr(ctx, ip.String())
		return []found{{Query: query, Type: "name", Value: ip.String(), Names: undotted(names)}}, err
	}
	if services := lookupService(ctx, query); len(services) > 0 {
		return services, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", query)
	if err != nil {
		return nil, lookupError(err)
	}
	var out []found
	for _, ip := range ips {
		names, _ := net.DefaultResolver.LookupAddr(ctx, ip.Unmap().String()) // no name is an answer too
		out = append(out, found{Query: query, Type: "address", Value: ip.Unmap().String(), Names: undotted(names)})
	}
	return out, nil
}

// lookupError adds that a name may also have been meant as a service.
func lookupError(err error) error {
	if d, ok := errors.AsType[*net.DNSError](err); ok && d.IsNotFound {
		return &protocols.Error{Kind: protocols.Connect, Text: "no such host or service", Err: nil}
	}
	return err
}

// lookupService finds "ftp", "ftp/tcp" and "21/tcp"-like words without a dot.
func lookupService(ctx context.Context, query string) []found {
	word, only, _ := strings.Cut(query, "/")
	if strings.Contains(word, ".") || word == "" {
		return nil
	}
	if _, err := strconv.Atoi(word); err == nil {
		return nil
	}
	var out []found
	for _, network := range []string{"tcp", "udp"} {
		if only != "" && only != network {
			continue
		}
		if port, err := net.DefaultResolver.LookupPort(ctx, network, word); err == nil && port != 0 {
			out = append(out, found{Query: query, Type: "service", Port: port, Protocol: network})
		}
	}
	return out
}

func undotted(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, strings.TrimSuffix(n, "."))
	}
	return out
}
