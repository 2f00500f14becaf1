package shellcmd

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

const (
	// completesWithin is how long a completion may ask the server.
	completesWithin = 2 * time.Second
	// mostOffered is how many names are printed.
	mostOffered = 100
)

// complete finishes the word before the cursor. Where there are several ways it goes as
// far as they agree, and prints them.
func (s *shell) complete(line string, at int, tell func(string)) (string, int) {
	words, open, _ := split(line[:at])
	begun := word{from: at}
	if n := len(words); n > 0 && (open || line[at-1] != ' ' || strings.HasSuffix(line[:at], `\ `)) {
		begun, words = words[n-1], words[:n-1]
	}
	offers := s.offers(words, begun.text)
	if len(offers) == 0 {
		return line, at
	}
	common := offers[0]
	for _, o := range offers[1:] {
		common = shared(common, o)
	}
	text := quoted(common)
	if len(offers) == 1 && !strings.HasSuffix(common, "/") {
		text += " "
	}
	if len(offers) > 1 && len(common) <= len(begun.text) {
		tell(columns(offers))
	}
	if len(common) < len(begun.text) { // differs in case
		return line, at
	}
	return line[:begun.from] + text + line[at:], begun.from + len(text)
}

// shared is what two texts begin with, in whole characters.
func shared(a, b string) string {
	n := 0
	for i, r := range a {
		if !strings.HasPrefix(b[min(i, len(b)):], string(r)) {
			break
		}
		n = i + len(string(r))
	}
	return a[:n]
}

// columns prints names beside one another. Names of servers are made harmless.
func columns(names []string) string {
	var b strings.Builder
	wide, more := 0, len(names)-mostOffered
	for i, n := range names {
		if names[i] = show.Safe(n); i < mostOffered {
			wide = max(wide, len([]rune(names[i])))
		}
	}
	across := max(1, 78/(wide+2))
	for i, n := range names[:min(len(names), mostOffered)] {
		b.WriteString(n)
		if (i+1)%across == 0 || i == len(names)-1 {
			b.WriteString("\r\n")
		} else {
			b.WriteString(strings.Repeat(" ", wide+2-len([]rune(n))))
		}
	}
	if more > 0 {
		b.WriteString("...\r\n")
	} else if !strings.HasSuffix(b.String(), "\n") {
		b.WriteString("\r\n")
	}
	return b.String()
}

// offers returns what the word may become.
func (s *shell) offers(before []word, begun string) []string {
	if len(before) == 0 {
		return s.commands(begun)
	}
	verb := before[0].text
	last := before[len(before)-1].text
	if verb == "help" {
		return s.commands(begun)
	}
	if verb == "put" || verb == "lcd" || verb == "append" || last == "-o" || last == "--output" {
		return filesOf(begun)
	}
	ctx, cancel := context.WithTimeout(context.Background(), completesWithin)
	defer cancel()
	s.kept.Lend(s.e, false)
	defer s.kept.TakeBack(s.e, false)
	return s.remote(ctx, begun, verb == "cd" || verb == "rmdir")
}

// commands returns the commands and verbs that begin so.
func (s *shell) commands(begun string) []string {
	var all []string
	for name := range builtins() {
		all = append(all, name)
	}
	for _, v := range s.lookup(s.e.Reg, s.p.at.Spec) {
		if v.Name != "shell" {
			all = append(all, v.Name)
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return !strings.HasPrefix(name, begun) })
}

// filesOf returns the files of this machine that begin so.
func filesOf(begun string) []string {
	dir, base := filepath.Split(begun)
	entries, err := os.ReadDir(filepath.Join(".", dir))
	if filepath.IsAbs(dir) {
		entries, err = os.ReadDir(dir)
	}
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), base) || base == "" && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		name := dir + e.Name()
		if e.IsDir() {
			name += "/"
		}
		all = append(all, name)
	}
	return all
}

// containers are the types that cd goes to.
var containers = []protocols.Type{protocols.TypeDir, protocols.TypeMenu, protocols.TypeMailbox, protocols.TypeGroup}

// remote returns the names at the server that begin so. A server that does not answer in
// time offers none.
func (s *shell) remote(ctx context.Context, begun string, folders bool) []string {
	at, before := s.p.at, ""
	if i := strings.LastIndexByte(begun, '/'); i >= 0 && joins(at) {
		before = begun[:i+1]
		text, err := s.p.path(word{text: before})
		if err == nil {
			at, err = s.e.Reg.Parse(text, "")
		}
		if err != nil {
			return nil
		}
	}
	entries, err := s.lister(s.e)(ctx, at)
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		holds := slices.Contains(containers, e.Type)
		name := before + e.Name
		if !joins(at) && e.Type == protocols.TypeMailbox {
			name = e.Path
		}
		if e.Name == "." || e.Name == ".." || !e.Parsed() || !strings.HasPrefix(name, begun) || folders && !holds && e.Type != protocols.TypeLink {
			continue
		}
		if holds && joins(at) {
			name = strings.TrimSuffix(name, "/") + "/"
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
