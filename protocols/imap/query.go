package imap

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Words of the readable query without a value, and what they are to IMAP.
var flagWords = map[string]string{
	"all": "ALL", "seen": "SEEN", "read": "SEEN", "unseen": "UNSEEN", "unread": "UNSEEN", "answered": "ANSWERED",
	"unanswered": "UNANSWERED", "flagged": "FLAGGED", "starred": "FLAGGED", "unflagged": "UNFLAGGED", "deleted": "DELETED",
	"undeleted": "UNDELETED", "draft": "DRAFT", "undraft": "UNDRAFT", "new": "NEW", "old": "OLD", "recent": "RECENT",
}

// Words with a value: the IMAP key, and the kind of its value.
var valueWords = map[string]struct {
	key  string
	make func(value string) (any, error)
}{
	"from": {"FROM", textValue}, "to": {"TO", textValue}, "cc": {"CC", textValue}, "bcc": {"BCC", textValue},
	"subject": {"SUBJECT", textValue}, "body": {"BODY", textValue}, "text": {"TEXT", textValue},
	"since": {"SINCE", dateValue}, "before": {"BEFORE", dateValue}, "on": {"ON", dateValue},
	"sentsince": {"SENTSINCE", dateValue}, "sentbefore": {"SENTBEFORE", dateValue}, "senton": {"SENTON", dateValue},
	"larger": {"LARGER", sizeValue}, "smaller": {"SMALLER", sizeValue},
	"keyword": {"KEYWORD", keywordValue}, "unkeyword": {"UNKEYWORD", keywordValue}, "uid": {"UID", setValue},
	"younger": {"YOUNGER", secondsValue}, "older": {"OLDER", secondsValue},
}

// compileQuery makes the criteria of a SEARCH command. In the readable form all
// words must hold, "or" joins the two beside it, "-" or "not" before a word turns
// it round, parentheses group, and a word without a key is looked for in all of the
// message. A query that starts with one of IMAP's own words in capitals, as those
// in URLs do (RFC 5092 6), or with "imap:", is taken as IMAP's own.
func compileQuery(query string) ([]any, error) {
	if raw, ok := strings.CutPrefix(query, "imap:"); ok {
		return rawCriteria(raw)
	}
	words := splitQuery(query)
	for _, w := range words {
		if w == "(" {
			continue
		}
		if isSearchKey(w) {
			return rawCriteria(query)
		}
		break
	}
	q := &queryParser{words: words}
	out, err := q.sequence(0)
	if err == nil && q.at < len(q.words) {
		err = queryError("a parenthesis that closes nothing")
	}
	if len(out) == 0 {
		out = []any{"ALL"}
	}
	return out, err
}

// searchKeys are IMAP's own words that no table above has (RFC 9051 6.4.4, RFC
// 5032, RFC 7162, RFC 8474, RFC 8514).
const searchKeys = " CHARSET EMAILID FUZZY HEADER MODSEQ NOT OR SAVEDBEFORE SAVEDON SAVEDSINCE THREADID "

// isSearchKey reports whether a word is one of IMAP's own, in capitals.
func isSearchKey(word string) bool {
	if word == "" || strings.ToUpper(word) != word || strings.ContainsAny(word, ": ") {
		return false
	}
	lower := strings.ToLower(word)
	_, withValue := valueWords[lower]
	return withValue || flagWords[lower] == word || strings.Contains(searchKeys, " "+word+" ")
}

// rawCriteria takes IMAP's own words. Quoted strings, and words that are not ASCII,
// become strings of ours, so that they can be literals.
func rawCriteria(raw string) ([]any, error) {
	var out []any
	for i := 0; i < len(raw); {
		switch ch := raw[i]; {
		case ch == ' ':
			i++
		case ch == '"':
			s, next, err := imapwire.QuotedAt(raw, i)
			if err != nil {
				return nil, queryError("a quoted string without an end")
			}
			out, i = append(out, session.Text(s)), next
		case ch == '(' || ch == ')':
			out, i = append(out, session.Glue(ch)), i+1
		default:
			k := i
			for k < len(raw) && strings.IndexByte(" ()\"", raw[k]) < 0 {
				k++
			}
			out, i = append(out, rawWord(raw[i:k])), k
		}
	}
	if len(out) == 0 {
		out = []any{"ALL"}
	}
	return out, nil
}

// rawWord: a brace could announce a literal.
func rawWord(word string) any {
	if !imapwire.IsPrintable(word) || strings.ContainsAny(word, "{}") {
		return session.Text(word)
	}
	return word
}

func queryError(what string) error { return protocols.UsageError(proto, "search", "query: "+what) }

type queryParser struct {
	words []string
	at    int
}

const queryDepth = 20

