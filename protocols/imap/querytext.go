package imap

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Query is a search, for [Client.Search] and others as its String. All that is set must
// hold; the zero value finds every message. Texts may hold anything.
type Query struct {
	From, To, Cc, Bcc string // is in the address field
	Subject           string // is in the subject
	Body              string // is in the body
	Text              string // is in header or body

	Since, Before         time.Time // arrived on that day or later; before that day
	SentSince, SentBefore time.Time // the same for the Date field
	Larger, Smaller       int64     // bytes; 0: any

	Flags   []string // has each: "seen", "answered", "flagged", "deleted", "draft", or a keyword
	Without []string // has none of these
	UIDs    string   // a set, such as "1:5,9"

	Any []Query // one of these holds
	Not []Query // none of these holds
}

// String returns the query in the words that Search takes.
func (q Query) String() string {
	var words []string
	for _, f := range []struct{ key, value string }{
		{"from", q.From}, {"to", q.To}, {"cc", q.Cc}, {"bcc", q.Bcc}, {"subject", q.Subject}, {"body", q.Body}, {"text", q.Text},
		{"since", day(q.Since)}, {"before", day(q.Before)}, {"sentsince", day(q.SentSince)}, {"sentbefore", day(q.SentBefore)},
		{"larger", number(q.Larger)}, {"smaller", number(q.Smaller)}, {"uid", q.UIDs},
	} {
		if f.value != "" {
			words = append(words, f.key+":"+Quote(f.value))
		}
	}
	for _, f := range q.Flags {
		words = append(words, flagWord(f, "", "keyword:"))
	}
	for _, f := range q.Without {
		words = append(words, flagWord(f, "un", "unkeyword:"))
	}
	if len(q.Any) > 0 {
		var each []string
		for _, one := range q.Any {
			each = append(each, "( "+one.String()+" )")
		}
		words = append(words, "( "+strings.Join(each, " or ")+" )")
	}
	for _, one := range q.Not {
		words = append(words, "not ( "+one.String()+" )")
	}
	if len(words) == 0 {
		return "all"
	}
	return strings.Join(words, " ")
}

// Quote returns a text as one value of a query: "from:" + Quote(name).
func Quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// flagWord returns the word for a flag, with or without its backslash.
func flagWord(flag, prefix, keyword string) string {
	plain := strings.ToLower(strings.TrimPrefix(flag, `\`))
	if slices.Contains([]string{"seen", "answered", "flagged", "deleted", "draft"}, plain) {
		return prefix + plain
	}
	return keyword + Quote(flag)
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func number(n int64) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprint(n)
}
