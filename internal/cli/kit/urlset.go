package kit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/pattern"
)

// URLs of HTTP may stand for several, as with curl: {one,two} for each of the words,
// [1-9], [001-100], [a-z] and [0-100:10] for each of a range.

// maxURLs bounds how many URLs one stands for.
const maxURLs = 10_000

var rangeForm = pattern.Lazy{Text: `^(?:(\d{1,18})-(\d{1,18})|([a-z])-([a-z])|([A-Z])-([A-Z]))(?::(\d{1,9}))?$`}

// IsURLSet reports whether an argument is a URL that may stand for several.
func IsURLSet(proto, text string) bool {
	scheme, _, has := strings.Cut(text, "://")
	if has {
		return strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")
	}
	return proto == "http"
}

// URLSet returns the URLs that a text stands for. A range of single characters in the last
// component of the path is left alone unless all says so: it may as well be a pattern for a listing.
func URLSet(text string, all bool) ([]string, error) {
	urls := []string{""}
	path, _, _ := strings.Cut(text, "?")
	last := strings.LastIndexByte(path, '/')
	for i := 0; i < len(text); {
		words, n, err := wordsAt(text[i:], all || i < last || i > len(path))
		if err != nil {
			return nil, err
		}
		if len(urls)*len(words) > maxURLs {
			return nil, Usage("%s stands for more than %d URLs", text, maxURLs)
		}
		next := make([]string, 0, len(urls)*len(words))
		for _, u := range urls {
			for _, w := range words {
				next = append(next, u+w)
			}
		}
		urls, i = next, i+n
	}
	return urls, nil
}

// wordsAt returns what the beginning of a text stands for, and how long that is. Text that
// is neither a list nor a range stands for itself, up to the next sign.
func wordsAt(text string, single bool) (words []string, n int, err error) {
	switch text[0] {
	case '{':
		inner, _, closed := strings.Cut(text[1:], "}")
		if closed && strings.Contains(inner, ",") && !strings.ContainsAny(inner, `{/"`) {
			return strings.Split(inner, ","), len(inner) + 2, nil
		}
	case '[':
		inner, _, closed := strings.Cut(text[1:], "]")
		if m := rangeForm.Re().FindStringSubmatch(inner); closed && m != nil && (single || len(inner) > len("a-z")) {
			words, err := rangeWords(m)
			return words, len(inner) + 2, err
		}
	case '\\':
		if len(text) > 1 && strings.IndexByte("{}[]", text[1]) >= 0 {
			return []string{text[1:2]}, 2, nil
		}
	}
	n = 1
	if next := strings.IndexAny(text[1:], `{[\`); next >= 0 {
		n += next
	} else {
		n = len(text)
	}
	return []string{text[:n]}, n, nil
}

// rangeWords counts from the first to the last of a range; numbers keep the width of the
// first.
func rangeWords(m []string) (words []string, err error) {
	step := int64(1)
	if m[7] != "" {
		step, _ = strconv.ParseInt(m[7], 10, 64)
	}
	letter := m[3]+m[5] != ""
	from, to := int64((m[3] + m[5] + "0")[0]), int64((m[4] + m[6] + "0")[0])
	if !letter {
		from, _ = strconv.ParseInt(m[1], 10, 64)
		to, _ = strconv.ParseInt(m[2], 10, 64)
	}
	if step < 1 || from > to || (to-from)/step >= maxURLs {
		return nil, Usage("the range [%s] goes down, has no step, or is longer than %d", m[0], maxURLs)
	}
	for v := from; v <= to; v += step {
		if letter {
			words = append(words, string(rune(v)))
		} else {
			words = append(words, fmt.Sprintf("%0*d", len(m[1]), v))
		}
	}
	return words, nil
}
