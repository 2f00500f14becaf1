package ftplab

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// factTime is the time format of RFC 3659 section 2.3.
const factTime = "20060102150405"

// parseFactTime reads YYYYMMDDHHMMSS with optional fractions, in UTC.
func parseFactTime(s string) (time.Time, error) { return time.Parse(factTime, s) }

func cmdSize(x *session, name string) {
	info, err := x.srv.tree.Stat(x.path(name))
	switch {
	case x.ascii:
		x.reply(550, "SIZE not allowed in ASCII mode.")
	case err == nil && info.IsDir():
		x.reply(550, "Not a plain file.")
	default:
		x.done(err, 213, strconv.FormatInt(info.Size, 10))
	}
}

func cmdMdtm(x *session, arg string) {
	at := x.path(arg)
	info, err := x.srv.tree.Stat(at)
	if stamp, name, ok := strings.Cut(arg, " "); ok && err != nil {
		if when, terr := parseFactTime(stamp); terr == nil {
			x.setTime(name, when, "File modification time set.")
			return
		}
	}
	x.done(err, 213, info.ModTime.UTC().Format(factTime))
}

func cmdMfmt(x *session, arg string) {
	stamp, name, _ := strings.Cut(arg, " ")
	when, err := parseFactTime(stamp)
	if err != nil || name == "" {
		x.reply(501, "MFMT needs YYYYMMDDHHMMSS and a path.")
		return
	}
	x.setTime(name, when, "Modify="+when.Format(factTime)+"; "+name)
}

// setTime sets a modification time and says so with 213.
func (x *session) setTime(name string, when time.Time, text string) {
	if x.anonymous {
		x.fail(fs.ErrPermission)
		return
	}
	x.done(x.srv.tree.Chtimes(x.path(name), when), 213, text)
}

// fact is one column of MLST and MLSD (RFC 3659 section 7.5).
type fact struct {
	name  string
	value func(i base.Info, kind string) string
}

// facts are all columns, in their order.
func facts() []fact {
	return []fact{
		{"type", func(_ base.Info, kind string) string { return kind }},
		{"size", func(i base.Info, _ string) string {
			if !i.Mode.IsRegular() {
				return ""
			}
			return strconv.FormatInt(i.Size, 10)
		}},
		{"modify", func(i base.Info, _ string) string { return i.ModTime.UTC().Format(factTime) }},
		{"perm", func(i base.Info, _ string) string { return perms(i) }},
		{"unique", func(i base.Info, _ string) string { return fmt.Sprintf("lab%x", i.ID) }},
		{"unix.mode", func(i base.Info, _ string) string { return fmt.Sprintf("%04o", i.Mode.Perm()) }},
		{"unix.owner", func(i base.Info, _ string) string { return i.Owner }},
		{"unix.group", func(i base.Info, _ string) string { return i.Group }},
	}
}

// allFacts are the names of facts.
func allFacts() []string {
	var names []string
	for _, f := range facts() {
		names = append(names, f.name)
	}
	return names
}

// perms is the perm fact (RFC 3659 section 7.5.5).
func perms(i base.Info) string {
	read, write := i.Mode&0o444 != 0, i.Mode&0o222 != 0
	pick := func(ok bool, s string) string {
		if ok {
			return s
		}
		return ""
	}
	if i.IsDir() {
		return pick(read, "el") + pick(write, "cmpdf")
	}
	return pick(read, "r") + pick(write, "awdf")
}

// kindOf is the type fact; links are said as OS.unix=slink.
func kindOf(i base.Info) string {
	switch {
	case i.IsLink():
		return "OS.unix=slink:" + i.Target
	case i.IsDir():
		return "dir"
	}
	return "file"
}

// factLine is one line of MLST or MLSD.
func (x *session) factLine(i base.Info, kind, name string) string {
	var b strings.Builder
	for _, f := range facts() {
		if !slices.Contains(x.facts, f.name) {
			continue
		}
		if v := f.value(i, kind); v != "" {
			b.WriteString(f.name + "=" + v + ";")
		}
	}
	return b.String() + " " + name
}

// factFeature is the FEAT line of MLST: chosen facts carry a star.
func (x *session) factFeature() string {
	var b strings.Builder
	for _, name := range allFacts() {
		b.WriteString(name)
		if slices.Contains(x.facts, name) {
			b.WriteByte('*')
		}
		b.WriteByte(';')
	}
	return b.String()
}

func optsMLST(x *session, value string) {
	var chosen []string
	for name := range strings.SplitSeq(strings.ToLower(value), ";") {
		if slices.Contains(allFacts(), name) {
			chosen = append(chosen, name)
		}
	}
	x.facts = chosen
	text := "MLST OPTS"
	if len(chosen) > 0 {
		text += " " + strings.Join(chosen, ";") + ";"
	}
	x.reply(200, text)
}

func cmdMlst(x *session, name string) {
	at := x.path(name)
	info, err := x.srv.tree.Lstat(at)
	if err != nil {
		x.fail(err)
		return
	}
	x.lineReply(250, "Listing "+at, x.factLine(info, kindOf(info), at), "End")
}

func cmdMlsd(x *session, name string) {
	at := x.path(name)
	if isFile(x.srv.tree, at) {
		x.reply(501, "Not a directory.")
		return
	}
	entries, err := x.srv.tree.ReadDir(at)
	if err != nil {
		x.fail(err)
		return
	}
	x.sendLines(func(emit func(string) error) error {
		return x.mlsd(at, entries, emit)
	})
}

// isFile reports whether name exists and is not a directory.
func isFile(t *base.Tree, name string) bool {
	i, err := t.Stat(name)
	return err == nil && !i.IsDir()
}

// mlsd emits the lines of a directory, itself and its parent first.
func (x *session) mlsd(at string, entries []base.Info, emit func(string) error) error {
	for _, self := range []struct{ path, kind, name string }{{at, "cdir", "."}, {path.Dir(at), "pdir", ".."}} {
		if info, err := x.srv.tree.Stat(self.path); err == nil {
			if err := emit(x.factLine(info, self.kind, self.name)); err != nil {
				return err
			}
		}
	}
	for _, i := range entries {
		if err := emit(x.factLine(i, kindOf(i), i.Name)); err != nil {
			return err
		}
	}
	return emitAll(x.srv.opt.ExtraListLines, emit)
}
