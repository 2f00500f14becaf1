package mailstore

import (
	"io/fs"
	"runtime"
	"slices"
	"strings"
)

// errNotExist is what errors.Is finds for a message that is not there.
var errNotExist = fs.ErrNotExist

// letters are the flags that names in a maildir tell, in the order of letters.
var letters = []struct{ letter, flag string }{
	{"D", `\Draft`}, {"F", `\Flagged`}, {"P", "$Forwarded"}, {"R", `\Answered`}, {"S", `\Seen`}, {"T", `\Deleted`},
}

// infoMark stands between the base of a maildir name and its flags.
var infoMark = infoMarkOn(runtime.GOOS)

// infoMarkOn returns the mark on a system. On Windows a colon in a name opens another
// stream of the file before it, so the semicolon stands there, as in other programs.
func infoMarkOn(system string) string {
	if system == "windows" {
		return ";2,"
	}
	return ":2,"
}

// info returns the end of a maildir name for flags; empty for none. Flags that a
// maildir has no letter for are left out.
func info(flags []string) string {
	s := ""
	for _, l := range letters {
		if slices.ContainsFunc(flags, func(f string) bool { return strings.EqualFold(f, l.flag) }) {
			s += l.letter
		}
	}
	if s == "" {
		return ""
	}
	return infoMark + s
}

// cutInfo splits the name of a file in a maildir into its base and its flags.
func cutInfo(name string) (base string, flags []string) {
	return cutInfoAt(name, infoMark)
}

func cutInfoAt(name, mark string) (base string, flags []string) {
	flags = []string{} // known to be none
	base, marks, _ := strings.Cut(name, mark)
	if i := strings.LastIndexByte(base, mark[0]); i >= 0 {
		base = base[:i]
	}
	for _, l := range letters {
		if strings.Contains(marks, l.letter) {
			flags = append(flags, l.flag)
		}
	}
	return base, flags
}

// keyDigits is the length of a key.
const keyDigits = 32

// isKey reports whether s is what protocols.Archive takes for a key.
func isKey(s string) bool {
	return len(s) == keyDigits && strings.Trim(s, "0123456789abcdef") == ""
}
