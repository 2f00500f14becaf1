package http

import (
	"hash/maphash"
	"io"
	"net/url"
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
func parseIndex(r io.Reader, page *url.URL, each func(protocols.Entry) error) error {
	p := &indexPage{base: page, folder: page.Path[:strings.LastIndexByte(page.Path, '/')+1], page: page, seen: map[uint64]bool{}, seed: maphash.MakeSeed(), each: each}
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
	return p.flush()
}

// indexPage is a page that is being read.
type indexPage struct {
	page, base *url.URL
	folder     string // path that entries must lie in
	seen       map[uint64]bool
	seed       maphash.Seed
	each       func(protocols.Entry) error

	entry  *protocols.Entry // the newest link, until the text after it is known
	inside bool             // of its <a>
	text   strings.Builder
}

func (p *indexPage) token(z *html.Tokenizer, kind html.TokenType) error {
	switch kind {
	case html.TextToken:
		if p.entry != nil && !p.inside && p.text.Len() < mostText {
			t := z.Text()
			p.text.WriteByte(' ')
			p.text.Write(t[:min(len(t), mostText)])
		}
	case html.EndTagToken:
		if name, _ := z.TagName(); string(name) == "a" {
			p.inside = false
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		name, has := z.TagName()
		switch {
		case !has:
		case string(name) == "a":
			return p.link(attribute(z, "href"))
		case string(name) == "base":
			if u, err := p.page.Parse(attribute(z, "href")); err == nil {
				p.base = u
			}
		}
	}
	return nil
}

func attribute(z *html.Tokenizer, want string) string {
	for {
		key, value, more := z.TagAttr()
		if string(key) == want {
			return string(value)
		}
		if !more {
			return ""
		}
	}
}

// link takes a link. What leaves the folder, has a query, or was there before is
// none of ours.
func (p *indexPage) link(href string) error {
	if err := p.flush(); err != nil {
		return err
	}
	u, err := p.base.Parse(literalPercent(strings.TrimSpace(href)))
	if err != nil || href == "" || !sameOrigin(u, p.page) || u.RawQuery != "" || u.ForceQuery {
		return nil
	}
	rest, below := strings.CutPrefix(u.Path, p.folder)
	name, dir := strings.CutSuffix(rest, "/")
	if !below || name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00\r\n") {
		return nil
	}
	key := maphash.String(p.seed, name)
	if p.seen[key] {
		return nil
	}
	p.seen[key] = true
	p.entry = &protocols.Entry{Name: name, Path: u.Path, Type: protocols.TypeFile, Size: -1}
	if dir {
		p.entry.Type = protocols.TypeDir
	}
	p.inside = true
	p.text.Reset()
	return nil
}

// flush returns the newest link with what the text after it says.
func (p *indexPage) flush() error {
	if p.entry == nil {
		return nil
	}
	e := p.entry
	p.entry, p.inside = nil, false
	indexFacts(p.text.String(), e)
	return p.each(*e)
}
