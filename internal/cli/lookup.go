package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

// fullName returns the fully qualified name of this machine and its addresses, as
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
	Type     string   `json:"type"` // address, name, service, protocol, or that of a record
	Value    string   `json:"value,omitempty"`
	Port     int      `json:"port,omitempty"`
	Protocol string   `json:"protocol,omitempty"`
	Number   *int     `json:"number,omitempty"` // of a protocol over IP
	Names    []string `json:"names,omitempty"`
}

// lookupCommand is lookup.
func lookupCommand() *kit.Command {
	l := &lookupFlags{}
	return &kit.Command{
		Name: "lookup", Args: "NAME/SERVICE...", Short: "addresses of a name, names of an address, port of a service, number of a protocol, records of DNS",
		Flags: func(fs *pflag.FlagSet) {
			fs.StringVarP(&l.types, "type", "t", "", "the records of these `TYPES` instead: "+strings.Join(recordTypes, ",")+"; several with commas")
		},
		Run:     l.run,
		Example: "  netclients lookup example.org\n  netclients lookup --type MX,TXT example.org\n  netclients lookup 25/tcp",
	}
}

// lookupFlags are those of lookup.
type lookupFlags struct{ types string }

// wanted returns the types of records that are asked for; nil: none, but addresses.
func (l *lookupFlags) wanted() (types []string, err error) {
	for t := range strings.SplitSeq(l.types, ",") {
		if t = strings.ToUpper(strings.TrimSpace(t)); t == "" {
			continue
		}
		if recordLookups[t] == nil {
			return nil, kit.Usage("lookup: --type %s: want some of %s", t, strings.Join(recordTypes, ","))
		}
		types = append(types, t)
	}
	return types, nil
}

// run finds the addresses of names, the names of addresses, and the ports of
// services (a word that the system's table of services has).
func (l *lookupFlags) run(ctx context.Context, e *kit.Env, args []string) error {
	types, err := l.wanted()
	if err != nil {
		return err
	}
	return e.Each(ctx, args, func(query string) error {
		find := lookup
		if types != nil {
			find = func(ctx context.Context, query string) ([]found, error) { return lookupRecords(ctx, query, types) }
		}
		answers, err := find(ctx, query)
		if err != nil {
			return protocols.Wrap(err, "", "lookup", query)
		}
		for _, f := range answers {
			if err := e.Out.Record(f, func() string { return lookupText(f) }); err != nil {
				return err
			}
		}
		return nil
	})
}

func lookupText(f found) string {
	switch f.Type {
	case "service":
		return strings.TrimSpace(fmt.Sprintf("%s  %d/%s  %s", show.Safe(f.Query), f.Port, f.Protocol, show.Safe(strings.Join(f.Names, " "))))
	case "protocol":
		return strings.TrimSpace(fmt.Sprintf("%s  protocol %d  %s", show.Safe(f.Query), *f.Number, show.Safe(strings.Join(f.Names, " "))))
	case "mx", "txt", "srv", "ns", "cname", "caa":
		return fmt.Sprintf("%s  %s  %s", show.Safe(f.Query), strings.ToUpper(f.Type), show.Safe(f.Value))
	case "name":
		if f.Value != f.Query {
			return fmt.Sprintf("%s  %s  %s", show.Safe(f.Query), f.Value, show.Safe(strings.Join(f.Names, " ")))
		}
		return fmt.Sprintf("%s  %s", show.Safe(f.Query), show.Safe(strings.Join(f.Names, " ")))
	}
	return fmt.Sprintf("%s  %s  %s", show.Safe(f.Query), f.Value, show.Safe(strings.Join(f.Names, " ")))
}

func lookup(ctx context.Context, query string) ([]found, error) {
	if services := lookupPort(query); len(services) > 0 {
		return services, nil
	}
	if ip, err := netip.ParseAddr(socket.Host(strings.Trim(query, "[]"))); err == nil {
		names, err := net.DefaultResolver.LookupAddr(ctx, ip.String())
		return []found{{Query: query, Type: "name", Value: ip.String(), Names: undotted(names)}}, err
	}
	if services := lookupService(ctx, query); len(services) > 0 {
		return services, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", query)
	if err != nil {
		if found := lookupProtocol(query); len(found) > 0 {
			return found, nil
		}
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
		return &protocols.Error{Kind: protocols.KindConnect, Text: "no such host, service or protocol", Err: nil}
	}
	return err
}

// lookupPort finds the services of a port, such as "25" and "25/tcp".
func lookupPort(query string) (out []found) {
	number, only, _ := strings.Cut(query, "/")
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil
	}
	for _, network := range []string{"tcp", "udp"} {
		if names := portNames(number, network); len(names) > 0 && (only == "" || only == network) {
			out = append(out, found{Query: query, Type: "service", Port: int(port), Protocol: network, Names: names})
		}
	}
	return out
}

// portNames returns the names that services(5) has for a port.
func portNames(number, network string) (names []string) {
	eachLine("/etc/services", func(words []string) bool {
		if words[1] == number+"/"+network {
			names = append(words[:1:1], words[2:]...)
		}
		return names == nil
	})
	return names
}

// lookupProtocol finds the number of a protocol over IP, such as 6 for "tcp", in
// protocols(5).
func lookupProtocol(name string) (out []found) {
	eachLine("/etc/protocols", func(words []string) bool {
		number, err := strconv.Atoi(words[1])
		names := append(words[:1:1], words[2:]...)
		if err == nil && slices.Contains(names, name) {
			out = []found{{Query: name, Type: "protocol", Number: &number, Names: names}}
		}
		return out == nil
	})
	return out
}

// eachLine calls f with the words of each line of a table of the system, until it
// returns false. Comments and lines of one word are left out. A table that cannot be
// read has no lines.
func eachLine(path string, f func(words []string) bool) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if words := strings.Fields(line); len(words) > 1 && !f(words) {
			return
		}
	}
}

// lookupService finds words without a dot, such as "ftp" and "ftp/tcp".
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
