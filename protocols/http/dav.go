package http

import (
	"cmp"
	"fmt"
	nethttp "net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/multistatus"
)

// davListing makes entries of the responses to a PROPFIND of a folder.
type davListing struct {
	site
	folder    *url.URL
	segments  []string // of the folder's path, decoded
	children  int
	elsewhere []string // hrefs that lie outside of the folder
	short     error    // why the listing is not whole; nil: it is
	yield     func(protocols.Entry) bool
}

// maxElsewhere bounds the hrefs outside of the folder that are kept.
const maxElsewhere = 1000

func newDAVListing(s site, folder *url.URL, yield func(protocols.Entry) bool) *davListing {
	segments, _ := hrefSegments(folder.EscapedPath(), nil)
	return &davListing{site: s, folder: folder, segments: segments, yield: yield}
}

// response takes one response of the multistatus (RFC 4918 14.24).
func (l *davListing) response(r multistatus.Response) error {
	segments, ok := hrefSegments(r.Href, l.segments)
	if !ok || r.Nameless {
		return l.give(protocols.Entry{Protocol: proto, Type: protocols.TypeOther, Size: -1, Raw: cmp.Or(r.Href, "a response without href")})
	}
	n := len(l.segments)
	common := len(segments) >= n && slices.Equal(segments[:n], l.segments)
	switch code := r.Refused(); {
	case code == nethttp.StatusInsufficientStorage: // of the folder, or of one below
		l.short = &protocols.Error{Kind: protocols.KindTemporary, Code: code, Sentinel: protocols.ErrIncomplete, Text: "the server has cut the listing"}
		return nil
	case common && len(segments) == n:
		if code > 0 {
			return davRefusal(code, r.Href)
		}
	case common && len(segments) == n+1:
		l.children++
		if code != nethttp.StatusNotFound && code != nethttp.StatusGone {
			return l.give(l.entry(segments[n], &r, code))
		}
	case !common && !isAncestor(segments, l.segments) && len(l.elsewhere) < maxElsewhere:
		l.elsewhere = append(l.elsewhere, r.Href)
	}
	return nil
}

// end reports whether the listing was one of this folder, and whole. An href that lies
// elsewhere is an entry that is not understood.
func (l *davListing) end() error {
	if l.children == 0 && len(l.elsewhere) > 0 {
		return &protocols.Error{
			Kind: protocols.KindProtocol, Sentinel: protocols.ErrIncomplete,
			Text: fmt.Sprintf("none of the %s in the answer is in this folder; the first is %q", plural(len(l.elsewhere), "name"), l.elsewhere[0]),
		}
	}
	for _, href := range l.elsewhere {
		if err := l.give(protocols.Entry{Protocol: proto, Type: protocols.TypeOther, Size: -1, Raw: href}); err != nil {
			return err
		}
	}
	return l.short
}

func (l *davListing) give(e protocols.Entry) error {
	if !l.yield(e) {
		return errStop
	}
	return nil
}

// entry makes the entry of a name in the folder. code is the status with which the
// server refuses to describe it, or 0.
func (l *davListing) entry(name string, r *multistatus.Response, code int) protocols.Entry {
	at := childURL(l.folder, name)
	e := protocols.Entry{Protocol: proto, Name: name, URL: l.shown(at), Type: protocols.TypeFile, Size: -1}
	if e.Path, _ = pathOf(at); !l.owns(at) {
		e.Path = at.String()
	}
	switch n, ok := number(r.Size); {
	case code > 0:
		e.Type, e.Facts = protocols.TypeOther, map[string]string{"status": fmt.Sprintf("%d %s", code, nethttp.StatusText(code))}
		return e
	case r.Folder:
		e.Type = protocols.TypeDir
		e.URL += "/"
	case ok:
		e.Size = n
	}
	if t, err := nethttp.ParseTime(r.Modified); err == nil {
		e.Modified = t.UTC()
	} else if t, err := time.Parse(time.RFC3339, r.Modified); err == nil {
		e.Modified = t.UTC()
	}
	if strings.HasPrefix(r.ETag, `"`) {
		e.ID = r.ETag
	}
	if r.Kind != "" {
		e.Facts = map[string]string{"content-type": r.Kind}
	}
	return e
}

// davRefusal makes an error of a status in a multistatus.
func davRefusal(code int, href string) *protocols.Error {
	class := classOf(code)
	return &protocols.Error{Kind: class.kind, Code: code, Sentinel: class.class, Retryable: class.retry, Text: fmt.Sprintf("%s of %s", nethttp.StatusText(code), href)}
}

// isAncestor reports whether a path leads to the folder.
func isAncestor(segments, folder []string) bool {
	return len(segments) < len(folder) && slices.Equal(segments, folder[:len(segments)])
}

// hrefSegments returns the decoded components of an href. Scheme, host and port are left
// out: servers behind a proxy name their own. Servers that do not encode names send a %
// that encodes nothing, # and ?, which are taken literally. ok is false for a name that
// cannot be one component.
func hrefSegments(href string, folder []string) (segments []string, ok bool) {
	path := href
	if scheme, rest, found := strings.Cut(href, "://"); found && !strings.ContainsAny(scheme, "/?#") {
		_, path, _ = strings.Cut(rest, "/")
	} else if !strings.HasPrefix(href, "/") {
		segments = slices.Clone(folder)
	}
	for part := range strings.SplitSeq(path, "/") {
		switch part = unescapeLoosely(part); {
		case part == "" || part == ".":
		case part == ".." || strings.ContainsAny(part, "/\x00\r\n"):
			return nil, false
		default:
			segments = append(segments, part)
		}
	}
	return segments, true
}

// unescapeLoosely decodes percent-encoded bytes. A % that encodes none is taken literally.
func unescapeLoosely(s string) string {
	if decoded, err := url.PathUnescape(literalPercent(s)); err == nil {
		return decoded
	}
	return s
}

// literalPercent encodes each % that does not begin an encoded byte.
func literalPercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(s[i])
		if s[i] == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])) {
			b.WriteString("25")
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}
