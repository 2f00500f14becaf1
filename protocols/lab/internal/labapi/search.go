package labapi

import (
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// candidate is a message that is looked at; its text is read only where it is asked for.
type candidate struct {
	a       *API
	l       maillab.Letter
	s       Summary
	content *opened
}

func (c *candidate) body() *opened {
	if c.content == nil {
		o, err := c.a.open(c.l.ID)
		if err != nil {
			o = &opened{}
		}
		c.content = o
	}
	return c.content
}

// term is one condition of a search.
type term func(*candidate) bool

// Search returns the messages that fit a query, the newest first. The query is that of
// Mailpit: words and "phrases", which stand in subject, text, or addresses; from: to:
// cc: bcc: reply-to: addressed: subject: message-id: tag: with a value; is:read,
// is:unread, is:tagged, has:attachment, has:inline; before: and after: with a date, in
// the time zone tz; larger: and smaller: with a size. A "-" or "!" before a condition
// means the opposite. All conditions must hold.
func (a *API) Search(query, tz string) ([]maillab.Letter, error) {
	zone := time.UTC
	if tz != "" {
		loc, err := time.LoadLocation(tz)
		if err != nil {
			return nil, status{400, "unknown time zone: " + tz}
		}
		zone = loc
	}
	var terms []term
	for _, w := range splitQuery(query) {
		t, err := parseTerm(w, zone)
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	var found []maillab.Letter
	for _, l := range a.Mail.Letters(0, -1) {
		s, err := a.Summary(l)
		if err != nil {
			continue // it is gone
		}
		c := &candidate{a: a, l: l, s: s}
		if !slices.ContainsFunc(terms, func(t term) bool { return !t(c) }) {
			found = append(found, l)
		}
	}
	return found, nil
}

// splitQuery returns the words of a query; quotes hold blanks together.
func splitQuery(query string) []string {
	var out []string
	var b strings.Builder
	quoted := false
	for _, r := range query + " " {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			if b.Len() > 0 {
				out = append(out, b.String())
			}
			b.Reset()
		default:
			b.WriteRune(r)
		}
	}
	if b.Len() > 0 { // a quote that does not end
		out = append(out, strings.TrimSpace(b.String()))
	}
	return out
}

// parseTerm makes a condition of a word.
func parseTerm(w string, zone *time.Location) (term, error) {
	not := len(w) > 1 && (w[0] == '-' || w[0] == '!')
	if not {
		w = w[1:]
	}
	t, err := positive(w, zone)
	if err != nil || !not {
		return t, err
	}
	return func(c *candidate) bool { return !t(c) }, nil
}

func positive(w string, zone *time.Location) (term, error) {
	key, value, ok := strings.Cut(strings.ToLower(w), ":")
	if !ok {
		return anywhere(strings.ToLower(w)), nil
	}
	if t := states[key+":"+strings.TrimSuffix(value, "s")]; t != nil {
		return t, nil
	}
	if key == "tag" && value != "" {
		return func(c *candidate) bool {
			return slices.ContainsFunc(c.l.Tags, func(t string) bool { return strings.EqualFold(t, value) })
		}, nil
	}
	if f := textFields[key]; f != nil && value != "" {
		return func(c *candidate) bool { return strings.Contains(strings.ToLower(f(c)), value) }, nil
	}
	switch key {
	case "before", "after":
		at, err := parseDay(value, zone)
		if err != nil {
			return nil, err
		}
		return func(c *candidate) bool { return c.s.Created.Before(at) == (key == "before") }, nil
	case "larger", "smaller":
		n, err := parseSize(value)
		if err != nil {
			return nil, err
		}
		return func(c *candidate) bool {
			return key == "larger" && c.s.Size > n || key == "smaller" && c.s.Size < n
		}, nil
	}
	return anywhere(strings.ToLower(w)), nil
}

// states are conditions without a value.
var states = map[string]term{
	"is:read":        func(c *candidate) bool { return c.l.Read },
	"is:unread":      func(c *candidate) bool { return !c.l.Read },
	"is:tagged":      func(c *candidate) bool { return len(c.l.Tags) > 0 },
	"has:attachment": func(c *candidate) bool { return c.s.Attachments > 0 },
	"has:inline":     func(c *candidate) bool { return len(c.body().inline) > 0 },
}

// textFields are the texts that a condition can look into, by its key.
var textFields = map[string]func(*candidate) string{
	"from":     func(c *candidate) string { return addressText(c.s.From) },
	"to":       func(c *candidate) string { return addressText(c.s.To...) },
	"cc":       func(c *candidate) string { return addressText(c.s.Cc...) },
	"bcc":      func(c *candidate) string { return addressText(c.s.Bcc...) },
	"reply-to": func(c *candidate) string { return addressText(c.s.ReplyTo...) },
	"addressed": func(c *candidate) string {
		return addressText(slices.Concat([]*mail.Address{c.s.From}, c.s.To, c.s.Cc, c.s.Bcc, c.s.ReplyTo)...)
	},
	"subject":    func(c *candidate) string { return c.s.Subject },
	"message-id": func(c *candidate) string { return c.s.MessageID },
}

func addressText(list ...*mail.Address) string {
	var b strings.Builder
	for _, a := range list {
		if a != nil {
			b.WriteString(a.Name + " <" + a.Address + ">\n")
		}
	}
	return b.String()
}

// anywhere looks for a text in all that is shown of a message.
func anywhere(text string) term {
	return func(c *candidate) bool {
		in := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
		return in(c.s.Subject) || in(textFields["addressed"](c)) || in(c.s.MessageID) || in(c.body().text) || in(c.body().html)
	}
}

// parseDay reads a date, with or without a time.
func parseDay(s string, zone *time.Location) (time.Time, error) {
	for _, form := range []string{"2006-01-02", "2006/01/02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.RFC3339} {
		if at, err := time.ParseInLocation(form, strings.ToUpper(s), zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, status{400, "not a date: " + s}
}

// parseSize reads bytes with k or m, such as 10kb.
func parseSize(s string) (int64, error) {
	s = strings.TrimSuffix(s, "b")
	unit := 1.0
	switch {
	case strings.HasSuffix(s, "k"):
		unit = 1 << 10
	case strings.HasSuffix(s, "m"):
		unit = 1 << 20
	}
	n, err := strconv.ParseFloat(strings.TrimRight(s, "km"), 64)
	if err != nil || n < 0 {
		return 0, status{400, "not a size: " + s}
	}
	return int64(n * unit), nil
}