// sequence reads words up to the end or a closing parenthesis.
func (q *queryParser) sequence(depth int) ([]any, error) {
	var terms [][]any
	for q.at < len(q.words) && q.words[q.at] != ")" {
		if strings.EqualFold(q.words[q.at], "or") && len(terms) > 0 {
			q.at++
			right, err := q.term(depth)
			if err != nil {
				return nil, err
			}
			last := len(terms) - 1
			terms[last] = append(append([]any{"OR"}, terms[last]...), right...)
			continue
		}
		t, err := q.term(depth)
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	var out []any
	for _, t := range terms {
		out = append(out, t...)
	}
	return out, nil
}

// term reads one search key.
func (q *queryParser) term(depth int) ([]any, error) {
	if depth > queryDepth {
		return nil, queryError("nested too deep")
	}
	if q.at >= len(q.words) {
		return nil, queryError("a word is missing at the end")
	}
	word := q.words[q.at]
	q.at++
	switch {
	case strings.EqualFold(word, "not") || word == "-":
		t, err := q.term(depth + 1)
		return append([]any{"NOT"}, t...), err
	case strings.HasPrefix(word, "-") && len(word) > 1:
		t, err := key(word[1:])
		return append([]any{"NOT"}, t...), err
	case word == "(":
		inner, err := q.sequence(depth + 1)
		if err == nil && q.at >= len(q.words) {
			err = queryError("a parenthesis that is not closed")
		}
		if err != nil || len(inner) == 0 {
			return []any{"ALL"}, err
		}
		q.at++
		return grouped(inner), nil
	}
	return key(word)
}

// grouped puts parentheses around criteria; those of one word need none.
func grouped(inner []any) []any {
	if len(inner) == 1 {
		return inner
	}
	return append(append([]any{session.Open}, inner...), session.Close)
}

// key makes the criteria of one word.
func key(word string) ([]any, error) {
	name, value, ok := strings.Cut(word, ":")
	if known := flagWords[strings.ToLower(word)]; known != "" {
		return []any{known}, nil
	}
	if header, rest, isHeader := strings.Cut(value, ":"); ok && isHeader && strings.EqualFold(name, "header") {
		return []any{"HEADER", session.Text(header), session.Text(rest)}, nil
	}
	if v, known := valueWords[strings.ToLower(name)]; ok && known {
		arg, err := v.make(value)
		return []any{v.key, arg}, err
	}
	if meant := misspelled(strings.ToLower(name)); ok && meant != "" {
		return nil, queryError(fmt.Sprintf("there is no search word %q: did you mean %q? Text with a colon goes as text:%q", name+":", meant+":", word))
	}
	return []any{"TEXT", session.Text(word)}, nil
}

// misspelled returns the word with a value that a name is one slip away from: a letter
// too many, too few, another one, or two exchanged.
func misspelled(name string) string {
	if len(name) < 2 {
		return ""
	}
	for _, word := range slices.Sorted(maps.Keys(valueWords)) {
		if len(word) > 2 && oneSlip(name, word) {
			return word
		}
	}
	return ""
}

func oneSlip(a, b string) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	switch {
	case a == "" || b == "":
		return len(a)+len(b) == 1
	case a[1:] == b[1:], a[1:] == b, a == b[1:]:
		return true
	}
	return len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
}

func textValue(v string) (any, error) { return session.Text(v), nil }

func dateValue(v string) (any, error) {
	for _, form := range []string{time.DateOnly, "2-Jan-2006", time.RFC3339} {
		if t, err := time.Parse(form, v); err == nil {
			return t.Format("2-Jan-2006"), nil
		}
	}
	if d, err := parseAge(v); err == nil {
		return time.Now().Add(-d).Format("2-Jan-2006"), nil
	}
	return nil, queryError(fmt.Sprintf("%q is not a date: want 2026-01-31, or an age such as 7d", v))
}

// parseAge reads a time back: Go's durations, and days (d) and weeks (w).
func parseAge(v string) (time.Duration, error) {
	for suffix, unit := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, err := strconv.ParseUint(strings.TrimSuffix(v, suffix), 10, 16); err == nil && strings.HasSuffix(v, suffix) {
			return time.Duration(n) * unit, nil
		}
	}
	return time.ParseDuration(v)
}

func secondsValue(v string) (any, error) {
	d, err := parseAge(v)
	if err != nil || d < time.Second {
		return nil, queryError(fmt.Sprintf("%q is not an age: want 90m, 7d", v))
	}
	return strconv.FormatInt(int64(d/time.Second), 10), nil
}

func sizeValue(v string) (any, error) {
	unit := int64(1)
	for suffix, u := range map[string]int64{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if rest, ok := strings.CutSuffix(strings.ToLower(v), suffix); ok {
			v, unit = rest, u
			break
		}
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 0 || n*unit >= 1<<32 {
		return nil, queryError(fmt.Sprintf("%q is not a size: want 2000, 10k, 3M", v))
	}
	return strconv.FormatInt(n*unit, 10), nil
}

func keywordValue(v string) (any, error) {
	if !imapwire.IsFlag(v) {
		return nil, queryError(fmt.Sprintf("%q is not a keyword", v))
	}
	return v, nil
}

func setValue(v string) (any, error) {
	if !imapwire.IsSet(v) {
		return nil, queryError(fmt.Sprintf("%q is not a set of UIDs", v))
	}
	return v, nil
}

// splitQuery splits at spaces and around parentheses; double quotes keep spaces,
// and a backslash in them keeps a quote.
func splitQuery(query string) []string {
	var out []string
	var b strings.Builder
	quoted, some := false, false
	flush := func() {
		if some {
			out = append(out, b.String())
		}
		b.Reset()
		some = false
	}
	for i := 0; i < len(query); i++ {
		switch ch := query[i]; {
		case quoted && ch == '\\' && i+1 < len(query):
			i++
			b.WriteByte(query[i])
		case ch == '"':
			quoted, some = !quoted, true
		case quoted:
			b.WriteByte(ch)
		case ch == ' ' || ch == '\t':
			flush()
		case (ch == '(' && !some) || ch == ')':
			flush()
			out = append(out, string(ch))
		default:
			b.WriteByte(ch)
			some = true
		}
	}
	flush()
	return out
}
