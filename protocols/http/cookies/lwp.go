package cookies

import (
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/netclients/netclients/internal/httpauth"
	"github.com/netclients/netclients/internal/wire"
)

// LWPHead is the first line of a file of cookies in the format of libwww-perl.
const LWPHead = "#LWP-Cookies-2.0"

// lwpLine starts a cookie in such a file: pairs with semicolons between, values
// quoted where they are more than a word.
const lwpLine = "Set-Cookie3:"

// maxLWPFields bounds the fields of such a line.
const maxLWPFields = 64

const lwpTime = "2006-01-02 15:04:05Z"

func parseLWP(line string) (*Cookie, bool) {
	s := httpauth.Scanner{Rest: strings.TrimPrefix(line, lwpLine)}
	c, f := &Cookie{HostOnly: true}, map[string]string{}
	for s.Skip(" \t"); s.Rest != ""; s.Skip("; \t") {
		name := s.Token()
		value, ok := "", name != ""
		if ok && strings.HasPrefix(s.Rest, "=") {
			s.Rest = s.Rest[1:]
			value, ok = s.Value()
		}
		if !ok || len(f) > maxLWPFields || s.Rest != "" && s.Rest[0] != ';' {
			return nil, false
		}
		if c.Name == "" {
			c.Name, c.Value = name, value
			continue
		}
		f[strings.ToLower(name)] = value
	}
	has := func(name string) bool { _, ok := f[name]; return ok }
	c.Domain, c.Path, c.Secure, c.HTTPOnly = normalDomain(f["domain"]), f["path"], has("secure"), has("httponly")
	c.HostOnly = !has("domain_dot") && !strings.HasPrefix(f["domain"], ".")
	if has("expires") {
		var err error
		if c.Expires, err = time.Parse(lwpTime, f["expires"]); err != nil {
			return nil, false
		}
	}
	return c, c.Name != "" && f["domain"] != "" && strings.HasPrefix(c.Path, "/") && wire.Check(c.Name, c.Value, c.Domain, c.Path) == nil
}

// lwp returns the line of a cookie; empty for a name that the format cannot hold.
func (c *Cookie) lwp() string {
	if !httpguts.ValidHeaderFieldName(c.Name) {
		return ""
	}
	domain, words := c.Domain, []string{"path_spec"}
	if !c.HostOnly {
		domain, words = "."+domain, append(words, "domain_dot")
	}
	if c.Secure {
		words = append(words, "secure")
	}
	if c.Expires.IsZero() {
		words = append(words, "discard")
	} else {
		words = append(words, "expires="+httpauth.Quote(c.Expires.UTC().Format(lwpTime)))
	}
	if c.HTTPOnly {
		words = append(words, "HttpOnly=None")
	}
	head := []string{c.Name + "=" + httpauth.Quote(c.Value), "path=" + httpauth.Quote(c.Path), "domain=" + httpauth.Quote(domain)}
	return lwpLine + " " + strings.Join(append(append(head, words...), "version=0"), "; ")
}
