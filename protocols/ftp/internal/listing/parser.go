// Package listing reads the listings of FTP servers: MLSD and MLST (RFC 3659), and the
// dialects of LIST.
package listing

import (
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// result is what a dialect makes of a line.
type result uint8

const (
	notMine result = iota // the line is of another dialect, or of none
	parsed                // the line gave an entry
	skip                  // the line belongs to the listing but holds no entry (yet)
)

// listContext is what the dialects know besides the line itself.
type listContext struct {
	zone  *time.Location // in which the server lists times
	limit time.Time      // now and 24 hours: later dates are of an earlier year
	year  int            // of limit, in zone

	order   dateOrder // of dates in numbers, once a line has proved it
	ordered bool

	pending string // VMS: a name whose other columns stand in the next line
	lastVMS string // VMS: the name before, to recognize older versions
	mvs     mvsKind
	job     string // MVS: the job whose spool files follow
}

// dialect is one form of LIST output.
type dialect struct {
	name  string
	parse func(line string, c *listContext) (protocols.Entry, result)
}

// dialects holds all forms, the common and the strict ones first.
var dialects = []dialect{
	{"unix", listUnix},
	{"dos", listDOS},
	{"netware", listNetware},
	{"eplf", listEPLF},
	{"vms", listVMS},
	{"os400", listOS400},
	{"mvs", listMVS},
	{"zvm", listZVM},
	{"guardian", listGuardian},
	{"os2", listOS2},
	{"numeric", listNumeric},
	{"sizefirst", listSizeFirst},
}

// Parser turns the lines of a LIST answer into entries, one at a time. The
// form of LIST is not specified (RFC 959 section 4.1.3); the parser keeps to the
// dialect of the first line that it understood, and tries the others for a line
// which does not fit. A line that no dialect knows is an entry with Raw set.
type Parser struct {
	ctx    listContext
	locked *dialect
	dots   bool              // give "." and ".." as entries too
	out    []protocols.Entry // given by an earlier line, at most one
}

// NewParser makes a parser. now serves to find the year of dates listed
// without one; times are read in zone, nil stands for UTC.
func NewParser(now time.Time, zone *time.Location) *Parser {
	p := &Parser{ctx: listContext{limit: now.Add(day)}}
	p.SetZone(zone)
	return p
}

// SetZone makes the parser read the times of all further lines in zone.
func (p *Parser) SetZone(zone *time.Location) {
	if zone == nil {
		zone = time.UTC
	}
	p.ctx.zone, p.ctx.year = zone, p.ctx.limit.In(zone).Year()
}

// dialect names the form of LIST that was found, or "".
func (p *Parser) dialect() string {
	if p.locked == nil {
		return ""
	}
	return p.locked.name
}

// Feed takes the next line, with or without its line end, and returns an entry when
// there is one.
func (p *Parser) Feed(line string) (protocols.Entry, bool) {
	line = strings.TrimRight(line, "\r\n")
	if p.ctx.pending == "" && len(p.out) == 0 {
		return p.entry(line)
	}
	if p.ctx.pending != "" {
		p.resume(line)
	} else {
		p.push(p.entry(line))
	}
	return p.pop()
}

// Flush returns what is left after the last line; at most one entry.
func (p *Parser) Flush() (protocols.Entry, bool) {
	if name := p.ctx.pending; name != "" {
		p.ctx.pending = ""
		p.push(Raw(name), true)
	}
	return p.pop()
}

// resume takes the line after a VMS name that stood alone. When the two do not
// belong together the name is reported as it is: a line is never lost.
func (p *Parser) resume(line string) {
	name := p.ctx.pending
	p.ctx.pending = ""
	if startsBlank(line) && !unclean(line) {
		if e, r := listVMS(name+line, &p.ctx); r == parsed {
			e.Protocol = "ftp"
			p.push(e, true)
			return
		}
	}
	p.push(Raw(name), true)
	p.push(p.entry(line))
}

func (p *Parser) push(e protocols.Entry, ok bool) {
	if ok {
		p.out = append(p.out, e)
	}
}

func (p *Parser) pop() (e protocols.Entry, ok bool) {
	if len(p.out) == 0 {
		return e, false
	}
	e = p.out[0]
	p.out = append(p.out[:0], p.out[1:]...)
	return e, true
}

// entry parses one line on its own.
func (p *Parser) entry(line string) (protocols.Entry, bool) {
	if isBlank(line) {
		return protocols.Entry{}, false
	}
	if unclean(line) {
		return Raw(line), true
	}
	e, r := p.parse(line)
	switch {
	case r == notMine || r == parsed && e.Name == "":
		return Raw(line), true
	case r == skip || !p.dots && (e.Name == "." || e.Name == ".."):
		return protocols.Entry{}, false
	}
	e.Protocol = "ftp"
	return e, true
}

func (p *Parser) parse(line string) (protocols.Entry, result) {
	if p.locked != nil {
		if e, r := p.locked.parse(line, &p.ctx); r != notMine {
			return e, r
		}
	}
	for i := range dialects {
		e, r := dialects[i].parse(line, &p.ctx)
		if r == notMine {
			continue
		}
		if r == parsed && p.locked == nil {
			p.locked = &dialects[i]
		}
		return e, r
	}
	return protocols.Entry{}, notMine
}

// Raw is the entry of a line that nobody understands.
func Raw(line string) protocols.Entry {
	return protocols.Entry{Protocol: "ftp", Type: protocols.TypeOther, Size: -1, Raw: line}
}

// unclean reports bytes that no name may hold on the wire: a line end inside a
// line, and NUL.
func unclean(line string) bool {
	return strings.IndexByte(line, 0) >= 0 || strings.IndexByte(line, '\r') >= 0 || strings.IndexByte(line, '\n') >= 0
}
