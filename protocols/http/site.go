package http

import (
	nethttp "net/http"
	"net/url"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// site is the client's own server: it makes URLs of names, and names of URLs.
type site struct {
	url *url.URL
	set *Settings // of the client
}

// cleaned returns a URL without dot segments, unless the user wants them, and by HTTPS
// where the host wants that.
func (s site) cleaned(u *url.URL) *url.URL {
	if s.set == nil {
		return withoutDots(u)
	}
	u = s.set.HSTS.Upgrade(u, time.Now())
	if s.set.PathAsIs {
		return u
	}
	return withoutDots(u)
}

// pathOf returns the name of what a URL points at: its decoded path, or where that does
// not lead back to the same URL, the URL itself without user and fragment. A URL goes
// out as it was written: an encoded character and the bare one are not the same (RFC
// 3986 2.2).
func pathOf(u *url.URL) (string, error) {
	if u.Scheme == "data" {
		return u.String(), nil
	}
	if u.Opaque == "" && u.RawQuery == "" && !u.ForceQuery && escapePath(u.Path) == u.EscapedPath() && !strings.HasPrefix(u.Path, "//") {
		return strings.TrimPrefix(u.Path, "/"), nil
	}
	c := *u
	c.User, c.Fragment, c.RawFragment = nil, "", ""
	return c.String(), nil
}

// escapePath encodes a decoded path for a request. All that could mean something to a
// server beside the name is encoded, such as the semicolon that starts a parameter of
// servlet containers (RFC 3986 3.3).
func escapePath(p string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(p) {
		switch c := p[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/:@", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// withPath returns a URL with a decoded path in place of its own.
func withPath(u *url.URL, p string) *url.URL {
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: p, RawPath: escapePath(p)}
}

// childURL returns the URL of a name right in the folder u, which goes out as it stands.
func childURL(u *url.URL, name string) *url.URL {
	child := withPath(u, strings.TrimSuffix(u.Path, "/")+"/"+name)
	child.RawPath = strings.TrimSuffix(u.EscapedPath(), "/") + "/" + escapePath(name)
	return child
}

// withoutDots returns a URL whose path has no dot segments (RFC 3986 6.2.2.3).
func withoutDots(u *url.URL) *url.URL {
	if !strings.Contains(u.Path, "/.") {
		return u
	}
	return u.ResolveReference(u)
}

// isURL reports whether a name is a whole URL.
func isURL(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "data:")
}

// urlOf returns the URL of a name at this server. A name that begins with the client's
// own URL, where that is a name, may go on with a decoded path below it: so the names in
// a tree are made.
func (s site) urlOf(name string) (*url.URL, error) {
	if !isURL(name) {
		return s.cleaned(withPath(s.url, "/"+strings.TrimPrefix(name, "/"))), nil
	}
	if own, err := pathOf(s.url); err == nil && isURL(own) && s.url.RawQuery == "" && s.url.Scheme != "data" {
		if rest, below := strings.CutPrefix(name, strings.TrimSuffix(own, "/")+"/"); below && rest != "" {
			return s.cleaned(childURL(s.url, rest)), nil
		}
	}
	u, err := protocols.ParseURL(name, "")
	if err != nil || u.Scheme == "data" {
		return u, err
	}
	return s.cleaned(u), nil
}

// writable returns the URL of a name that something can be stored under.
func (s site) writable(name string) (*url.URL, error) {
	u, err := s.urlOf(name)
	if err == nil && (u.Scheme == "data" || u.Path == "") {
		err = usage("nothing can be stored there")
	}
	return u, err
}

// display returns the URL of a name for messages and entries, with the user where
// it is at this server.
func (s site) display(name string) string {
	u, err := s.urlOf(name)
	if err != nil {
		return protocols.Redact(s.url)
	}
	return s.shown(u)
}

// shown is display for a URL.
func (s site) shown(u *url.URL) string {
	v := *u
	v.User = nil
	if s.owns(u) {
		v.User = s.url.User
	}
	return protocols.Redact(&v)
}

// owns reports whether a URL is at this server.
func (s site) owns(u *url.URL) bool { return sameOrigin(u, s.url) }

// SaveName returns the file name for what a name points at: the last component of
// its path, and index.html for a folder.
func (s site) SaveName(name string) string {
	if strings.HasPrefix(name, "data:") {
		return "data"
	}
	path := name
	if u, err := s.urlOf(name); err == nil && u.Path != "" {
		path = u.Path
	} else if isURL(name) {
		path = "/"
	}
	if base := path[strings.LastIndexByte(path, '/')+1:]; base != "" {
		return base
	}
	return "index.html"
}

// entryOf returns what an answer says about an object. decoded: content codings are undone.
func (s site) entryOf(name string, resp *Response, decoded bool) protocols.Entry {
	e := protocols.Entry{
		Protocol: proto, URL: s.display(name), Name: s.SaveName(name), Path: name, Type: protocols.TypeFile, Size: resp.Length,
	}
	if len(resp.Header.Values("Content-Encoding")) > 0 && decoded {
		e.Size = -1
	}
	if t, err := nethttp.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		e.Modified = t.UTC()
	}
	if tag := resp.Header.Get("ETag"); strings.HasPrefix(tag, `"`) && len(tag) < 1024 { // a weak one proves nothing about bytes
		e.ID = tag
	}
	facts := map[string]string{}
	if t := resp.Header.Get("Content-Type"); t != "" {
		facts["content-type"] = t
	}
	if f := dispositionName(resp.Header.Get("Content-Disposition")); f != "" {
		facts["filename"] = f
	}
	if len(facts) > 0 {
		e.Facts = facts
	}
	return e
}
