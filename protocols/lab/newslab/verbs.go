package newslab

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// verb is one row of the command table.
type verb struct {
	run   func(*session, string)
	flags newsFlag
}

// newsFlag says what the dispatcher checks before a command.
type newsFlag uint8

const (
	newsAccess  newsFlag = 1 << iota // wants the login or TLS that the options ask for
	newsReader                       // wants MODE READER where that is needed
	newsInGroup                      // wants a group, unless it names a message-id
	newsArg
)

const (
	newsReads = newsAccess | newsReader
	newsOne   = newsReads | newsInGroup
)

// verbs is the command table.
func verbs() map[string]verb {
	part := func(code int, cut func([]byte) []byte) func(*session, string) {
		return func(x *session, arg string) { cmdArticle(x, arg, code, cut) }
	}
	whole := func(data []byte) []byte { return data }
	head := func(data []byte) []byte { h, _ := splitArticle(data); return h }
	body := func(data []byte) []byte { _, b := splitArticle(data); return b }
	return map[string]verb{
		"CAPABILITIES": {cmdCapabilities, 0},
		"MODE":         {cmdMode, newsArg},
		"QUIT":         {cmdQuit, 0},
		"STARTTLS":     {cmdStartTLS, 0},
		"AUTHINFO":     {cmdAuthinfo, newsArg},
		"COMPRESS":     {cmdCompress, newsArg},
		"XFEATURE":     {cmdXfeature, newsArg},
		"DATE":         {cmdDate, 0},
		"HELP":         {cmdHelp, 0},
		"SLAVE":        {func(x *session, _ string) { x.reply(202, "Slave status noted") }, 0},
		"LIST":         {cmdList, newsReads},
		"NEWGROUPS":    {cmdNewgroups, newsReads | newsArg},
		"NEWNEWS":      {cmdNewnews, newsReads | newsArg},
		"GROUP":        {cmdGroup, newsReads | newsArg},
		"LISTGROUP":    {cmdListgroup, newsReads},
		"NEXT":         {func(x *session, _ string) { cmdStep(x, 421, "No next article", true) }, newsOne},
		"LAST":         {func(x *session, _ string) { cmdStep(x, 422, "No previous article", false) }, newsOne},
		"ARTICLE":      {part(220, whole), newsOne},
		"HEAD":         {part(221, head), newsOne},
		"BODY":         {part(222, body), newsOne},
		"STAT":         {part(223, nil), newsOne},
		"OVER":         {cmdOver, newsOne},
		"XOVER":        {cmdOver, newsOne},
		"HDR":          {func(x *session, arg string) { cmdHdr(x, 225, arg) }, newsOne | newsArg},
		"XHDR":         {func(x *session, arg string) { cmdHdr(x, 221, arg) }, newsOne | newsArg},
		"XPAT":         {cmdXpat, newsOne | newsArg},
		"XGTITLE":      {cmdXgtitle, newsReads},
		"POST":         {cmdPost, newsReads},
		"IHAVE":        {cmdIhave, newsAccess | newsArg},
		"CHECK":        {cmdCheck, newsAccess | newsArg},
		"TAKETHIS":     {cmdTakethis, newsAccess | newsArg},
	}
}

func (x *session) has(verb string) bool { _, ok := x.srv.verbs[verb]; return ok }

func cmdCapabilities(x *session, _ string) {
	o := &x.srv.opt
	x.lines(101, "Capability list follows", func(put func(string)) {
		put("VERSION 2")
		put("IMPLEMENTATION netclients lab")
		if !x.reader {
			put("MODE-READER")
		} else {
			put("READER")
			put("LIST ACTIVE ACTIVE.TIMES COUNTS DISTRIB.PATS HEADERS MOTD NEWSGROUPS OVERVIEW.FMT")
			if !o.ReadOnly {
				put("POST")
			}
		}
		for _, c := range []struct{ verb, line string }{
			{"OVER", "OVER MSGID"}, {"HDR", "HDR"}, {"NEWNEWS", "NEWNEWS"}, {"IHAVE", "IHAVE"}, {"CHECK", "STREAMING"},
		} {
			if x.has(c.verb) {
				put(c.line)
			}
		}
		if x.has("STARTTLS") && !x.secure {
			put("STARTTLS")
		}
		if x.has("COMPRESS") && !x.compressed {
			put("COMPRESS DEFLATE")
		}
		switch {
		case x.loggedIn || !x.has("AUTHINFO"):
		case o.NeedTLS && !x.secure:
			put("AUTHINFO")
		default:
			put("AUTHINFO USER SASL")
			put("SASL " + strings.Join(o.Mechanisms, " "))
		}
	})
}

func cmdMode(x *session, arg string) {
	switch strings.ToUpper(arg) {
	case "READER":
		x.reader = true
		x.greet()
	case "STREAM":
		if !x.has("CHECK") {
			x.reply(501, "Unknown mode")
			return
		}
		x.reply(203, "Streaming permitted")
	default:
		x.reply(501, "Unknown mode")
	}
}

func cmdQuit(x *session, _ string) {
	x.reply(205, "Bye!")
	x.ended = true
}

func cmdStartTLS(x *session, _ string) {
	if x.secure || x.compressed {
		x.reply(502, "Already using an active layer")
		return
	}
	x.reply(382, "Begin TLS negotiation now")
	x.startTLS()
}

func cmdCompress(x *session, arg string) {
	switch {
	case x.compressed:
		x.reply(502, "Already compressed")
	case !strings.EqualFold(arg, "DEFLATE"):
		x.reply(503, "Unknown compression")
	default:
		x.reply(206, "Compression active")
		x.startDeflate()
	}
}

