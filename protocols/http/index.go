package http

import (
	"hash/maphash"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/netclients/netclients/protocols"
)

const (
	mostTag  = 64 << 10 // bytes of one tag or text of a page
	mostText = 512      // of the text after a link
)

// parseIndex returns the links of a page that lead right below it, each once, in
// the page's order. Path is the URL's path, decoded. It stops at the error of each.
// announced is true where the end of r is known not to be that of a broken connection.
func parseIndex(r io.Reader, announced bool, page *url.URL, each func(protocols.Entry) error) error {
	p := &indexPage{base: page, folder: page.Path[:strings.LastIndexByte(page.Path, '/')+1], page: page, seen: map[uint64]struct{}{}, seed: maphash.MakeSeed(), each: each}
	z := html.NewTokenizer(r)
	z.SetMaxBuf(mostTag)
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
		if err == html.ErrBufferExceeded {
			return protocolError("the index page has a tag that is longer than the limit")
		}
		return err
	}
	if err := p.flush(); err != nil {
		return err
	}
	return p.end(announced, strings.HasPrefix(string(z.Raw()), "<"))
}

// end reports whether the page is whole. Where nothing announces its end, the connection
// may have broken anywhere: a page that opens its root element must close it then.
func (p *indexPage) end(announced, inTag bool) error {
	switch {
	case inTag, !announced && p.open:
		return incomplete("the index page is cut off")
	case p.next != "":
		return incomplete("the index page has only a part of the folder, which continues at " + strconv.Quote(p.next))
	}
	return nil
}

// incomplete is the error of a listing that lacks entries.
func incomplete(text string) error {
	return &protocols.Error{Kind: protocols.KindProtocol, Sentinel: protocols.ErrIncomplete, Text: text}
}

// indexPage is a page that is being read.
type indexPage struct {
	page, base *url.URL
	folder     string // path that entries must lie in
	seen       map[uint64]struct{}
	seed       maphash.Seed
	each       func(protocols.Entry) error

	entry   *protocols.Entry // the newest link, until the text after it is known
	literal string           // its href, where that is a name if the link's text is the same
	label   strings.Builder  // text in its <a>
	inside  bool             // of its <a>
	text    strings.Builder  // after it

	open bool   // the root element is
	next string // the page that continues this one
}

func (p *indexPage) token(z *html.Tokenizer, kind html.TokenType) error {
	switch kind {
	case html.TextToken:
		p.words(z.Text())
	case html.EndTagToken:
		switch name, _ := z.TagName(); string(name) {
		case "a":
			p.inside = false
		case "html":
			p.open = false
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		name, has := z.TagName()
		return p.tag(z, string(name), has)
	}
	return nil
}

// words takes text in and after a link, as far as it counts.
func (p *indexPage) words(t []byte) {
	switch t = t[:min(len(t), mostText)]; {
	case p.inside && p.literal != "" && p.label.Len() < mostText:
		p.label.Write(t)
	case !p.inside && p.text.Len() < mostText:
		p.text.WriteByte(' ')
		p.text.Write(t)
	}
}

func (p *indexPage) tag(z *html.Tokenizer, name string, has bool) error {
	if name == "html" {
		p.open = true
	}
	if !has || name != "a" && name != "base" && name != "link" {
		return nil
	}
	href, rel := attributes(z)
	if name != "base" && slices.ContainsFunc(strings.Fields(rel), func(s string) bool { return strings.EqualFold(s, "next") }) {
		p.next = href
	}
	switch name {
	case "a":
		return p.link(strings.TrimSpace(href))
	case "base":
		if u, err := p.page.Parse(href); err == nil {
			p.base = u
		}
	}
	return nil
}

// attributes returns those of a link.
func attributes(z *html.Tokenizer) (href, rel string) {
	for more := true; more; {
		var key, value []byte
		switch key, value, more = z.TagAttr(); {
		case string(key) == "href" && href == "":
			href = string(value)
		case string(key) == "rel":
			rel = string(value)
		}
	}
	return href, rel
}

// link takes a link. Pages of scripts have names for hrefs, in which #, ? and : mean
// nothing: where the link's text is the href, letter by letter, it is a name.
func (p *indexPage) link(href string) error {
	if err := p.flush(); err != nil {
		return err
	}
	p.entry, p.literal = p.linked(href), ""
	if strings.ContainsAny(href, "#?:") {
		p.literal = href
	}
	p.inside = true
	p.label.Reset()
	p.text.Reset()
	return nil
}

// linked returns the entry that a link leads to. What leaves the folder or has a query
// is none of ours: nil. What lies in it and has no name that a folder could hold is an
// entry that is not understood.
func (p *indexPage) linked(href string) *protocols.Entry {
	u, err := p.base.Parse(literalPercent(href))
	if err != nil && !strings.Contains(href, "//") {
		return &protocols.Entry{Protocol: proto, Type: protocols.TypeOther, Size: -1, Raw: href}
	}
	if err != nil || href == "" || !sameOrigin(u, p.page) || u.RawQuery != "" || u.ForceQuery {
		return nil
	}
	rest, below := strings.CutPrefix(u.Path, p.folder)
	name := strings.TrimSuffix(rest, "/")
	if !below || name == "" || name == "." || name == ".." {
		return nil
	}
	if !strings.ContainsAny(name, "/\x00\r\n") {
		return p.named(rest)
	}
	escaped := strings.TrimSuffix(u.EscapedPath(), "/")
	if last := escaped[strings.LastIndexByte(escaped, '/')+1:]; unescapeLoosely(last) != name {
		return nil // in a folder below
	}
	return &protocols.Entry{Protocol: proto, Type: protocols.TypeOther, Size: -1, Raw: href}
}

// named returns the entry of a name in the folder; that of a folder ends in a slash.
func (p *indexPage) named(name string) *protocols.Entry {
	e := &protocols.Entry{Path: p.folder + name, Type: protocols.TypeFile, Size: -1}
	var dir bool
	if e.Name, dir = strings.CutSuffix(name, "/"); dir {
		e.Type = protocols.TypeDir
	}
	return e
}

// flush returns the newest link with what the text after it says, unless it was there
// before.
func (p *indexPage) flush() error {
	e := p.entry
	if p.literal != "" && strings.TrimSpace(p.label.String()) == p.literal && !strings.Contains(strings.TrimSuffix(p.literal, "/"), "/") && strings.HasPrefix(p.base.Path, p.folder) {
		e = p.named(p.literal)
	}
	p.entry, p.literal, p.inside = nil, "", false
	if e == nil {
		return nil
	}
	key := maphash.String(p.seed, e.Name+e.Raw)
	if _, again := p.seen[key]; again {
		return nil
	}
	p.seen[key] = struct{}{}
	indexFacts(p.text.String(), e)
	return p.each(*e)
}
