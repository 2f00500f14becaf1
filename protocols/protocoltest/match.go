package protocoltest

import (
	"iter"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

func mapKeys(m map[string]string) iter.Seq[string] { return maps.Keys(m) }

// match compares a line with what was wanted, which may hold {*}, and {port},
// {p1} and {p2} for digits, whose values are kept in found.
func match(want, got string, found map[string]int) bool {
	if !strings.Contains(want, "{") {
		return want == got
	}
	pattern := regexp.QuoteMeta(want)
	for _, name := range []string{"port", "p1", "p2"} {
		pattern = strings.Replace(pattern, `\{`+name+`\}`, `(?P<`+name+`>\d{1,5})`, 1)
	}
	pattern = strings.ReplaceAll(pattern, `\{\*\}`, `.*`)
	re, err := regexp.Compile(`(?s)^` + pattern + `$`)
	if err != nil {
		return want == got
	}
	m := re.FindStringSubmatch(got)
	for i, name := range re.SubexpNames() {
		if m != nil && name != "" {
			found[name], _ = strconv.Atoi(m[i])
		}
	}
	return m != nil
}

// toldPort returns the port that the client has sent: {port}, or {p1} and {p2} as
// its two bytes.
func toldPort(found map[string]int) int {
	if p := found["port"]; p != 0 {
		return p
	}
	return found["p1"]<<8 | found["p2"]
}
