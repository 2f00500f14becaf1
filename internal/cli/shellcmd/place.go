package shellcmd

import (
	"context"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
)

// place is where names are seen from: a folder, menu, mailbox or group of a server.
type place struct {
	reg  *protocols.Registry
	home *protocols.Target // where the shell began
	at   *protocols.Target
	was  *protocols.Target   // before the last cd; nil: nowhere
	up   []*protocols.Target // the places above, where names do not join to paths
}

// joins reports whether a path of names leads to what is in a folder. Else what is in it is
// found by its listing: menus, mailboxes, groups.
func joins(t *protocols.Target) bool {
	c := kit.Sample(t.Spec)
	return kit.Is[protocols.Maker](c) && !kit.Is[protocols.MessageSource](c)
}

// isURL reports whether a name is a URL of a protocol that is known.
func (p *place) isURL(name string) bool {
	scheme, _, ok := strings.Cut(name, ":")
	spec := kit.SpecOf(p.reg, strings.ToLower(scheme))
	return ok && spec != nil && (strings.Contains(name, "://") || spec.Hidden)
}

// under returns a target at the server of the shell.
func (p *place) under(escaped string) (*protocols.Target, error) {
	u := *p.home.URL
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, err
	}
	u.Path, u.RawPath, u.RawQuery, u.ForceQuery, u.Fragment = plain, escaped, "", false, ""
	return p.reg.Target(&u, "")
}

// escape makes a path one of a URL. Signs of patterns stay as they are where they are
// meant so.
func escape(name string, glob bool) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		part = strings.ReplaceAll(url.PathEscape(part), "*", "%2A")
		if glob {
			part = strings.NewReplacer("%2A", "*", "%3F", "?", "%5B", "[", "%5D", "]").Replace(part)
		}
		parts[i] = part
	}
	return strings.Join(parts, "/")
}

// top is what a path of the server itself begins with, where paths of URLs begin at the
// folder of the login; else it is empty.
func (p *place) top() string {
	t, err := p.under("/%2F")
	if err == nil && strings.HasPrefix(t.Name, "/") {
		return "%2F"
	}
	return ""
}

// path returns the URL of a path: from the place, or from the top where it begins with a
// slash.
func (p *place) path(w word) (string, error) {
	folder := strings.HasSuffix(w.text, "/") || w.text == "." || w.text == ".." || strings.HasSuffix(w.text, "/..") || strings.HasSuffix(w.text, "/.")
	full, absolute := w.text, strings.HasPrefix(w.text, "/")
	if !absolute {
		now := p.name()
		absolute = strings.HasPrefix(now, "/")
		full = now + "/" + w.text
	}
	full = path.Clean("/" + full) // nothing is above the top
	begin := "/"
	if absolute {
		begin += p.top()
	}
	text := begin + escape(strings.TrimPrefix(full, "/"), w.glob)
	if folder && !strings.HasSuffix(text, "/") && full != "/" {
		text += "/"
	}
	u := *p.home.URL
	u.Path, u.RawPath, u.RawQuery = "", "", ""
	return u.String() + text, nil
}

// name is the path of the place.
func (p *place) name() string {
	if p.at.URL.Host == "" {
		return p.at.URL.Path
	}
	return strings.TrimSuffix(p.at.Name, "/")
}

// here is the URL of the place.
func (p *place) here() string { return textOf(p.at.URL) }

// textOf is a URL as an argument. Those of local mailboxes have no slashes for a host.
func textOf(u *url.URL) string {
	if u.Host == "" && u.Opaque == "" && u.Scheme != "file" {
		return u.Scheme + ":" + u.Path
	}
	return u.String()
}

// finder lists folders for the names in them.
type finder func(ctx context.Context, at *protocols.Target) ([]protocols.Entry, error)

// url returns the URL of a name.
func (p *place) url(ctx context.Context, w word, list finder) (string, error) {
	switch {
	case p.isURL(w.text):
		return w.text, nil
	case w.text == ".":
		return p.here(), nil
	case joins(p.at):
		return p.path(w)
	case w.text == ".." || w.text == "../":
		return textOf(p.above().URL), nil
	case w.text == "/":
		return p.root()
	}
	found, err := p.listed(ctx, w, list)
	if err != nil || found != "" {
		return found, err
	}
	if !kit.Is[protocols.MessageSource](kit.Sample(p.at.Spec)) || p.at.URL.Host == "" {
		return "", &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: "no entry " + w.text + " here", Hint: "ls lists what is here"}
	}
	t, err := p.under("/" + escape(strings.TrimPrefix(w.text, "/"), w.glob)) // a mailbox or group by its full name
	if err != nil {
		return "", err
	}
	return t.URL.String(), nil
}

func (p *place) root() (string, error) {
	t, err := p.under("/")
	if err != nil {
		return "", err
	}
	return t.URL.String(), nil
}

// above is the place that the current one was entered from, or the top.
func (p *place) above() *protocols.Target {
	if len(p.up) > 0 {
		return p.up[len(p.up)-1]
	}
	if t, err := p.under("/"); err == nil && p.at.URL.Host != "" {
		return t
	}
	return p.at
}

// listed returns the URL of the entry of the place that has a name; empty where there is
// none. What is at another protocol's server is not gone to.
func (p *place) listed(ctx context.Context, w word, list finder) (string, error) {
	if w.glob {
		return "", nil
	}
	name := strings.TrimSuffix(w.text, "/")
	entries, err := list(ctx, p.at)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(entries, func(e protocols.Entry) bool {
		return e.Name == name || e.Path == name || e.MessageInfo != nil && e.UID != "" && e.UID == name
	})
	if i < 0 {
		return "", nil
	}
	u, err := url.Parse(entries[i].URL)
	if err != nil {
		return "", err
	}
	if _, same := p.at.Spec.Scheme(u.Scheme); !same {
		return "", &protocols.Error{Kind: protocols.KindUsage, Text: name + " is at " + protocols.Redact(u), Hint: "netclients shell or get with that URL"}
	}
	if u.Host == p.home.URL.Host && u.Host != "" {
		u.Scheme, u.User = p.home.URL.Scheme, p.home.URL.User
	}
	return u.String(), nil
}

// prompt is what stands before a line.
func (p *place) prompt() string {
	u := *p.at.URL
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	return protocols.Redact(&u) + "> "
}
