package listing

import (
	"strings"

	"github.com/netclients/netclients/protocols"
)

// dosTags are what DIR shows in place of a size.
var dosTags = map[string]protocols.Type{
	"<DIR>": protocols.TypeDir, "<JUNCTION>": protocols.TypeLink,
	"<SYMLINKD>": protocols.TypeLink, "<SYMLINK>": protocols.TypeLink,
}

// dosTagWidth is the column of the tag: shorter ones are padded, and the name
// follows at once.
const dosTagWidth = 15

// listDOS reads "11-22-24  08:01AM  <DIR>  name" of IIS and other Windows
// servers, with years of two or four digits and either clock.
func listDOS(line string, c *listContext) (e protocols.Entry, r result) {
	line = strings.TrimLeft(line, " ")
	if len(line) < 16 || !isDigit(line[0]) {
		return e, notMine
	}
	var l listLine
	l.split(line)
	when, i, ok := c.dateTime(&l, 0)
	if !ok {
		return e, notMine
	}
	e.Modified, e.Accuracy = when.t, when.acc
	if kind, ok := dosTags[strings.ToUpper(l.at(i))]; ok {
		e.Type, e.Size, e.Name = kind, -1, dosTagged(&l, i)
		if kind == protocols.TypeLink {
			splitDOSLink(&e)
		}
		return e, parsed
	}
	if e.Size, ok = parseGrouped(l.at(i)); !ok {
		return protocols.Entry{}, notMine
	}
	e.Type, e.Name = protocols.TypeFile, l.after(i)
	return e, parsed
}

// dosTagged returns the name after a tag. Names may start with blanks, so just the
// padding of the column goes, or all blanks where a server does not pad.
func dosTagged(l *listLine, i int) string {
	rest, pad := tail(l.s, l.end(i)), dosTagWidth-len(l.at(i))
	if len(rest) > pad && isBlank(rest[:pad]) {
		return rest[pad:]
	}
	return strings.TrimLeft(rest, " \t")
}

func splitDOSLink(e *protocols.Entry) {
	if i := strings.LastIndex(e.Name, " ["); i > 0 && strings.HasSuffix(e.Name, "]") {
		e.Target = e.Name[i+2 : len(e.Name)-1]
		e.Name = e.Name[:i]
	}
}

// listOS2 reads "  123 A  11-22-24 08:01 name" and "0 DIR 11-22-24 08:01 name".
func listOS2(line string, c *listContext) (e protocols.Entry, r result) {
	var l listLine
	l.split(line)
	size, ok := parseSize(l.at(0))
	if !ok {
		return e, notMine
	}
	e.Type, e.Size = protocols.TypeFile, size
	i := 1
	for ; i <= 4 && l.at(i) != "" && strings.Trim(l.at(i), "ADIHSR") == ""; i++ {
		if l.at(i) == "DIR" {
			e.Type, e.Size = protocols.TypeDir, -1
		}
	}
	when, next, ok := c.dateTime(&l, i)
	if !ok {
		return protocols.Entry{}, notMine
	}
	e.Modified, e.Accuracy, e.Name = when.t, when.acc, l.from(next)
	return e, parsed
}

// listSizeFirst reads two forms of small servers: "1234 Nov 22, 2024 08:01 name"
// with "/" after folders, and "1234 Nov-22-2024 08:01:05 name <DIR>".
func listSizeFirst(line string, c *listContext) (e protocols.Entry, r result) {
	var l listLine
	l.split(line)
	size, ok := parseSize(l.at(0))
	if !ok || l.n < 4 {
		return e, notMine
	}
	e.Type, e.Size = protocols.TypeFile, size
	i := 2
	y, m, d, ok := namedDate(l.at(1))
	if !ok {
		i = 4
		if y, m, d, ok = wordDate(&l, 1); !ok {
			return protocols.Entry{}, notMine
		}
	}
	k, ok := parseClock(l.at(i))
	if !ok {
		return protocols.Entry{}, notMine
	}
	when := c.at(y, m, d, k)
	e.Modified, e.Accuracy, e.Name = when.t, when.acc, l.from(i+1)
	sizeFirstDir(&e)
	return e, parsed
}

func sizeFirstDir(e *protocols.Entry) {
	name, slash := strings.CutSuffix(e.Name, "/")
	base, tag := strings.CutSuffix(name, "<DIR>")
	if slash || tag {
		e.Type, e.Size, e.Name = protocols.TypeDir, -1, name
	}
	if tag {
		e.Name = strings.TrimRight(base, " ")
	}
}

// wordDate reads the three columns "Nov 22, 2024"; the comma has to be there.
func wordDate(l *listLine, i int) (y, m, d int, ok bool) {
	month, _ := monthField(l.at(i))
	d, okDay := dayField(l.at(i + 1))
	y, okYear := yearField(l.at(i + 2))
	ok = month != 0 && okDay && okYear && strings.HasSuffix(l.at(i+1), ",")
	return y, int(month), d, ok && validDate(y, int(month), d)
}
