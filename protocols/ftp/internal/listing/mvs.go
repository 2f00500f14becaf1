package listing

import (
	"strings"

	"github.com/netclients/netclients/protocols"
)

// mvsKind says which of z/OS's listings a heading has announced. Most lines are
// too short of marks to be known without it.
type mvsKind uint8

const (
	mvsNone    mvsKind = iota
	mvsDataset         // data sets of a level
	mvsMembers         // members of a partitioned data set, with statistics
	mvsLoad            // members of a load library
	mvsJobs            // jobs of the JES interface
	mvsSpool           // spool files of a job
)

// mvsHeadings holds the first columns of each heading.
var mvsHeadings = []struct {
	words []string
	kind  mvsKind
}{
	{[]string{"Volume", "Unit", "Referred"}, mvsDataset},
	{[]string{"Volume", "Unit", "Date"}, mvsDataset},
	{[]string{"Volume", "Referred", "Ext"}, mvsDataset},
	{[]string{"Name", "VV.MM", "Created"}, mvsMembers},
	{[]string{"Name", "Size", "TTR"}, mvsLoad},
	{[]string{"JOBNAME", "JOBID", "OWNER"}, mvsJobs},
	{[]string{"JOBNAME", "JOBID", "STATUS"}, mvsJobs},
	{[]string{"ID", "STEPNAME", "PROCSTEP"}, mvsSpool},
}

// listMVS reads the listings of z/OS: data sets, members, jobs and spool files.
func listMVS(line string, c *listContext) (e protocols.Entry, r result) {
	var l listLine
	l.split(line)
	if kind := mvsHeading(&l); kind != mvsNone {
		c.mvs = kind
		return e, skip
	}
	var ok bool
	switch c.mvs {
	case mvsDataset:
		ok = mvsDatasetLine(&l, &e)
	case mvsMembers:
		ok = mvsMemberLine(&l, c, &e)
	case mvsLoad:
		ok = mvsLoadLine(&l, &e)
	case mvsSpool:
		if l.at(1) == "spool" && isDigits(l.at(0)) {
			return e, skip
		}
		ok = mvsSpoolLine(&l, c, &e)
	}
	if !ok {
		e = protocols.Entry{}
		ok = mvsJobLine(&l, c, &e)
	}
	if !ok {
		return protocols.Entry{}, notMine
	}
	return e, parsed
}

func mvsHeading(l *listLine) mvsKind {
	for _, h := range mvsHeadings {
		if l.at(0) == h.words[0] && l.at(1) == h.words[1] && l.at(2) == h.words[2] {
			return h.kind
		}
	}
	return mvsNone
}

// mvsNotOnline are the texts in place of the columns of a data set that is not on
// a disk.
var mvsNotOnline = []string{"Migrated", "ARCIVE", "Pseudo Directory", "Error determining attributes", "Not Mounted"}

// mvsDatasetLine reads "VOL001 3390 2024/11/22 1 15 FB 80 3120 PO HLQ.NAME". The
// date is that of the last use, hence a fact and no time of change.
func mvsDatasetLine(l *listLine, e *protocols.Entry) bool {
	name := l.at(l.n - 1)
	if l.n < 2 || !mvsDatasetName(name) {
		return false
	}
	e.Name, e.Type, e.Size = strings.Trim(name, "'"), protocols.TypeFile, -1
	text := l.text(0, l.n-1)
	for _, state := range mvsNotOnline {
		if strings.HasPrefix(text, state) {
			e.Facts = map[string]string{"mvs.state": text}
			if state == "Pseudo Directory" {
				e.Type = protocols.TypeDir
			}
			return true
		}
	}
	org := l.at(l.n - 2)
	if org != "Tape" && org != "Device" && org != "VSAM" && l.n < 8 {
		return false
	}
	e.Facts = map[string]string{"mvs.volume": l.at(0), "mvs.dsorg": org}
	if _, _, _, ok := ymd(l.at(2)); ok {
		e.Facts["mvs.referred"] = l.at(2)
	}
	if strings.HasPrefix(org, "PO") {
		e.Type = protocols.TypeDir
	}
	return true
}

