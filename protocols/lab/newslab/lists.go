package newslab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// selected runs visit for the articles that an argument names: a range, a
// message-id, or the current one. It replies with none's own code, else begins
// with start, which returns the put of the reply's lines.
func (x *session) selected(arg string, code int, text string, line func(n int64, a *newsArticle) (string, bool)) {
	if !strings.Contains(arg, "-") || strings.HasPrefix(arg, "<") {
		n, a := x.named(arg)
		if a == nil {
			return
		}
		x.lines(code, text, func(put func(string)) {
			if s, ok := line(n, a); ok {
				put(s)
			}
		})
		return
	}
	low, high, ok := newsRange(arg)
	switch {
	case !ok:
		x.reply(501, "Bad range")
	case x.srv.news.next(x.group, low, high) == 0:
		x.reply(423, "No articles in that range")
	default:
		x.lines(code, text, func(put func(string)) {
			x.each(low, high, func(n int64, a *newsArticle) {
				if s, ok := line(n, a); ok {
					put(s)
				}
			})
		})
	}
}

func cmdOver(x *session, arg string) {
	x.selected(arg, 224, "Overview information follows", func(n int64, a *newsArticle) (string, bool) {
		return strconv.FormatInt(n, 10) + "\t" + a.overview(), true
	})
}

func cmdHdr(x *session, code int, arg string) {
	field, rest, _ := strings.Cut(arg, " ")
	x.selected(strings.TrimSpace(rest), code, "Headers follow", func(n int64, a *newsArticle) (string, bool) {
		return fmt.Sprintf("%d %s", n, a.item(field)), true
	})
}

func cmdXpat(x *session, arg string) {
	words := strings.Fields(arg)
	if len(words) < 3 {
		x.reply(501, "XPAT header range pattern")
		return
	}
	x.selected(words[1], 221, "Headers follow", func(n int64, a *newsArticle) (string, bool) {
		value := a.item(words[0])
		for _, p := range words[2:] {
			if newsMatch(p, strings.ReplaceAll(value, "/", "_")) {
				return fmt.Sprintf("%d %s", n, value), true
			}
		}
		return "", false
	})
}

func cmdList(x *session, arg string) {
	kind, wildmat, _ := strings.Cut(arg, " ")
	if kind == "" {
		kind = "ACTIVE"
	}
	lists := newsLists()
	l, ok := lists[strings.ToUpper(kind)]
	if !ok || x.srv.opt.Legacy && l.recent || slices.Contains(x.srv.opt.NoLists, strings.ToUpper(kind)) {
		x.reply(501, "Unknown list")
		return
	}
	x.lines(215, "List follows", func(put func(string)) { l.write(x, strings.TrimSpace(wildmat), put) })
}

// cmdXgtitle is LIST NEWSGROUPS of RFC 2980, 2.8.
func cmdXgtitle(x *session, wildmat string) {
	x.lines(282, "List follows", func(put func(string)) { newsLists()["NEWSGROUPS"].write(x, wildmat, put) })
}

// newsList is one keyword of LIST; recent ones are of RFC 6048 or 3977.
type newsList struct {
	recent bool
	write  func(x *session, wildmat string, put func(string))
}

func newsLists() map[string]newsList {
	groups := func(line func(x *session, g *newsGroup) string) func(*session, string, func(string)) {
		return func(x *session, wildmat string, put func(string)) {
			for _, g := range x.srv.news.matching(wildmat) {
				put(line(x, g))
			}
		}
	}
	fixed := func(lines ...string) func(*session, string, func(string)) {
		return func(_ *session, _ string, put func(string)) {
			for _, l := range lines {
				put(l)
			}
		}
	}
	return map[string]newsList{
		"ACTIVE": {false, groups(func(x *session, g *newsGroup) string {
			_, low, high := x.srv.news.bounds(g)
			return fmt.Sprintf("%s %d %d %s", g.name, high, low, g.status)
		})},
		"COUNTS": {true, groups(func(x *session, g *newsGroup) string {
			count, low, high := x.srv.news.bounds(g)
			return fmt.Sprintf("%s %d %d %d %s", g.name, high, low, count, g.status)
		})},
		"ACTIVE.TIMES": {false, groups(func(_ *session, g *newsGroup) string {
			return fmt.Sprintf("%s %d lab@lab.invalid", g.name, max(0, g.created.Unix()))
		})},
		"NEWSGROUPS":   {false, groups(func(_ *session, g *newsGroup) string { return g.name + "\t" + g.about })},
		"DISTRIB.PATS": {true, fixed("10:local.*:local")},
		"HEADERS":      {true, fixed(":")},
		"MOTD":         {true, fixed("A message of the day", ".with a dot at the start of a line")},
		"OVERVIEW.FMT": {false, fixed(overviewFields()...)},
	}
}

// newsSince reads "yyyymmdd hhmmss [GMT]".
func newsSince(words []string) (time.Time, bool) {
	if len(words) < 2 {
		return time.Time{}, false
	}
	for _, form := range []string{"20060102150405", "060102150405"} {
		if t, err := time.Parse(form, words[0]+words[1]); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func cmdNewgroups(x *session, arg string) {
	at, ok := newsSince(strings.Fields(arg))
	if !ok {
		x.reply(501, "Bad time")
		return
	}
	x.lines(231, "New groups follow", func(put func(string)) {
		for _, g := range x.srv.news.matching("") {
			if !g.created.Before(at) {
				_, low, high := x.srv.news.bounds(g)
				put(fmt.Sprintf("%s %d %d %s", g.name, high, low, g.status))
			}
		}
	})
}

func cmdNewnews(x *session, arg string) {
	wildmat, rest, _ := strings.Cut(arg, " ")
	at, ok := newsSince(strings.Fields(rest))
	if !ok {
		x.reply(501, "Bad time")
		return
	}
	x.lines(230, "New articles follow", func(put func(string)) {
		for _, id := range x.srv.news.since(wildmat, at) {
			put(id)
		}
	})
}
