package http

import (
	nethttp "net/http"
	"net/url"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// site is the client's own server: it makes URLs of names, and names of URLs.
type site struct{ url *url.URL }

// Path returns the name of what a URL points at: its decoded path, or where that
// is not all there is to it, the URL itself without user and fragment.
func Path(u *url.URL) (string, error) {
	if u.Scheme == "data" {
		return u.String(), nil
	}
	plain := url.URL{Path: u.Path}
	if u.Opaque == "" && u.RawQuery == "" && !u.ForceQuery && samePath(plain.EscapedPath(), u.EscapedPath()) {
		return strings.TrimPrefix(u.Path, "/"), nil
	}
	c := *u
	c.User, c.Fragment, c.RawFragment = nil, "", ""
	return c.String(), nil
}

// samePath reports whether the decoded path leads back to what was written, or to the
// same with other characters encoded. An encoded slash would not.
func samePath(plain, written string) bool {
	return plain == written || !strings.Contains(strings.ToLower(written), "%2f")
}

// isURL reports whether a name is a whole URL.
func isURL(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "data:")
}

// urlOf returns the URL of a name at this server.
func (s site) urlOf(name string) (*url.URL, error) {
	if isURL(name) {
		return protocols.ParseURL(name, "")
	}
	return &url.URL{Scheme: s.url.Scheme, Host: s.url.Host, Path: "/" + strings.TrimPrefix(name, "/")}, nil
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
