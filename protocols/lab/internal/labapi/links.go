package labapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/netclients/netclients/internal/pattern"
)

// Limits of the check of links.
const (
	maxLinks  = 100
	linkTime  = 10 * time.Second
	linkHops  = 3
	statusFar = http.StatusUnavailableForLegalReasons // what Mailpit answers for addresses that it does not contact
)

// checks are Mailpit's checks of messages, and its chaos.
type checks struct{ *API }

// Link is a link of a message, as Mailpit has it.
type Link struct {
	URL        string
	StatusCode int    // of the answer; 0: there was none
	Status     string // in words
}

// textLink finds links in a text.
var textLink = pattern.Lazy{Text: `(?i)\bhttps?://[^\s<>"]+`}

// linkCheck is GET /api/v1/message/{id}/link-check. Only links to this machine are
// followed: a mail under test is not to be reported to others, and its links may do things.
func (a checks) linkCheck(w http.ResponseWriter, r *http.Request) error {
	l, err := a.letter(r)
	if err != nil {
		return err
	}
	o, err := a.open(l.ID)
	if err != nil {
		return err
	}
	follow := slices.Contains([]string{"true", "1"}, r.URL.Query().Get("follow"))
	answer := struct {
		Errors int
		Links  []Link
	}{Links: []Link{}}
	for _, link := range o.links() {
		x := a.checkLink(r.Context(), link, follow)
		if x.StatusCode == 0 || x.StatusCode >= 400 {
			answer.Errors++
		}
		answer.Links = append(answer.Links, x)
	}
	return writeJSON(w, answer)
}

// links returns the links of a message: of its HTML, then of its text, each once.
func (o *opened) links() []string {
	var list []string
	add := func(link string) {
		at, err := url.Parse(strings.TrimSpace(link))
		if err == nil && (at.Scheme == "http" || at.Scheme == "https") && len(list) < maxLinks && !slices.Contains(list, at.String()) {
			list = append(list, at.String())
		}
	}
	for z := html.NewTokenizer(strings.NewReader(o.html)); z.Next() != html.ErrorToken; {
		t := z.Token()
		at := map[string]string{}
		for _, x := range t.Attr {
			at[x.Key] = x.Val
		}
		switch {
		case t.Data == "a", t.Data == "link" && strings.EqualFold(at["rel"], "stylesheet"):
			add(at["href"])
		case t.Data == "img":
			add(at["src"])
		}
	}
	for _, link := range textLink.Re().FindAllString(o.text, 3*maxLinks) {
		add(strings.TrimRight(link, ".,;:!?)]}'"))
	}
	return list
}

// checkLink asks for a link, and where it leads to.
func (a checks) checkLink(ctx context.Context, link string, follow bool) Link {
	x := Link{URL: link}
	ctx, cancel := context.WithTimeout(ctx, linkTime)
	defer cancel()
	for range linkHops + 1 {
		at, err := url.Parse(link)
		switch {
		case err != nil || at.Scheme != "http" && at.Scheme != "https":
			x.StatusCode, x.Status = 0, "not a link of http or https"
			return x
		case !isLoopback(at.Hostname()):
			x.StatusCode, x.Status = statusFar, "Not contacted: only links to localhost are checked"
			return x
		}
		answer, err := a.head(ctx, at)
		if err != nil {
			x.StatusCode, x.Status = 0, reason(err)
			return x
		}
		x.StatusCode, x.Status = answer.StatusCode, http.StatusText(answer.StatusCode)
		next, err := answer.Location()
		if err != nil || !follow || answer.StatusCode/100 != 3 {
			return x
		}
		link = next.String()
	}
	x.StatusCode, x.Status = 0, "too many redirects"
	return x
}

// isLoopback reports whether a name or address is this machine.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.Unmap().IsLoopback()
}

// head makes a HEAD request to this machine. Names are not looked up: their addresses are
// known, and a resolver may have others.
func (a checks) head(ctx context.Context, at *url.URL) (*http.Response, error) {
	to := *at
	to.User = nil
	hosts := []string{at.Hostname()}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if _, err := netip.ParseAddr(at.Hostname()); err != nil {
		hosts, conf.ServerName = []string{"127.0.0.1", "::1"}, at.Hostname()
	}
	if len(a.CA) > 0 {
		conf.RootCAs = x509.NewCertPool()
		conf.RootCAs.AppendCertsFromPEM(a.CA)
	}
	tr := &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}
	var answer *http.Response
	var err error
	for _, host := range hosts {
		to.Host = net.JoinHostPort(host, portOf(at))
		var r *http.Request
		if r, err = http.NewRequestWithContext(ctx, http.MethodHead, to.String(), nil); err != nil {
			return nil, err
		}
		r.Host = at.Host
		r.Header.Set("User-Agent", "netclients-lab")
		if answer, err = tr.RoundTrip(r); err == nil {
			answer.Body.Close()
			return answer, nil
		}
	}
	return nil, err
}

func portOf(at *url.URL) string {
	if port := at.Port(); port != "" {
		return port
	}
	return map[bool]string{true: "443", false: "80"}[at.Scheme == "https"]
}

// reason returns the end of an error: the cause.
func reason(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

// spamCheck is GET /api/v1/message/{id}/sa-check: there is no SpamAssassin.
func (a checks) spamCheck(_ http.ResponseWriter, r *http.Request) error {
	if _, err := a.letter(r); err != nil {
		return err
	}
	return status{http.StatusBadRequest, "SpamAssassin is not set up"}
}
