package show

import (
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/maildate"
	"github.com/netclients/netclients/protocols"
)

// EntryPrinter writes entries: JSON lines, or a table whose columns are those of
// the first entry's kind.
type EntryPrinter struct {
	held   []protocols.Entry // come before the layout is known
	o      *Output
	long   bool
	Human  bool   // sizes as 1.5 MiB
	Below  string // folder of a listing in depth: names are shown as paths below it
	Deep   bool
	layout *layout
	table  *Table
	cells  []string
}

// layout is a way to show entries of one kind.
type layout struct {
	columns []string // names of the header row, which only a terminal gets
	cells   func(p *EntryPrinter, e *protocols.Entry) []string
}

var (
	shortLayout   = layout{[]string{""}, (*EntryPrinter).short}
	longLayout    = layout{[]string{"MODE", "OWNER", "GROUP", ">SIZE", "MODIFIED", "NAME"}, (*EntryPrinter).full}
	menuLayout    = layout{[]string{"TYPE", ">SIZE", "MODIFIED", "NAME", "URL"}, (*EntryPrinter).item}
	groupLayout   = layout{[]string{"NAME", ">COUNT", ">LOW", ">HIGH", "POST", "ABOUT"}, (*EntryPrinter).group}
	messageLayout = layout{[]string{">NAME", ">SIZE", "DATE", "FROM", "SUBJECT"}, (*EntryPrinter).message}
	letterLayout  = layout{[]string{">NAME", "UID", "FLAGS", ">SIZE", "DATE", "FROM", "TO", "SUBJECT"}, (*EntryPrinter).letter}
)

// NewEntryPrinter returns a printer of entries on o.
func NewEntryPrinter(o *Output, long bool) *EntryPrinter { return &EntryPrinter{o: o, long: long} }

func (p *EntryPrinter) layoutOf(e *protocols.Entry) *layout {
	switch {
	case p.long && e.MessageInfo != nil:
		return &letterLayout
	case e.MessageInfo != nil:
		return &messageLayout
	case p.long && e.GroupInfo != nil:
		return &groupLayout
	case p.long && e.Facts["kind"] != "":
		return &menuLayout
	case p.long:
		return &longLayout
	}
	return &shortLayout
}

// Put prints an entry.
func (p *EntryPrinter) Put(e *protocols.Entry) error {
	if p.o.JSON {
		return p.o.Object(e)
	}
	if p.layout == nil {
		if !p.decides(e) && len(p.held) < maxHeld {
			p.held = append(p.held, *e)
			return nil
		}
		if err := p.begin(e); err != nil {
			return err
		}
	}
	return p.row(e)
}

// maxHeld is how many entries are held back until one decides on the layout.
const maxHeld = 1000

// decides reports whether an entry shows what those of its listing have. One that was not
// understood does not, and neither does a mailbox without counts.
func (p *EntryPrinter) decides(e *protocols.Entry) bool {
	_, mailbox := e.Facts["delimiter"]
	return e.GroupInfo != nil || e.MessageInfo != nil || e.Parsed() && !(mailbox && p.long)
}

// begin chooses the layout that fits an entry, and prints those before it.
func (p *EntryPrinter) begin(e *protocols.Entry) error {
	p.layout = p.layoutOf(e)
	p.table = p.o.NewTable(p.layout.header(p.o.TTY)...)
	for i := range p.held {
		if err := p.row(&p.held[i]); err != nil {
			return err
		}
	}
	p.held = nil
	return nil
}

// header returns the columns, with names where people read them: scripts count rows.
func (l *layout) header(named bool) []string {
	if named {
		return l.columns
	}
	bare := make([]string, len(l.columns))
	for i, c := range l.columns {
		if strings.HasPrefix(c, ">") {
			bare[i] = ">"
		}
	}
	return bare
}

// row prints one entry. One that lacks what the layout shows has empty cells.
func (p *EntryPrinter) row(e *protocols.Entry) error {
	switch {
	case p.layout == &groupLayout && e.GroupInfo == nil, (p.layout == &messageLayout || p.layout == &letterLayout) && e.MessageInfo == nil:
		p.cells = append(append(p.cells[:0], p.name(e)), make([]string, len(p.layout.columns)-1)...)
	default:
		p.cells = p.layout.cells(p, e)
	}
	if len(p.cells) == 1 {
		return p.o.Line(p.cells[0])
	}
	return p.table.Row(p.cells...)
}

// End prints what is held back.
func (p *EntryPrinter) End() error {
	if len(p.held) > 0 {
		if err := p.begin(&p.held[len(p.held)-1]); err != nil {
			return err
		}
	}
	if p.table == nil {
		return nil
	}
	return p.table.End()
}

// marks end names in a short listing, as ls -F does.
var marks = map[protocols.Type]string{protocols.TypeDir: "/", protocols.TypeMenu: "/", protocols.TypeLink: "@"}

