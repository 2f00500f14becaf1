package ftplab

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// listLook is what a listing line depends on besides its entry.
type listLook struct {
	now  time.Time
	zone *time.Location
}

// listDialect is one form of LIST.
type listDialect struct {
	syst   string // reply to SYST
	hidden bool   // names with a leading dot are shown without -a
	line   func(base.Info, listLook) string
	head   func(dir string, all []base.Info) []string
	foot   func(dir string, all []base.Info) []string
}

// noLines is the frame of the dialects that have none.
func noLines(string, []base.Info) []string { return nil }

// dialects are the forms LIST can have.
func dialects() map[string]listDialect {
	return map[string]listDialect{
		"unix": {"UNIX Type: L8", false, unixLine, noLines, noLines},
		"dos":  {"Windows_NT", true, dosLine, noLines, noLines},
		"eplf": {"UNIX Type: L8", true, eplfLine, noLines, noLines},
		"vms":  {"VMS OpenVMS V8.4", true, vmsLine, vmsHead, vmsFoot},
	}
}

// findDialect looks a dialect up; empty is unix, iis is dos.
func findDialect(name string) (listDialect, error) {
	switch name {
	case "":
		name = "unix"
	case "iis":
		name = "dos"
	}
	d, ok := dialects()[name]
	if !ok {
		return d, fmt.Errorf("lab: dialect %q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(dialects())), ", "))
	}
	return d, nil
}

// lsTime is the time as ls shows it: with the hour for the last half year,
// with the year before that and in the future.
func lsTime(t time.Time, l listLook) string {
	const halfYear = 182 * 24 * time.Hour
	age := l.now.Sub(t)
	if age > halfYear || age < -time.Hour {
		return t.In(l.zone).Format("Jan _2  2006")
	}
	return t.In(l.zone).Format("Jan _2 15:04")
}

// rwx is the mode as ls shows it.
func rwx(m fs.FileMode) string {
	kind := "-"
	switch {
	case m.IsDir():
		kind = "d"
	case m&fs.ModeSymlink != 0:
		kind = "l"
	}
	return kind + m.Perm().String()[1:]
}

func unixLine(i base.Info, l listLook) string {
	links, name := 1, i.Name
	if i.IsDir() {
		links = 2
	}
	if i.IsLink() {
		name += " -> " + i.Target
	}
	return fmt.Sprintf("%s %4d %-8s %-8s %12d %s %s", rwx(i.Mode), links, i.Owner, i.Group, i.Size, lsTime(i.ModTime, l), name)
}

func dosLine(i base.Info, l listLook) string {
	size := fmt.Sprintf("%21d", i.Size)
	if i.IsDir() {
		size = "       <DIR>         "
	}
	return i.ModTime.In(l.zone).Format("01-02-06  03:04PM") + size + " " + i.Name
}

func eplfLine(i base.Info, _ listLook) string {
	kind := fmt.Sprintf("r,s%d,", i.Size)
	if i.IsDir() {
		kind = "/,"
	}
	return fmt.Sprintf("+i8388621.%d,m%d,%sup%03o,\t%s", i.ID, i.ModTime.Unix(), kind, i.Mode.Perm(), i.Name)
}

// vmsName is the name with a version, directories as files of type DIR.
func vmsName(i base.Info) string {
	name := strings.ToUpper(i.Name)
	switch {
	case i.IsDir():
		return strings.ReplaceAll(name, ".", "_") + ".DIR;1"
	case !strings.Contains(name, "."):
		return name + ".;1"
	}
	return name + ";1"
}

// vmsLine has sizes in blocks of 512 bytes, and long names on a line of
// their own, as DIRECTORY/SIZE/DATE/OWNER/PROTECTION prints them.
func vmsLine(i base.Info, l listLook) string {
	name := vmsName(i)
	rest := fmt.Sprintf("%12s  %s  [%s,%s]  (RWED,RWED,RE,)", fmt.Sprintf("%d/%d", (i.Size+511)/512, (i.Size+511)/512+2),
		strings.ToUpper(i.ModTime.In(l.zone).Format("_2-Jan-2006 15:04:05")), strings.ToUpper(i.Group), strings.ToUpper(i.Owner))
	if len(name) > 18 {
		return name + "\r\n" + strings.Repeat(" ", 19) + rest
	}
	return fmt.Sprintf("%-19s%s", name, rest)
}

// vmsFolder is a path in VMS form.
func vmsFolder(dir string) string {
	inner := strings.ReplaceAll(strings.Trim(dir, "/"), "/", ".")
	if inner == "" {
		inner = "000000"
	}
	return "DISK$LAB:[" + strings.ToUpper(inner) + "]"
}

func vmsHead(dir string, _ []base.Info) []string {
	return []string{"", "Directory " + vmsFolder(dir), ""}
}

func vmsFoot(_ string, all []base.Info) []string {
	var blocks int64
	for _, i := range all {
		blocks += (i.Size + 511) / 512
	}
	return []string{"", fmt.Sprintf("Total of %d files, %d/%d blocks.", len(all), blocks, blocks+2*int64(len(all)))}
}
