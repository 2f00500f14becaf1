package http

import (
	nethttp "net/http"
	"net/url"
	"strconv"
	"strings"

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

// follow gives the request that a redirect asks for. What the user put into
// headers that may be secrets stays behind when it leads to another origin.
func (c *Client) follow(r *Request, resp *Response) (*Request, error) {
	to, err := location(r.URL, resp.Header.Get("Location"))
	if err != nil {
		return nil, err
	}
	if r.URL.Scheme == "https" && to.Scheme == "http" && !c.Settings.AllowDowngrade {
		return nil, &protocols.Error{
			Kind: protocols.Refused, Code: resp.Status, Text: "redirect from https to http, to " + protocols.Redact(to),
			Hint: "--allow-downgrade follows it, or give that URL",
		}
	}
	next := *r
	next.URL = to
	next.Header = clone(r.Header)
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
		return protocolError("redirect to " + strconv.Quote(text) + ": " + why)
	}
	if strings.ContainsAny(text, "\r\n\x00") {
		return nil, bad("a line break in it")
	}
	ref, err := url.Parse(strings.ReplaceAll(strings.TrimSpace(text), " ", "%20"))
	if err != nil {
		return nil, bad("not a URL")
	}
	to := base.ResolveReference(ref)
	if to.Scheme != "http" && to.Scheme != "https" {
		return nil, &protocols.Error{Kind: protocols.Refused, Text: "redirect to " + strconv.Quote(text) + ": only http and https are followed"}
	}
	if to.Host == "" {
		return nil, bad("no host")
	}
	to.User, to.Fragment, to.RawFragment = nil, "", ""
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