var typeColors = map[protocols.Type]string{
	protocols.TypeDir: blue, protocols.TypeMenu: blue, protocols.TypeMailbox: blue, protocols.TypeLink: Cyan,
	protocols.TypeInfo: Dim, protocols.TypeSearch: Green,
}

func (p *EntryPrinter) short(e *protocols.Entry) []string {
	return append(p.cells[:0], p.name(e)+marks[e.Type])
}

// name shows the path below a listed folder where there is one, else the name; a
// line that was not understood stands as it came.
func (p *EntryPrinter) name(e *protocols.Entry) string {
	if !e.Parsed() {
		return p.o.Paint.As(Red, Safe(e.Raw))
	}
	name := e.Name
	if p.Deep {
		name = strings.TrimPrefix(strings.TrimPrefix(e.Path, p.Below), "/")
	}
	return p.o.Paint.As(typeColors[e.Type], Safe(name))
}

func (p *EntryPrinter) full(e *protocols.Entry) []string {
	name := p.name(e)
	if e.Target != "" {
		name += " -> " + Safe(e.Target)
	}
	return append(p.cells[:0], modeText(e), Safe(e.Owner), Safe(e.Group), p.size(e), timeText(e), name)
}

// item is a line of a menu, with the URL that opens it: its name does not tell that.
func (p *EntryPrinter) item(e *protocols.Entry) []string {
	return append(p.cells[:0], string(e.Type), p.size(e), timeText(e), p.name(e), Safe(protocols.RedactText(e.URL)))
}

// message begins with what names the message in the verbs that take one.
func (p *EntryPrinter) message(e *protocols.Entry) []string {
	return append(p.cells[:0], Safe(e.Name), p.size(e), dateText(e), Safe(e.From), Safe(subject(e)))
}

func (p *EntryPrinter) letter(e *protocols.Entry) []string {
	return append(p.cells[:0], Safe(e.Name), Safe(e.UID), Safe(strings.Join(e.Flags, " ")), p.size(e), dateText(e), Safe(e.From), Safe(e.To), Safe(subject(e)))
}

// subject returns the subject of a message, or its message-id if the server reported
// neither subject nor author.
func subject(e *protocols.Entry) string {
	if e.Subject == "" && e.From == "" {
		return e.MessageID
	}
	return e.Subject
}

// dateText shows when a message came or was written.
func dateText(e *protocols.Entry) string {
	if !e.Modified.IsZero() {
		return timeText(e)
	}
	written, ok := maildate.Parse(e.Date)
	if !ok {
		return Safe(e.Date)
	}
	return timeText(&protocols.Entry{Modified: written})
}

func (p *EntryPrinter) group(e *protocols.Entry) []string {
	return append(p.cells[:0], p.name(e), Number(e.Count), Number(e.Low), Number(e.High), Safe(e.Posting), Safe(e.Facts["description"]))
}

// Number returns a number as text for people.
func Number(n int64) string { return strconv.FormatInt(n, 10) }

// letters of types, as ls -l has them.
var letters = map[protocols.Type]string{protocols.TypeDir: "d", protocols.TypeMenu: "d", protocols.TypeLink: "l", protocols.TypeFile: "-"}

// modeText returns "drwxr-xr-x" where the permissions are known, else the type.
func modeText(e *protocols.Entry) string {
	letter := letters[e.Type]
	if !e.HasMode || letter == "" {
		return string(e.Type)
	}
	b := []byte(e.Mode.Perm().String())
	for _, s := range []struct {
		bit  fs.FileMode
		at   int
		mark byte
	}{{fs.ModeSetuid, 3, 's'}, {fs.ModeSetgid, 6, 's'}, {fs.ModeSticky, 9, 't'}} {
		if e.Mode&s.bit != 0 {
			if b[s.at] == '-' {
				s.mark -= 'a' - 'A'
			}
			b[s.at] = s.mark
		}
	}
	return letter + string(b[1:])
}

func (p *EntryPrinter) size(e *protocols.Entry) string {
	if p.Human && e.Size >= 0 {
		return HumanBytes(e.Size)
	}
	return sizeText(e.Size)
}

func sizeText(n int64) string {
	if n < 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

// timeText shows local time, no more exact than it is known.
func timeText(e *protocols.Entry) string {
	form := "2006-01-02 15:04:05"
	switch {
	case e.Modified.IsZero():
		return "-"
	case e.Accuracy >= 24*time.Hour:
		form = "2006-01-02"
	case e.Accuracy >= time.Minute:
		form = "2006-01-02 15:04"
	}
	return e.Modified.Local().Format(form)
}

// HumanBytes returns "1.5 MiB".
func HumanBytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0") + " " + units[i:i+1] + "iB"
}
