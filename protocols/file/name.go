package file

import (
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/netclients/netclients/protocols"
)

// maxName is the longest file name that common file systems take, in bytes.
const maxName = 255

// SafeName turns a name that a server chose into a local file name: one
// component that means itself. It is the only way by which such names reach the
// file system.
//
// A name is refused, not changed, when it is empty, "." or "..", holds a slash or
// NUL, is longer than 255 bytes, or ends as the temporary files of this program
// do; so one name of the server is one local name. Control characters (C0, DEL
// and C1) are kept out by a "%XX" for each of their bytes, and a "%" that could
// be read as one of those is escaped too. Bytes that are not UTF-8 are kept. On
// Windows, its separators, reserved characters, device names and trailing dots
// and spaces are escaped in the same way. The error has kind Local.
func SafeName(component string) (string, error) { return safeName(component, runtime.GOOS) }

func safeName(name, system string) (string, error) {
	if why := nameFault(name); why != "" {
		return "", refused(name, why)
	}
	safe := escape(name, system == "windows")
	if len(safe) > maxName {
		return "", refused(name, fmt.Sprintf("is longer than %d bytes", maxName))
	}
	return safe, nil
}

func nameFault(name string) string {
	switch {
	case name == "":
		return "is empty"
	case name == "." || name == "..":
		return "means a folder"
	case strings.ContainsRune(name, '/'):
		return "holds a slash"
	case strings.ContainsRune(name, 0):
		return "holds a NUL"
	case IsPart(name):
		return "is that of a temporary file"
	}
	return ""
}

func refused(name, why string) error {
	if len(name) > 80 {
		name = cut(name, 80) + "..."
	}
	return &protocols.Error{Proto: proto, Kind: protocols.KindLocal, Text: fmt.Sprintf("the name %q %s: not stored", name, why)}
}

// escape writes the bytes of unwanted characters as %XX.
func escape(name string, windows bool) string {
	var b strings.Builder
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		last := i+n == len(name)
		if unwanted(name[i:], r, windows) || windows && unwantedThere(name, r, i, last) {
			for _, c := range []byte(name[i : i+n]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		} else {
			b.WriteString(name[i : i+n])
		}
		i += n
	}
	return b.String()
}

// unwanted: control characters, and a percent sign before what escape would write.
func unwanted(rest string, r rune, windows bool) bool {
	control := r < 0x20 || r >= 0x7f && r < 0xa0
	return control || r == '%' && len(rest) > 2 && escapes(rest[1:3], windows)
}

// escapes reports whether escape may have written these two digits: those of a
// byte below 0x20, of DEL, or of the first byte of a C1 character in UTF-8.
func escapes(hex string, windows bool) bool {
	const digits = "0123456789ABCDEF"
	if strings.IndexByte(digits, hex[0]) < 0 || strings.IndexByte(digits, hex[1]) < 0 {
		return false
	}
	return windows || hex[0] < '2' || hex == "7F" || hex == "C2"
}

// unwantedThere: what Windows does not take in a name.
func unwantedThere(name string, r rune, at int, last bool) bool {
	if strings.ContainsRune(`\:*?"<>|`, r) || last && (r == '.' || r == ' ') {
		return true
	}
	return at == 0 && isDevice(name)
}

func isDevice(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	stem = strings.TrimRight(stem, " ")
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	if len(stem) < 4 || stem[:3] != "COM" && stem[:3] != "LPT" {
		return false
	}
	return strings.Contains("0123456789¹²³", stem[3:])
}

// split returns the folder of a name with its slash, and the last component.
func split(name string) (folder, base string) {
	i := strings.LastIndexByte(name, os.PathSeparator)
	return name[:i+1], name[i+1:]
}

// cut shortens s to at most n bytes, never inside a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func hash(s string) string {
	h := fnv.New64a()
	h.Write([]byte(s))
	return fmt.Sprintf("%016x", h.Sum64())
}
