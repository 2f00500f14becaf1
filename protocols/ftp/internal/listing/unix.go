package listing

import (
	"io/fs"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// totals are the words that ls starts a listing with, by language.
var totals = []string{"total", "insgesamt", "totale", "totaal", "totalt", "合計", "总用量", "總計", "합계", "итого", "razem"}

// unixTypes maps the first letter of a mode. Letters that are missing here start
// no line of ls.
var unixTypes = [256]protocols.Type{
	'-': protocols.TypeFile, 'd': protocols.TypeDir, 'l': protocols.TypeLink,
	'b': protocols.TypeOther, 'c': protocols.TypeOther, 'p': protocols.TypeOther, 's': protocols.TypeOther,
	'D': protocols.TypeOther, 'P': protocols.TypeOther, 'n': protocols.TypeOther, 'w': protocols.TypeOther,
	'C': protocols.TypeFile, 'M': protocols.TypeFile, 'm': protocols.TypeFile,
}

// listUnix reads a line of ls -l in its many variants: with or without group or
// link count, inode and block columns in front, any of the dates of unixDate.
func listUnix(line string, c *listContext) (e protocols.Entry, r result) {
	var l listLine
	l.split(line)
	p := 0
	for p < 2 && isDigits(l.at(p)) {
		p++
	}
	mode := l.at(p)
	if len(mode) < 10 {
		return e, totalLine(&l)
	}
	kind := unixTypes[mode[0]]
	if kind == "" || !validPerms(mode) {
		return e, notMine
	}
	date, when, nameAt := c.findDate(&l, p+2)
	if date == 0 || nameAt >= len(line) {
		return e, notMine
	}
	e.Type, e.Name = kind, line[nameAt:]
	e.Modified, e.Accuracy = when.t, when.acc
	e.Mode, e.HasMode = parsePerms(mode)
	unixSize(&l, p, date, &e)
	if kind == protocols.TypeLink {
		splitLink(&e)
	}
	return e, parsed
}

// totalLine skips "total 48", in any of the languages.
func totalLine(l *listLine) result {
	size := l.at(1)
	if l.n != 2 || !isDigit(size[0]) {
		return notMine
	}
	word := strings.TrimSuffix(l.at(0), ":")
	for _, t := range totals {
		if strings.EqualFold(word, t) {
			return skip
		}
	}
	return notMine
}

// findDate looks for the first date with a size in front of it; owners and
// groups may hold blanks, so no column is at a fixed place. Field 0 means none.
func (c *listContext) findDate(l *listLine, from int) (field int, s stamp, nameAt int) {
	for i := from; i < l.n; i++ {
		if !sizeShaped(l.at(i - 1)) {
			continue
		}
		if s, nameAt, ok := c.unixDate(l, i); ok {
			return i, s, nameAt
		}
	}
	return 0, s, 0
}

// sizeShaped accepts "1234", "8,1" of a device, and the rounded "1.5K".
func sizeShaped(tok string) bool {
	if tok == "" || !isDigit(tok[0]) {
		return false
	}
	for i := range len(tok) {
		b := tok[i]
		unit := i == len(tok)-1 && strings.IndexByte("KMGTPkB", b) >= 0
		if !isDigit(b) && b != ',' && b != '.' && !unit {
			return false
		}
	}
	return true
}

// unixSize reads size, owner and group from the columns between mode and date.
// For a link ls shows the length of the target's name and for a device
// its numbers: both say nothing about the bytes that a get would give.
func unixSize(l *listLine, p, date int, e *protocols.Entry) {
	last := date - 1
	e.Size, _ = parseSize(l.at(last))
	if e.Type == protocols.TypeLink || e.Type == protocols.TypeOther {
		e.Size = -1
	}
	if e.Type == protocols.TypeOther && strings.HasSuffix(l.at(last-1), ",") {
		last--
	}
	first := p + 1
	switch {
	case l.at(first) == "folder" && last == first+1: // Mac servers count the items
		e.Size = -1
	case l.at(p) == "-------r--": // Mac servers list resource and data fork
	default:
		e.Owner, e.Group = owners(l, first, last)
	}
}

// owners splits the columns lo up to hi into owner and group; a link count in
// front is dropped. Names that hold blanks make more than two columns: then the
// one widest gap divides, or else the first blank, as groups like "Domain Users"
// are more common than such owners.
func owners(l *listLine, lo, hi int) (owner, group string) {
	if isDigits(l.at(lo)) {
		lo++
	}
	cut, width, ties := lo+1, 0, 0
	for i := lo + 1; i < hi; i++ {
		gap := l.f[i].lo - l.f[i-1].hi
		if gap > width {
			cut, width, ties = i, gap, 0
		} else if gap == width {
			ties++
		}
	}
	if ties > 0 {
		cut = lo + 1
	}
	return l.text(lo, min(cut, hi)), l.text(cut, hi)
}

// validPerms checks "drwxr-xr-x", which "+", ".", "@" or a link count may follow.
func validPerms(s string) bool {
	const sets = "r-?w-?xsStTlL-?"
	for i := 1; i < 10; i++ {
		set := sets[6:]
		switch i % 3 {
		case 1:
			set = sets[:3]
		case 2:
			set = sets[3:6]
		}
		if strings.IndexByte(set, s[i]) < 0 {
			return false
		}
	}
	rest := strings.TrimLeft(s[10:], "+.@*")
	return rest == "" || isDigits(rest)
}

// parsePerms returns the mode bits; false when the server did not send them.
func parsePerms(s string) (mode fs.FileMode, known bool) {
	special := [3]fs.FileMode{fs.ModeSetuid, fs.ModeSetgid, fs.ModeSticky}
	for i := 1; i < 10; i++ {
		bit := fs.FileMode(1) << (9 - i)
		switch s[i] {
		case '-':
		case '?':
			return 0, false
		case 's', 't':
			mode |= bit | special[i/3-1]
		case 'S', 'T', 'l', 'L':
			mode |= special[i/3-1]
		default:
			mode |= bit
		}
	}
	return mode, true
}

// splitLink cuts at the first " -> ": a target may be any text, while a link's
// own name hardly ever holds an arrow.
func splitLink(e *protocols.Entry) {
	if name, target, ok := strings.Cut(e.Name, " -> "); ok && name != "" {
		e.Name, e.Target = name, target
	}
}

// listNetware reads "d [RWCEAFMS] owner 512 Nov 22 08:01 name", also without the
// blank in front of the rights.
func listNetware(line string, c *listContext) (e protocols.Entry, r result) {
	if len(line) < 4 || line[0] != 'd' && line[0] != '-' {
		return e, notMine
	}
	var l listLine
	l.split(line)
	rights := 1
	if len(l.at(0)) > 1 {
		rights = 0
	}
	text := l.at(rights)[1-rights:]
	if len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' {
		return e, notMine
	}
	date, when, nameAt := c.findDate(&l, rights+2)
	if date == 0 {
		return e, notMine
	}
	e.Type, e.Modified, e.Accuracy = unixTypes[line[0]], when.t, when.acc
	e.Name = strings.TrimLeft(tail(line, nameAt), " ") // a padded column
	e.Size, _ = parseSize(l.at(date - 1))
	e.Owner, e.Group = owners(&l, rights+1, date-1)
	e.Facts = map[string]string{"netware.rights": strings.Trim(text, "[]")}
	return e, parsed
}

// listNumeric reads "0100644 500 101 12345 1732262460 name": mode, owner, group,
// size, and seconds since 1970.
func listNumeric(line string, c *listContext) (e protocols.Entry, r result) {
	if len(line) < 6 || !isDigit(line[0]) {
		return e, notMine
	}
	var l listLine
	l.split(line)
	mode, ok := parseOctal(l.at(0))
	if !ok || l.n < 6 || len(l.at(0)) < 5 || !isDigits(l.at(1)) || !isDigits(l.at(2)) {
		return e, notMine
	}
	size, ok := parseSize(l.at(3))
	when, ok2 := epoch(l.at(4))
	if !ok || !ok2 {
		return e, notMine
	}
	e.Type = protocols.TypeOther
	if kind, known := numericTypes[mode>>12]; known {
		e.Type = kind
	}
	e.Mode, e.HasMode = fileMode(mode), true
	e.Owner, e.Group, e.Size, e.Modified = l.at(1), l.at(2), size, when
	e.Name = l.after(4)
	return e, parsed
}

// numericTypes maps the file type bits of st_mode.
var numericTypes = map[uint32]protocols.Type{
	0o10: protocols.TypeFile, 0o4: protocols.TypeDir, 0o12: protocols.TypeLink,
}
