package listing

import (
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// listEPLF reads the easily parsed list format, "+i8388621.48594,m825718503,r,s280,\tname":
// facts of one letter, a tab, and the name as it is.
func listEPLF(line string, _ *listContext) (e protocols.Entry, r result) {
	if line == "" || line[0] != '+' {
		return e, notMine
	}
	facts, name, ok := strings.Cut(line[1:], "\t")
	if !ok {
		return e, notMine
	}
	e.Name, e.Type, e.Size = name, protocols.TypeOther, -1
	for fact := range strings.SplitSeq(facts, ",") {
		if fact != "" {
			eplfFact(&e, fact[0], fact[1:])
		}
	}
	return e, parsed
}

func eplfFact(e *protocols.Entry, letter byte, value string) {
	switch letter {
	case '/':
		e.Type = protocols.TypeDir
	case 'r':
		e.Type = protocols.TypeFile
	case 's':
		e.Size, _ = parseSize(value)
	case 'm':
		e.Modified, _ = epoch(value)
	case 'i':
		e.ID = value
	case 'u':
		if mode, ok := parseOctal(strings.TrimPrefix(value, "p")); ok {
			e.Mode, e.HasMode = fileMode(mode), true
		}
	}
}

// epoch reads seconds since 1970, up to the year 9999.
func epoch(s string) (time.Time, bool) {
	n, ok := parseSize(s)
	if !ok || n < 0 || n > 253402300799 {
		return time.Time{}, false
	}
	return time.Unix(n, 0).UTC(), true
}

func parseOctal(s string) (uint32, bool) {
	if !isDigits(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 8, 32)
	return uint32(n), err == nil
}

// fileMode returns the bits of chmod as Go has them.
func fileMode(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for i, bit := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if bits&(0o1000<<i) != 0 {
			mode |= bit
		}
	}
	return mode
}
