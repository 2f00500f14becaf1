// Package discovercmd has discover: the servers of a mail account.
package discovercmd

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/discover"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/roundtrip"
)

// used are the flags that work everywhere and have an effect here.
var used = []string{
	"connect-timeout", "idle-timeout", "trace", "tls-min", "tls-max", "ca-file", "capath", "ciphers", "proxy", "preproxy", "proxy-header", "noproxy", "connect-to", "resolve", "doh-url", "bind", "ipv4", "ipv6",
}

// Command returns discover.
func Command() *kit.Command {
	dns := ""
	return &kit.Command{
		Name: "discover", Args: "ADDRESS...", Short: "the servers of a mail account, from what its domain publishes",
		Long: "discover asks for the SRV records of the domain (RFC 6186, 8314) and for its autoconfig, prints what they say, and guesses nothing. " +
			"The URLs are as the other commands take them; netclients login keeps a password for them.",
		Example: "  netclients discover ann@example.org\n  netclients discover --json ann@example.org | jq -r 'select(.protocol == \"imap\") | .url'",
		Uses:    used,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringVar(&dns, "dns", "", "name server `ADDR` to ask for SRV records")
		},
		Run: func(ctx context.Context, e *kit.Env, args []string) error { return run(ctx, e, dns, args) },
	}
}

// foundJSON is a line of discover.
type foundJSON struct {
	Address  string   `json:"address"`
	Protocol string   `json:"protocol"`
	URL      string   `json:"url"`
	TLS      string   `json:"tls"` // implicit, upgrade, none
	Source   string   `json:"source"`
	From     string   `json:"from"`
	Auth     []string `json:"authentication,omitempty"`
	Note     string   `json:"note,omitempty"`
}

// Printed are the types of the lines.
func Printed() map[string][]any { return map[string][]any{"account": {foundJSON{}}} }

func run(ctx context.Context, e *kit.Env, dns string, args []string) error {
	web := roundtrip.New(roundtrip.Config{Options: e.Opts})
	defer web.Close()
	f := &discover.Finder{Resolver: transport.NameServer(dns, e.Opts), Fetch: fetchBy(web)}
	for _, address := range args {
		found, err := f.Find(ctx, address)
		if err != nil {
			return err
		}
		for _, s := range found {
			j := foundJSON{address, s.Protocol, s.URL, s.TLS, s.Source, s.From, s.Auth, s.Note}
			err := e.Out.Record(j, func() string {
				return show.Safe(strings.TrimRight(fmt.Sprintf("%-10s  %s  (%s, %s) %s", j.TLS, j.URL, j.Source, j.From, j.Note), " "))
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// fetchBy fetches by our own HTTP.
func fetchBy(web http.RoundTripper) discover.Fetch {
	return func(ctx context.Context, u string, limit int64) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
		if err != nil {
			return nil, err
		}
		resp, err := web.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, &protocols.Error{Op: "discover", URL: u, Kind: protocols.KindRefused, Code: resp.StatusCode, Text: resp.Status}
		}
		b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
		if err == nil && int64(len(b)) > limit {
			err = protocols.ProtocolError("http", "discover", fmt.Sprintf("the configuration is longer than %d bytes", limit))
		}
		return b, err
	}
}

var _ discover.Resolver = (*net.Resolver)(nil)
