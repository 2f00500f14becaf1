package nntp

import (
	"cmp"
	"context"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// mostDescriptions bounds the bytes of descriptions held while groups are listed; later
// groups have none.
const mostDescriptions = 16 << 20

// groupLister lists the groups of a server.
type groupLister struct{ *session }

// list yields the groups that match the wildmat; an empty one matches all.
func (g groupLister) list(ctx context.Context, wildmat string, yield func(protocols.Entry) bool) error {
	about, err := g.descriptions(ctx, wildmat)
	if err != nil {
		return err
	}
	kind := "ACTIVE"
	if g.offers("LIST", "COUNTS") {
		kind = "COUNTS"
	}
	r, local, err := g.sendList(ctx, kind, wildmat)
	if err != nil {
		return err
	}
	return g.parsed(g.data(r), func(line []byte) (ok, more bool) {
		e, ok := g.groupEntry(string(line), kind == "COUNTS")
		if local && ok && !Wildmat(wildmat, e.Name) {
			return true, true
		}
		if !ok {
			g.odd("list of groups", string(line))
			return false, yield(e)
		}
		e.Facts = map[string]string{}
		if text := about[e.Name]; text != "" {
			e.Facts["description"] = text
		}
		return true, g.nothingUnread(&e) || yield(e)
	})
}

// nothingUnread reports whether the settings leave a group out, and sets the fact
// "unread" of e to the number of unread articles.
func (g groupLister) nothingUnread(e *protocols.Entry) bool {
	list := g.c.Settings.Newsrc
	if list == nil {
		return false
	}
	g.fit(list, e.Path, *e.GroupInfo)
	left := list.Count(e.Path, e.Low, e.High)
	e.Facts["unread"] = strconv.FormatInt(left, 10)
	return left == 0 || !list.Subscribed(e.Path)
}

// sendList sends LIST. local is true if the server cannot select by wildmat.
func (g groupLister) sendList(ctx context.Context, kind, wildmat string) (r *protocols.Reply, local bool, err error) {
	args := []string{kind}
	if wildmat != "" {
		args = append(args, wildmat)
	}
	if r, err = g.ask(ctx, "LIST", args...); err != nil {
		return nil, false, err
	}
	if unknown(r.Code) && kind == "ACTIVE" && !g.modern { // RFC 977 has LIST alone
		r, err = g.ask(ctx, "LIST")
		local = wildmat != ""
	}
	if err != nil {
		return nil, false, err
	}
	return r, local, want(r, 215)
}

// descriptions returns the descriptions of LIST NEWSGROUPS by group, or nil from a
// server without that list.
func (g groupLister) descriptions(ctx context.Context, wildmat string) (map[string]string, error) {
	args := []string{"NEWSGROUPS"}
	if wildmat != "" {
		args = append(args, wildmat)
	}
	r, err := g.ask(ctx, "LIST", args...)
	if err == nil && unknown(r.Code) && !g.modern { // RFC 2980 2.8
		r, err = g.ask(ctx, "XGTITLE", cmp.Or(wildmat, "*"))
	}
	if err != nil || r.Code != 215 && r.Code != 282 {
		return nil, err
	}
	about, size := map[string]string{}, 0
	err = g.parsed(g.data(r), func(line []byte) (ok, more bool) {
		name, text := cutBlank(string(line))
		_, twice := about[name]
		if size += len(line); text != "" && size <= mostDescriptions {
			about[name] = decodeHeader(text)
		}
		return !twice, true
	})
	return about, err
}

// cutBlank splits at the first run of spaces and tabs.
func cutBlank(s string) (first, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimSpace(s[i:])
}

// groupEntry reads a line of LIST ACTIVE, "name high low status" (RFC 3977 7.6.3),
// or of LIST COUNTS, "name high low count status" (RFC 6048 2.2).
func (g groupLister) groupEntry(line string, counted bool) (protocols.Entry, bool) {
	words := strings.Fields(line)
	size := 4
	if counted {
		size = 5
	}
	e := protocols.Entry{Protocol: proto, Type: protocols.TypeGroup, Size: -1, Raw: printableRaw(line)}
	if len(words) < size {
		return e, false
	}
	high, okHigh := parseNumber(words[1])
	low, okLow := parseNumber(words[2])
	count := max(0, high-low+1)
	if counted {
		var ok bool
		count, ok = parseNumber(words[3])
		okHigh = okHigh && ok
	}
	if !okHigh || !okLow {
		return e, false
	}
	e.Raw, e.Name, e.Path, e.URL = "", words[0], words[0], g.c.urlOf(words[0])
	e.GroupInfo = &protocols.GroupInfo{Count: count, Low: low, High: high, Posting: words[size-1]}
	return e, true
}

// Lines sends a command with a multi-line reply and returns the lines unchanged: LIST
// with any keyword (ACTIVE.TIMES, DISTRIB.PATS, HEADERS, MOTD, OVERVIEW.FMT, ...),
// HELP, XGTITLE, and extensions of a server.
func (c *Client) Lines(ctx context.Context, command string) iter.Seq2[string, error] {
	return stream(ctx, c, "list", "", func(ctx context.Context, s *session, yield func(string) bool) error {
		r, err := s.askRaw(ctx, command)
		if err != nil {
			return err
		}
		if err := replyError(r); err != nil {
			return err
		}
		verb, _, _ := strings.Cut(command, " ")
		if !hasData(r.Code, verb) {
			return refusal(r)
		}
		return s.linesOf(s.data(r), func(line []byte) bool { return yield(string(line)) })
	}, command)
}

// NewGroups returns the groups created since a time by the clock of the server
// (NEWGROUPS, RFC 3977 7.3).
func (c *Client) NewGroups(ctx context.Context, since time.Time) iter.Seq2[protocols.Entry, error] {
	return stream(ctx, c, "newgroups", "", func(ctx context.Context, s *session, yield func(protocols.Entry) bool) error {
		r, err := s.need(ctx, []int{231}, "NEWGROUPS", s.stamp(since)...)
		if err != nil {
			return err
		}
		return s.parsed(s.data(r), func(line []byte) (ok, more bool) {
			e, ok := groupLister{s}.groupEntry(string(line), false)
			return ok, yield(e)
		})
	})
}

// NewNews returns the message-ids of articles that arrived in groups of the wildmat
// since a time by the clock of the server (NEWNEWS, RFC 3977 7.4).
func (c *Client) NewNews(ctx context.Context, wildmat string, since time.Time) iter.Seq2[string, error] {
	return stream(ctx, c, "newnews", wildmat, func(ctx context.Context, s *session, yield func(string) bool) error {
		if wildmat == "" {
			wildmat = "*"
		}
		if strings.ContainsAny(wildmat, " \t") {
			return protocols.UsageError(proto, "", "a wildmat has no spaces")
		}
		r, err := s.need(ctx, []int{230}, "NEWNEWS", append([]string{wildmat}, s.stamp(since)...)...)
		if err != nil {
			return err
		}
		return s.linesOf(s.data(r), func(line []byte) bool { return yield(strings.TrimSpace(string(line))) })
	})
}

// stamp writes a time as date, time and GMT; servers of RFC 977 know only two-digit
// years.
func (s *session) stamp(t time.Time) []string {
	day := "20060102"
	if !s.modern {
		day = "060102"
	}
	t = t.UTC()
	return []string{t.Format(day), t.Format("150405"), "GMT"}
}

// Date returns the server's time (DATE, RFC 3977 7.1).
func (c *Client) Date(ctx context.Context) (time.Time, error) {
	var at time.Time
	err := c.do(ctx, "date", "", nil, func(ctx context.Context, s *session) error {
		r, err := s.need(ctx, []int{111}, "DATE")
		if err != nil {
			return err
		}
		word, _ := cutBlank(strings.TrimSpace(r.Text()))
		if at, err = time.Parse("20060102150405", word); err != nil {
			return s.Fail(protocols.ProtocolError(proto, "", "reply to DATE without a time: "+wire.Clip(r.Text())))
		}
		return nil
	})
	return at, err
}
