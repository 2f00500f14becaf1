package listing

import (
	"strings"

	"github.com/netclients/netclients/protocols"
)

// os400Types maps the object types that are not plain files.
var os400Types = map[string]protocols.Type{
	"*DIR": protocols.TypeDir, "*DDIR": protocols.TypeDir, "*LIB": protocols.TypeDir, "*FLR": protocols.TypeDir,
	"*LNK": protocols.TypeLink, "*SYMLNK": protocols.TypeLink,
}

// listOS400 reads "QSYS  77824 22/11/24 08:01:05 *DIR  QOpenSys/": owner, size,
// date, time, object type and name. Members have no size, date and time.
func listOS400(line string, c *listContext) (e protocols.Entry, r result) {
	if strings.IndexByte(line, '*') < 0 {
		return e, notMine
	}
	var l listLine
	l.split(line)
	i := 1
	e.Size = -1
	if size, ok := parseSize(l.at(1)); ok {
		when, next, ok := c.dateTime(&l, 2)
		if !ok {
			return protocols.Entry{}, notMine
		}
		i = next
		e.Size, e.Modified, e.Accuracy = size, when.t, when.acc
	}
	kind := l.at(i)
	name := l.from(i + 1)
	if len(kind) < 3 || kind[0] != '*' || kind[1] < 'A' || kind[1] > 'Z' || name == "" {
		return protocols.Entry{}, notMine
	}
	e.Owner, e.Facts = l.at(0), map[string]string{"os400.type": kind}
	e.Type, e.Name = protocols.TypeFile, name
	if t, ok := os400Types[kind]; ok {
		e.Type = t
	}
	if dir, ok := strings.CutSuffix(name, "/"); ok && dir != "" {
		e.Type, e.Name = protocols.TypeDir, dir
	}
	return e, parsed
}
