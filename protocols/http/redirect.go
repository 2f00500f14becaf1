package http

import (
	"cmp"
	"errors"
	nethttp "net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// leadsOn reports whether an answer is a redirect that can be followed (RFC 9110 15.4).
func leadsOn(r *Response) bool {
	switch r.Status {
	case 301, 302, 303, 307, 308:
		return r.Header.Get("Location") != ""
	}
	return false
}

// follow returns the request that a redirect asks for. What the user put into
// headers that may be secrets stays behind when it leads to another origin.
func (x *exchanger) follow(r *Request, resp *Response) (*Request, error) {
	to, err := location(r.URL, resp.Header.Get("Location"))
	if away, ok := errors.AsType[*RedirectError](err); ok {
		to = away.Moved()
	}
	if to != nil {
		to = x.settings.HSTS.Upgrade(to, time.Now())
	}
	if to != nil && r.URL.Scheme == "https" && (to.Scheme == "http" || to.Scheme == "ftp") && !x.settings.AllowDowngrade {
		return nil, &protocols.Error{
			Kind: protocols.KindRefused, Code: resp.Status, Text: "redirect from https to " + to.Scheme + ", to " + protocols.Redact(to),
			Hint: "--allow-downgrade follows it, or give that URL",
		}
	}
	if err != nil {
		return nil, err
	}
	if within := cmp.Or(r.within, x.within); within != nil && !r.bare && !below(to, within) {
		return nil, &protocols.Error{
			Kind: protocols.KindRefused, Code: resp.Status, Sentinel: errOutside, Text: "redirect to " + protocols.Redact(to),
			Hint: "give that URL",
		}
	}
	next := *r
	next.URL = to
	next.Header = r.Header.Clone()
	if becomesGet(r.method(), resp.Status) {
		next.Method, next.Body, next.Length, next.Expect = nethttp.MethodGet, nil, 0, false
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Range"} {
			next.Header.Del(name)
		}
	}
	if !sameOrigin(r.URL, to) {
		for name := range next.Header {
			if !harmless[name] {
				next.Header.Del(name)
			}
		}
	}
	return &next, nil
}

// RedirectError is the cause of the error, of kind Refused, of a redirect to a URL of
// another protocol. No client of this package follows it.
type RedirectError struct{ to *url.URL }

// Error names the URL.
func (e *RedirectError) Error() string {
	return "redirect to " + strconv.Quote(protocols.Redact(e.to)) + ": only http and https are followed"
}

// Moved returns where the redirect leads, without user, password and fragment.
func (e *RedirectError) Moved() *url.URL { return e.to }

// errOutside is the class of a redirect out of the tree that is read.
var errOutside = errors.New("it leads out of the folder")

// Confine keeps the client in the tree below the folder root: a redirect that
// leads to another server, or out of that folder, is an error of kind Refused and
// is not followed. A robots.txt may be anywhere (RFC 9309 2.3.1.2).
func (c *Client) Confine(root string) error {
	u, err := c.urlOf(root)
	if err != nil {
		return c.wrap(err, "ls", root)
	}
	c.engine.within = u
	return nil
}

// below reports whether a URL lies in a folder, or is the folder's own.
func below(u, folder *url.URL) bool {
	at, top := path.Clean("/"+u.Path), path.Clean("/"+folder.Path)
	return sameOrigin(u, folder) && (at == top || top == "/" || strings.HasPrefix(at, top+"/"))
}

// becomesGet: 303 asks for GET; 301 and 302 after a POST are taken so by all
// browsers (RFC 9110 15.4.2, 15.4.3).
func becomesGet(method string, status int) bool {
	if method == nethttp.MethodHead || method == nethttp.MethodGet {
		return false
	}
	return status == 303 || (status == 301 || status == 302) && method == nethttp.MethodPost
}

// location reads the target of a redirect, which may be relative.
func location(base *url.URL, text string) (*url.URL, error) {
	bad := func(why string) error {
		return protocolError("redirect to " + strconv.Quote(protocols.RedactText(text)) + ": " + why)
	}
	if strings.ContainsAny(text, "\r\n\x00") {
		return nil, bad("a line break in it")
	}
	path, query, has := strings.Cut(strings.ReplaceAll(strings.TrimSpace(text), " ", "%20"), "?")
	if rest, same := strings.CutPrefix(path, base.Scheme+":"); same && !strings.HasPrefix(rest, "//") {
		path = rest // an old relative form (RFC 3986 5.2.2)
	}
	path = literalPercent(path)
	if has {
		path += "?" + query
	}
	ref, err := url.Parse(path)
	if err != nil {
		return nil, bad("not a URL")
	}
	to := base.ResolveReference(ref)
	to.User, to.Fragment, to.RawFragment = nil, "", ""
	if to.Scheme != "http" && to.Scheme != "https" {
		return nil, &protocols.Error{Kind: protocols.KindRefused, Err: &RedirectError{to}}
	}
	if to.Host == "" {
		return nil, bad("no host")
	}
	clean, err := protocols.ParseURL(to.String(), "")
	if err != nil {
		return nil, bad("not a URL that can be asked for")
	}
	return clean, nil
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