func cmdXfeature(x *session, arg string) {
	if words := strings.Fields(strings.ToUpper(arg)); len(words) < 2 || words[0] != "COMPRESS" || words[1] != "GZIP" {
		x.reply(501, "Unknown feature")
		return
	}
	x.gzip = true
	x.reply(290, "Feature enabled")
}

// gzipLines is lines in one compressed piece.
func (x *session) gzipLines(code int, text string, each func(put func(string))) {
	var piece bytes.Buffer
	w := zlib.NewWriter(&piece)
	each(func(line string) { writeNewsLine(w, line) })
	if x.srv.opt.GzipInside {
		w.Write([]byte(".\r\n"))
	}
	w.Close()
	x.reply(code, text+" [COMPRESS=GZIP]")
	x.out.Write(piece.Bytes())
	if !x.srv.opt.GzipInside {
		x.out.WriteString(".\r\n")
	}
}

func cmdDate(x *session, _ string) {
	x.reply(111, x.srv.opt.Now().UTC().Format("20060102150405"))
}

func cmdHelp(x *session, _ string) {
	x.lines(100, "Legal commands", func(put func(string)) {
		var names []string
		for name := range x.srv.verbs {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			put("  " + name)
		}
	})
}

func cmdGroup(x *session, name string) {
	g := x.srv.news.group(name)
	if g == nil {
		x.reply(411, "No such group "+name)
		return
	}
	x.enter(g)
	count, low, high := x.srv.news.bounds(g)
	x.replyf(211, "%d %d %d %s", count, low, high, name)
}

func (x *session) enter(g *newsGroup) {
	x.group = g
	x.current = x.srv.news.next(g, 1, math.MaxInt64)
}

func cmdListgroup(x *session, arg string) {
	words := strings.Fields(arg)
	if len(words) > 0 {
		g := x.srv.news.group(words[0])
		if g == nil {
			x.reply(411, "No such group")
			return
		}
		x.enter(g)
	}
	if x.group == nil {
		x.reply(412, "No newsgroup selected")
		return
	}
	low, high := int64(1), int64(math.MaxInt64)
	if len(words) > 1 {
		var ok bool
		if low, high, ok = newsRange(words[1]); !ok {
			x.reply(501, "Bad range")
			return
		}
	}
	count, first, last := x.srv.news.bounds(x.group)
	x.lines(211, fmt.Sprintf("%d %d %d %s list follows", count, first, last, x.group.name), func(put func(string)) {
		x.each(low, high, func(n int64, _ *newsArticle) { put(strconv.FormatInt(n, 10)) })
	})
}

// each visits the articles of the group in a range.
func (x *session) each(low, high int64, visit func(int64, *newsArticle)) {
	news := x.srv.news
	for n := news.next(x.group, low, high); n != 0; n = news.next(x.group, n+1, high) {
		if a := news.at(x.group, n); a != nil {
			visit(n, a)
		}
		if n == math.MaxInt64 {
			return
		}
	}
}

// newsRange reads "1", "1-2" or "1-".
func newsRange(s string) (low, high int64, ok bool) {
	first, last, isRange := strings.Cut(s, "-")
	low, err := strconv.ParseInt(first, 10, 64)
	switch {
	case err != nil:
		return 0, 0, false
	case !isRange:
		return low, low, true
	case last == "":
		return low, math.MaxInt64, true
	}
	high, err = strconv.ParseInt(last, 10, 64)
	return low, high, err == nil
}

func cmdStep(x *session, code int, text string, forward bool) {
	var n int64
	switch {
	case x.current == 0:
		x.reply(420, "No current article")
		return
	case forward:
		n = x.srv.news.next(x.group, x.current+1, math.MaxInt64)
	default:
		n = x.srv.news.before(x.group, x.current)
	}
	if n == 0 {
		x.reply(code, text)
		return
	}
	x.current = n
	x.replyf(223, "%d %s retrieved", n, x.srv.news.at(x.group, n).id)
}

// named finds the article that an argument names: a message-id, a number, or the
// current one for the empty argument. It replies when there is none.
func (x *session) named(arg string) (int64, *newsArticle) {
	if strings.HasPrefix(arg, "<") {
		if a := x.byID(arg); a != nil {
			return 0, a
		}
		x.reply(430, "No such article")
		return 0, nil
	}
	n := x.current
	if arg == "" && n == 0 {
		x.reply(420, "No current article")
		return 0, nil
	}
	if arg != "" {
		var err error
		if n, err = strconv.ParseInt(arg, 10, 64); err != nil {
			x.reply(501, "Bad number")
			return 0, nil
		}
	}
	a := x.srv.news.at(x.group, n)
	if a == nil {
		x.reply(423, "No article with that number")
		return 0, nil
	}
	x.current = n
	return n, a
}

// byID finds an article, those of virtual groups by their pattern.
func (x *session) byID(id string) *newsArticle {
	if rest, ok := strings.CutPrefix(id, "<v."); ok {
		number, group, _ := strings.Cut(strings.TrimSuffix(rest, ">"), "@")
		n, err := strconv.ParseInt(number, 10, 64)
		if g := x.srv.news.group(group); err == nil && g != nil && g.virtual > 0 {
			return x.srv.news.at(g, n)
		}
	}
	return x.srv.news.find(id)
}

func cmdArticle(x *session, arg string, code int, cut func([]byte) []byte) {
	n, a := x.named(arg)
	if a == nil {
		return
	}
	text := fmt.Sprintf("%d %s", n, a.id)
	switch {
	case a.lost.Load() && n == 0:
		x.reply(430, "No such article")
	case a.lost.Load():
		x.reply(423, "The article has expired")
	case cut == nil:
		x.reply(code, text)
	default:
		x.content(code, text, cut(a.data))
	}
}

// now is the server's clock.
func (x *session) now() time.Time { return x.srv.opt.Now() }
