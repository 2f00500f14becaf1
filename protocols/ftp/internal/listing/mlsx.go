package listing

import (
	"strings"

	"github.com/netclients/netclients/protocols"
)

// mlsxTypes maps the type fact, RFC 3659 section 7.5.1. The part after "=" of
// the system-dependent types is not part of the key.
var mlsxTypes = map[string]protocols.Type{
	"file": protocols.TypeFile, "dir": protocols.TypeDir, "cdir": protocols.TypeDir, "pdir": protocols.TypeDir,
	"os.unix=slink": protocols.TypeLink, "os.unix=symlink": protocols.TypeLink, "os.unix=link": protocols.TypeLink,
}

// ParseFacts parses one line of MLSD, or of MLST without the blank that starts it:
// "fact=value;fact=value; name", RFC 3659 section 7.2. The name is everything after the
// first blank, whatever it holds. skip is true for lines that are not entries of the listed
// folder: itself (cdir), its parent (pdir), and an empty line. A line that breaks
// the grammar becomes an entry with Raw set.
func ParseFacts(line string) (e protocols.Entry, skip bool) {
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return protocols.Entry{}, true
	}
	facts, name := cutFacts(line)
	e = protocols.Entry{Protocol: "ftp", Name: name, Size: -1}
	if name == "" || unclean(line) || !mlsxFacts(facts, &e) {
		return Raw(line), false
	}
	skip = mlsxType(&e)
	mlsxValues(&e)
	return e, skip
}

// cutFacts cuts after the facts. The target of a link may hold blanks although
// RFC 3659 has no room for them: then the facts end with the next "; ".
func cutFacts(line string) (facts, name string) {
	i := strings.IndexByte(line, ' ')
	if i < 0 {
		return line, ""
	}
	last := line[strings.LastIndexByte(line[:i], ';')+1 : i]
	if hasPrefixFold(last, "type=os.unix=slink:") || hasPrefixFold(last, "type=os.unix=symlink:") {
		if j := strings.Index(line, "; "); j > i {
			i = j + 1
		}
	}
	return line[:i], line[i+1:]
}

// hasPrefixFold is for prefixes in lower case ASCII.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// mlsxFacts collects the facts; false when one has no "=".
func mlsxFacts(s string, e *protocols.Entry) bool {
	if s == "" {
		return true
	}
	e.Facts = make(map[string]string, 8)
	for s != "" {
		var fact string
		fact, s, _ = strings.Cut(s, ";")
		if fact == "" {
			continue
		}
		key, value, ok := strings.Cut(fact, "=")
		if !ok || key == "" {
			return false
		}
		e.Facts[factKey(key)] = value
	}
	return true
}

// factKeys holds the spellings that the common servers use, which saves making the
// lower case of each anew for every entry.
var factKeys = map[string]string{
	"UNIX.mode": "unix.mode", "UNIX.owner": "unix.owner", "UNIX.group": "unix.group",
	"UNIX.uid": "unix.uid", "UNIX.gid": "unix.gid", "UNIX.ownername": "unix.ownername", "UNIX.groupname": "unix.groupname",
	"Type": "type", "Size": "size", "Modify": "modify", "Perm": "perm", "Unique": "unique", "Create": "create",
}

func factKey(key string) string {
	if lower, ok := factKeys[key]; ok {
		return lower
	}
	return strings.ToLower(key)
}

// mlsxType sets type and target, and reports cdir and pdir, which
// some servers call dir. Where the server sends no type, what has a size is a file.
func mlsxType(e *protocols.Entry) (skip bool) {
	value, target := e.Facts["type"], ""
	if i := strings.IndexByte(value, ':'); i >= 0 {
		value, target = value[:i], value[i+1:]
	}
	kind := strings.ToLower(value)
	e.Type = mlsxTypes[kind]
	switch {
	case e.Type == protocols.TypeLink:
		e.Target = target
	case e.Type == "" && kind == "" && e.Facts["size"] != "":
		e.Type = protocols.TypeFile
	case e.Type == "":
		e.Type = protocols.TypeOther
	}
	return kind == "cdir" || kind == "pdir" || e.Name == "." || e.Name == ".."
}

// mlsxValues fills the entry's fields from its facts. A value that makes no sense
// stands among the facts only.
func mlsxValues(e *protocols.Entry) {
	e.Size, _ = parseSize(firstFact(e, "size", "sizd"))
	e.Modified, _ = ParseTime(e.Facts["modify"])
	e.ID = e.Facts["unique"]
	e.Owner = firstFact(e, "unix.ownername", "unix.owner", "unix.uid")
	e.Group = firstFact(e, "unix.groupname", "unix.group", "unix.gid")
	if mode, ok := parseOctal(e.Facts["unix.mode"]); ok {
		e.Mode, e.HasMode = fileMode(mode), true
	}
}

func firstFact(e *protocols.Entry, keys ...string) string {
	for _, key := range keys {
		if value := e.Facts[key]; value != "" {
			return value
		}
	}
	return ""
}
