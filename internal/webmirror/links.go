package webmirror

import (
	"bytes"
	"io"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"github.com/netclients/netclients/internal/pattern"
)

// Link is one that a page has.
type Link struct {
	URL  string `json:"url"`
	Need bool   `json:"need,omitempty"` // the page needs it to be shown: a picture, a style sheet
}

const (
	maxTag   = 1 << 20 // bytes of one tag or text of a page
	maxLinks = 100_000 // of one page
)

// linked are the attributes that hold URLs, by element: whether the page needs what is
// there. The attributes of link depend on its rel.
var linked = map[string]map[string]bool{
	"a": {"href": false}, "area": {"href": false}, "frame": {"src": true}, "iframe": {"src": true},
	"img": {"src": true, "srcset": true, "longdesc": false}, "source": {"src": true, "srcset": true}, "script": {"src": true},
	"audio": {"src": true}, "video": {"src": true, "poster": true}, "track": {"src": true}, "embed": {"src": true}, "object": {"data": true},
	"input": {"src": true}, "body": {"background": true}, "table": {"background": true}, "td": {"background": true}, "image": {"href": true, "xlink:href": true}, "use": {"href": true, "xlink:href": true},
}

// needed are the values of rel whose target the page needs.
var needed = map[string]bool{"stylesheet": true, "icon": true, "apple-touch-icon": true, "manifest": true, "preload": true, "modulepreload": true}

// rewrite copies a page to w, with each of its URLs passed through to; nil leaves them.
// to gets the URL made absolute, and what the page has.
func rewrite(w io.Writer, r io.Reader, page *url.URL, to func(l Link, fragment, text string) string) error {
	p := &pageRewriter{w: w, base: page, to: to}
	z := html.NewTokenizer(r)
	z.SetMaxBuf(maxTag)
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		if err := p.token(z, kind); err != nil {
			return err
		}
	}
	if err := z.Err(); err != io.EOF {
		return err
	}
	return nil
}

type pageRewriter struct {
	w        io.Writer
	base     *url.URL
	to       func(l Link, fragment, text string) string
	style    bool // inside of a style element
	nofollow bool // the page asks robots not to follow its links
}

func (p *pageRewriter) token(z *html.Tokenizer, kind html.TokenType) error {
	raw := bytes.Clone(z.Raw())
	switch kind {
	case html.StartTagToken, html.SelfClosingTagToken:
		t := z.Token()
		p.style = t.Data == "style" && kind == html.StartTagToken
		if p.attributes(&t) {
			raw = []byte(t.String())
		}
	case html.EndTagToken:
		p.style = false
	case html.TextToken:
		if p.style {
			raw = []byte(p.css(string(raw)))
		}
	}
	_, err := p.w.Write(raw)
	return err
}

// attributes passes the URLs of a tag through, and reports whether one changed.
func (p *pageRewriter) attributes(t *html.Token) (changed bool) {
	wants := linked[t.Data]
	switch t.Data {
	case "base":
		if u, err := p.base.Parse(attr(t, "href")); err == nil && attr(t, "href") != "" {
			p.base = u
			set(t, "href", "") // links lead to files now
			return true
		}
	case "link":
		wants = map[string]bool{"href": false}
		for rel := range strings.FieldsSeq(strings.ToLower(attr(t, "rel"))) {
			wants["href"] = wants["href"] || needed[rel]
		}
	case "meta":
		if strings.EqualFold(attr(t, "name"), "robots") && strings.Contains(strings.ToLower(attr(t, "content")), "nofollow") {
			p.nofollow = true
		}
	}
	for i := range t.Attr {
		a := &t.Attr[i]
		old := a.Val
		need, ok := wants[a.Key]
		switch {
		case a.Key == "style":
			a.Val = p.css(a.Val)
		case ok && a.Key == "srcset":
			a.Val = p.srcset(a.Val)
		case ok && (need || !p.nofollow && !strings.Contains(strings.ToLower(attr(t, "rel")), "nofollow")):
			a.Val = p.one(a.Val, need)
		}
		changed = changed || old != a.Val
	}
	return changed
}

func attr(t *html.Token, key string) string {
	for _, a := range t.Attr {
		if a.Key == key {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

func set(t *html.Token, key, value string) {
	for i := range t.Attr {
		if t.Attr[i].Key == key {
			t.Attr[i].Val = value
		}
	}
}

// one passes a URL through. What is not one of the web stays as it is.
func (p *pageRewriter) one(text string, need bool) string {
	u, err := p.base.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.HasPrefix(strings.TrimSpace(text), "#") {
		return text
	}
	fragment := u.Fragment
	u.Fragment, u.RawFragment, u.User = "", "", nil
	return p.to(Link{normal(u), need}, fragment, text)
}

// srcset passes the URLs of a list of pictures through.
func (p *pageRewriter) srcset(text string) string {
	parts := strings.Split(text, ",")
	for i, part := range parts {
		words := strings.Fields(part)
		if len(words) > 0 && !strings.HasPrefix(words[0], "data:") {
			words[0] = p.one(words[0], true)
			parts[i] = strings.Join(words, " ")
		}
	}
	return strings.Join(parts, ", ")
}

// cssURL finds url(...) and @import "...".
var cssURL = pattern.Lazy{Text: `(?i)(url\(\s*)("[^"]*"|'[^']*'|[^)"'\s]*)(\s*\))|(@import\s+)("[^"]*"|'[^']*')`}

// css passes the URLs of a style sheet through.
func (p *pageRewriter) css(text string) string {
	return cssURL.Re().ReplaceAllStringFunc(text, func(found string) string {
		m := cssURL.Re().FindStringSubmatch(found)
		before, quoted, after := m[1]+m[4], m[2]+m[5], m[3]
		bare := strings.Trim(quoted, `"'`)
		if bare == "" || strings.HasPrefix(bare, "data:") {
			return found
		}
		to := p.one(bare, true)
		if to == bare {
			return found
		}
		return before + `"` + strings.ReplaceAll(to, `"`, "%22") + `"` + after
	})
}

// rewriteCSS is rewrite for a style sheet, which is read as a whole.
func rewriteCSS(w io.Writer, r io.Reader, page *url.URL, to func(l Link, fragment, text string) string) error {
	b, err := io.ReadAll(io.LimitReader(r, maxSheet))
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, (&pageRewriter{base: page, to: to}).css(string(b)))
	if err == nil && len(b) == maxSheet {
		_, err = io.Copy(w, r) // the rest of a sheet that is too long to be looked at
	}
	return err
}

// maxSheet bounds the part of a style sheet whose links are followed.
const maxSheet = 8 << 20

// links returns the links of a page or style sheet.
func links(r io.Reader, page *url.URL, kind string) (found []Link, err error) {
	seen := map[Link]bool{}
	collect := func(l Link, _, text string) string {
		if !seen[l] && len(found) < maxLinks {
			seen[l] = true
			found = append(found, l)
		}
		return text
	}
	if kind == kindCSS {
		err = rewriteCSS(io.Discard, r, page, collect)
		return found, err
	}
	err = rewrite(io.Discard, r, page, collect)
	return found, err
}

// normal is the one text of a URL.
func normal(u *url.URL) string {
	n := *u
	n.Host, n.Scheme = strings.ToLower(u.Host), strings.ToLower(u.Scheme)
	if n.Path == "" {
		n.Path = "/"
	}
	return n.String()
}

// The kinds of content whose links are followed.
const (
	kindHTML = "text/html"
	kindXHTM = "application/xhtml+xml"
	kindCSS  = "text/css"
)
