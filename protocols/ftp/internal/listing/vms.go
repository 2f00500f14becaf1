package listing

import (
	"io/fs"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// listVMS reads "NAME.TXT;1  5/9  22-NOV-2024 08:01:05  [GROUP,OWNER]  (RWED,RWED,RE,)".
// A long name stands alone, and the columns in the next line. Names lose their
// version, and folders ".DIR" too; an older version of the same file, which the
// listing has right after the newest, keeps it so that both can be fetched.
// Sizes are in blocks, and so stand among the facts only.
func listVMS(line string, c *listContext) (e protocols.Entry, r result) {
	if strings.IndexByte(line, ';') < 0 {
		return e, vmsFrame(line)
	}
	var l listLine
	l.split(line)
	full := l.at(0)
	name, version, ok := strings.Cut(full, ";")
	if !ok || name == "" || !isDigits(version) || startsBlank(line) {
		return e, notMine
	}
	if l.n == 1 {
		c.pending = full
		return e, skip
	}
	if !vmsColumns(&l, c, &e) {
		return protocols.Entry{}, notMine
	}
	vmsName(&e, c, full, name, version)
	return e, parsed
}

// vmsFrame skips the lines around the entries.
func vmsFrame(line string) result {
	for _, word := range []string{"Directory ", "Total of ", "Grand total of "} {
		if rest, ok := strings.CutPrefix(line, word); ok && strings.ContainsAny(rest, "[,") {
			return skip
		}
	}
	return notMine
}

func vmsName(e *protocols.Entry, c *listContext, full, name, version string) {
	e.Type, e.Name, e.Size = protocols.TypeFile, name, -1
	if len(name) > 4 && strings.EqualFold(name[len(name)-4:], ".DIR") {
		e.Type, e.Name = protocols.TypeDir, name[:len(name)-4]
	} else if name == c.lastVMS {
		e.Name = full
	}
	c.lastVMS = name
	if e.Facts == nil {
		e.Facts = make(map[string]string, 1)
	}
	e.Facts["version"] = version
}

// vmsColumns reads what follows the name. A message such as "%RMS-E-PRV, ..."
// stands there when the server may not look at the file.
func vmsColumns(l *listLine, c *listContext, e *protocols.Entry) bool {
	if l.at(1)[0] == '%' || strings.HasPrefix(l.from(1), "No privilege") || strings.HasPrefix(l.from(1), "insufficient") {
		e.Facts = map[string]string{"message": l.from(1)}
		return true
	}
	i := 1
	if used, _, _ := strings.Cut(l.at(i), "/"); isDigits(used) {
		e.Facts = map[string]string{"blocks": used}
		i++
	}
	if y, m, d, ok := namedDate(l.at(i)); ok {
		i++
		when := c.on(y, m, d)
		if k, ok := parseClock(l.at(i)); ok {
			when = c.at(y, m, d, k)
			i++
		}
		e.Modified, e.Accuracy = when.t, when.acc
	}
	vmsOwner(l.from(i), e)
	vmsProtection(l.from(i), e)
	return i > 1 || e.HasMode
}

// vmsOwner reads "[OWNER]" or "[GROUP,OWNER]", with blanks or without.
func vmsOwner(s string, e *protocols.Entry) {
	lo, hi := strings.IndexByte(s, '['), strings.IndexByte(s, ']')
	if lo < 0 || hi < lo {
		return
	}
	group, owner, both := strings.Cut(s[lo+1:hi], ",")
	if !both {
		group, owner = "", group
	}
	e.Owner, e.Group = strings.TrimSpace(owner), strings.TrimSpace(group)
}

// vmsProtection reads "(RWED,RWED,RE,)": system, owner, group, world. The system
// class and the right to delete have no place in a mode.
func vmsProtection(s string, e *protocols.Entry) {
	lo, hi := strings.LastIndexByte(s, '('), strings.LastIndexByte(s, ')')
	if lo < 0 || hi < lo {
		return
	}
	classes := strings.Split(s[lo+1:hi], ",")
	if len(classes) != 4 {
		return
	}
	var mode fs.FileMode
	for _, rights := range classes[1:] {
		if i := strings.IndexByte(rights, ':'); i >= 0 {
			rights = rights[i+1:]
		}
		mode = mode<<3 | vmsRights(rights)
	}
	e.Mode, e.HasMode = mode, true
}

func vmsRights(s string) (mode fs.FileMode) {
	for i, letter := range []byte("EWR") {
		if strings.IndexByte(s, letter) >= 0 {
			mode |= 1 << i
		}
	}
	return mode
}
