package trace

import "github.com/netclients/netclients/internal/pattern"

// volatile are the parts of lines that differ from one run to the next without meaning
// anything, with what stands for them in a comparison. Earlier rows come first.
var volatile = []struct {
	form pattern.Lazy
	as   string
}{
	// Tags of IMAP, before commands and their answers.
	{pattern.Lazy{Text: `^[A-Za-z]+[A-Za-z0-9]*\d+ (\S)`}, "TAG $1"},
	// Ports: answers to EPSV and PASV, the arguments of EPRT and PORT, addresses.
	{pattern.Lazy{Text: `\(\|\|\|\d+\|\)`}, "(|||PORT|)"},
	{pattern.Lazy{Text: `(\d{1,3},\d{1,3},\d{1,3},\d{1,3}),\d{1,3},\d{1,3}\b`}, "$1,PORT"},
	{pattern.Lazy{Text: `(\|[12]\|[0-9A-Fa-f.:]+\|)\d+\|`}, "${1}PORT|"},
	{pattern.Lazy{Text: `((?:\d{1,3}\.){3}\d{1,3}|\[[0-9A-Fa-f:.%a-z]+\]|localhost):\d{1,5}\b`}, "$1:PORT"},
	// Times.
	{pattern.Lazy{Text: `" (\d-[A-Z][a-z]{2}-)`}, `"$1`},
	{pattern.Lazy{Text: `\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| ?[+-]\d\d:?\d\d)?`}, "TIME"},
	{pattern.Lazy{Text: `\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? )?\d{1,2}[ -](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*[ -]\d{2,4}[ ,]+\d\d:\d\d(?::\d\d)?(?: (?:[+-]\d{4}|GMT|UTC|[A-Z]{3,4}))?`}, "TIME"},
	{pattern.Lazy{Text: `\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d +(?:\d\d:\d\d(?::\d\d)?)(?: \d{4})?`}, "TIME"},
	{pattern.Lazy{Text: `\b20\d{12}(?:\.\d+)?\b`}, "TIME"},
	{pattern.Lazy{Text: `\b\d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?\b`}, "TIME"},
	{pattern.Lazy{Text: `\b\d+(?:\.\d+)? ?(?:µs|ms|s|secs?|seconds)\b`}, "DURATION"},
	// Ids that servers give out.
	{pattern.Lazy{Text: `(?i)\b(queued as|queue id|id=|pid[ =:]*|session[ =:]+|request-?id[ =:]+|transaction[ =:]+)["<(]?[\w.+/-]+`}, "${1}ID"},
	{pattern.Lazy{Text: `(?i)\b(UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ|MODSEQ|APPENDUID|COPYUID)[ =(]+\d+(?: [\d:,]+)*`}, "$1 ID"},
	{pattern.Lazy{Text: `(?i)^((?:set-cookie|cookie|etag|x-request-id|x-trace-id|cf-ray|age|expires): ).*`}, "${1}ID"},
	{pattern.Lazy{Text: `(?i)\b((?:c?nonce|opaque|boundary|response|qop-nonce|ts|stale-nonce)=)(?:"[^"]*"|[^\s,;]+)`}, "${1}NONCE"},
	{pattern.Lazy{Text: `<[^<>@\s]*\d{5,}[^<>@\s]*@[^<>\s]+>`}, "<ID>"},
	{pattern.Lazy{Text: `<[A-Za-z0-9+/=_.-]*\d[A-Za-z0-9+/=_.-]{7,}>`}, "<ID>"},
	{pattern.Lazy{Text: `\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b`}, "ID"},
	// Names of temporary files.
	{pattern.Lazy{Text: `(\.(?:in|tmp|nc|ncpart|part|netclients)[.-])[A-Za-z0-9]{4,}`}, "${1}TEMP"},
	{pattern.Lazy{Text: `\b(tmp|temp)[._-]?[A-Za-z0-9]*\d[A-Za-z0-9]*`}, "${1}TEMP"},
}

// tokens are long words of letters and digits, which nobody chose: nonces, base64, hashes.
var tokens = pattern.Lazy{Text: `[A-Za-z0-9+/=_-]{20,}|\b[0-9A-F]{9,}\b|\b[0-9a-f]{12,}\b`}

var (
	digit  = pattern.Lazy{Text: `\d`}
	letter = pattern.Lazy{Text: `[A-Za-z]`}
)

// steady returns a line with what is volatile in it replaced.
func steady(text string) string {
	for i := range volatile {
		v := &volatile[i]
		text = v.form.Re().ReplaceAllString(text, v.as)
	}
	return tokens.Re().ReplaceAllStringFunc(text, func(word string) string {
		if digit.Re().MatchString(word) && letter.Re().MatchString(word) {
			return "TOKEN"
		}
		return word
	})
}