// mvsDatasetName checks the letters of a data set's name, which quotes may
// enclose.
func mvsDatasetName(s string) bool {
	if len(s) > 1 && s[0] == '\'' {
		s = strings.Trim(s, "'")
	}
	for i := range len(s) {
		b := lower(s[i])
		if (b < 'a' || b > 'z') && !isDigit(b) && strings.IndexByte(".$#@-()", b) < 0 {
			return false
		}
	}
	return s != "" && !isDigit(s[0])
}

// mvsMemberLine reads "NAME 01.00 2024/11/01 2024/11/22 08:01 26 26 0 USER", or
// the name alone when the member has no statistics. Sizes count records.
func mvsMemberLine(l *listLine, c *listContext, e *protocols.Entry) bool {
	name := l.at(0)
	if len(name) > 8 || !mvsDatasetName(name) {
		return false
	}
	e.Name, e.Type, e.Size = name, protocols.TypeFile, -1
	if l.n == 1 {
		return true
	}
	y, m, d, ok := ymd(l.at(3))
	k, okClock := parseClock(l.at(4))
	if !ok || !okClock || l.n < 8 {
		return false
	}
	when := c.at(y, m, d, k)
	e.Modified, e.Accuracy, e.Owner = when.t, when.acc, l.at(8)
	e.Facts = map[string]string{"mvs.version": l.at(1), "mvs.created": l.at(2), "mvs.records": l.at(5)}
	return true
}

// mvsLoadLine reads "NAME 00A1B8 000201 00 FO RN RU 31 ANY"; the size is that of
// the module in memory.
func mvsLoadLine(l *listLine, e *protocols.Entry) bool {
	name, size := l.at(0), l.at(1)
	if l.n < 3 || len(name) > 8 || !mvsDatasetName(name) || len(size) < 6 || strings.Trim(size, "0123456789ABCDEF") != "" {
		return false
	}
	e.Name, e.Type, e.Size = name, protocols.TypeFile, -1
	e.Facts = map[string]string{"mvs.modulesize": size}
	return true
}

// mvsJobLine reads "NAME JOB00123 OWNER OUTPUT A RC=0000 3 spool files", with or
// without the owner. Jobs go by their id.
func mvsJobLine(l *listLine, c *listContext, e *protocols.Entry) bool {
	id := l.at(1)
	if len(id) < 5 || strings.Trim(id[:3], "JOBSTCU0123456789") != "" || !isDigits(id[3:]) || isDigit(id[0]) {
		return false
	}
	status := l.at(3)
	if jobStatus(l.at(2)) {
		status = l.at(2)
	} else {
		e.Owner = l.at(2)
	}
	if !jobStatus(status) {
		return false
	}
	c.job = id
	e.Name, e.Type, e.Size = id, protocols.TypeFile, -1
	e.Facts = map[string]string{"mvs.jobname": l.at(0), "mvs.status": status}
	return true
}

func jobStatus(s string) bool {
	return s == "INPUT" || s == "ACTIVE" || s == "OUTPUT" || s == "HELD"
}

// mvsSpoolLine reads "001 JES2 N/A A JESMSGLG 1200" below a job's line; the file
// is fetched as JOBID.001.
func mvsSpoolLine(l *listLine, c *listContext, e *protocols.Entry) bool {
	size, ok := parseSize(l.at(l.n - 1))
	if !ok || l.n < 5 || c.job == "" || !isDigits(l.at(0)) {
		return false
	}
	e.Name, e.Type, e.Size = c.job+"."+l.at(0), protocols.TypeFile, size
	e.Facts = map[string]string{"mvs.stepname": l.at(1), "mvs.ddname": l.at(l.n - 2)}
	return true
}
