package listing

import (
	"strings"

	"github.com/netclients/netclients/protocols"
)

// listZVM reads CMS listings of z/VM: "README TXT V 71 26 1 2024-11-22 08:01:05
// USER1", that is name, type, record format and length, records, blocks, date,
// time, owner. Files go by "NAME.TYPE". Sizes count records.
func listZVM(line string, c *listContext) (e protocols.Entry, r result) {
	var l listLine
	l.split(line)
	if l.n < 8 || l.n > 9 {
		return e, notMine
	}
	form := l.at(2)
	dir := l.at(1) == "DIR" && form == "-"
	if !dir && (form != "F" && form != "V" || !isDigits(l.at(3)) || !isDigits(l.at(4)) || !isDigits(l.at(5))) {
		return e, notMine
	}
	y, m, d, ok := ymd(l.at(6))
	if !ok {
		y, m, d, ok = c.numericDate(l.at(6))
	}
	k, okClock := parseClock(l.at(7))
	if !ok || !okClock {
		return e, notMine
	}
	when := c.at(y, m, d, k)
	e.Size, e.Modified, e.Accuracy, e.Owner = -1, when.t, when.acc, strings.Trim(l.at(8), "-")
	e.Type, e.Name = protocols.TypeDir, l.at(0)
	if !dir {
		e.Type, e.Name = protocols.TypeFile, l.at(0)+"."+l.at(1)
		e.Facts = map[string]string{"cms.recfm": form, "cms.lrecl": l.at(3), "cms.records": l.at(4)}
	}
	return e, parsed
}

// listGuardian reads listings of NonStop's Guardian: name, file code, end of
// file, date, time, owner "group,user" and the security string.
func listGuardian(line string, c *listContext) (e protocols.Entry, r result) {
	var l listLine
	l.split(line)
	if l.at(0) == "File" && l.at(1) == "Code" && l.at(2) == "EOF" {
		return e, skip
	}
	if l.n < 7 || len(l.at(0)) > 8 || !isDigits(strings.TrimRight(l.at(1), "OAL+")) {
		return e, notMine
	}
	size, ok := parseSize(l.at(2))
	y, m, d, okDate := namedDate(l.at(3))
	k, okClock := parseClock(l.at(4))
	owner := strings.ReplaceAll(l.text(5, l.n-1), " ", "")
	if !ok || !okDate || !okClock || strings.Count(owner, ",") != 1 {
		return e, notMine
	}
	when := c.at(y, m, d, k)
	e.Name, e.Type, e.Size = l.at(0), protocols.TypeFile, size
	e.Modified, e.Accuracy, e.Owner = when.t, when.acc, owner
	e.Facts = map[string]string{"guardian.code": l.at(1), "guardian.security": strings.Trim(l.at(l.n-1), `"`)}
	return e, parsed
}
