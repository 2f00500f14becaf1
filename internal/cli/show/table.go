package show

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// screenful is how many rows a table holds back to find its column widths.
const screenful = 40

// Table writes aligned rows as they come. Widths are those of the first
// screenful; a later cell that is wider pushes its own row only.
type Table struct {
	o      *Output
	right  []bool // columns aligned to the right
	widths []int
	held   [][]string
	fixed  bool
	buf    []byte // of the row that is written, kept for the next
}

// NewTable makes a table. A column name that starts with ">" is aligned to the
// right; when all names are bare spaces there is no header.
func (o *Output) NewTable(columns ...string) *Table {
	t := &Table{o: o, widths: make([]int, len(columns)), right: make([]bool, len(columns))}
	header := false
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = strings.TrimSpace(strings.TrimPrefix(c, ">"))
		t.right[i] = strings.HasPrefix(c, ">")
		header = header || names[i] != ""
	}
	if header {
		for i, n := range names {
			names[i] = o.Paint.As(Bold, n)
		}
		t.held = append(t.held, names)
	}
	return t
}

// Row adds a row. Cells are harmless already, and may be coloured; no cell is
// kept after the row is written.
func (t *Table) Row(cells ...string) error {
	if t.fixed {
		return t.write(cells)
	}
	t.held = append(t.held, append([]string(nil), cells...))
	if len(t.held) < screenful {
		return nil
	}
	return t.End()
}

// End writes the rows still held. It is called once after the last row.
func (t *Table) End() error {
	for _, cells := range t.held {
		for i, c := range cells {
			t.widths[i] = max(t.widths[i], width(c))
		}
	}
	t.fixed = true
	for _, cells := range t.held {
		if err := t.write(cells); err != nil {
			return err
		}
	}
	t.held = nil
	return nil
}

func (t *Table) write(cells []string) error {
	b := t.buf[:0]
	for i, c := range cells {
		pad := max(0, t.widths[i]-width(c))
		if t.right[i] {
			b, pad = spaces(b, pad), 0
		}
		b = append(b, c...)
		if i < len(cells)-1 {
			b = spaces(b, pad+2)
		}
	}
	t.buf = append(bytes.TrimRight(b, " "), '\n')
	t.o.Count++
	return t.o.Write(t.buf)
}

func spaces(b []byte, n int) []byte {
	for range n {
		b = append(b, ' ')
	}
	return b
}

// width counts the columns a harmless text takes: colours take none, East Asian
// wide characters two.
func width(s string) int {
	if plain(s) {
		return len(s)
	}
	n := 0
	for i := 0; i < len(s); {
		if s[i] == 0x1b {
			if end := strings.IndexByte(s[i:], 'm'); end > 0 {
				i += end + 1
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		n += columns(r)
		i += size
	}
	return n
}

// columns returns how wide one character is; a rough table of the wide blocks is
// enough to align a listing.
func columns(r rune) int {
	switch {
	case r >= 0x300 && r < 0x370, r == 0x200b, r == 0x200c, r == 0x200d, r >= 0xfe00 && r < 0xfe10:
		return 0
	case r >= 0x1100 && r < 0x1160, r >= 0x2e80 && r < 0xa4d0, r >= 0xac00 && r < 0xd7a4,
		r >= 0xf900 && r < 0xfb00, r >= 0xfe30 && r < 0xfe70, r >= 0xff00 && r < 0xff61,
		r >= 0x1f300 && r < 0x1f650, r >= 0x1f900 && r < 0x1fa00, r >= 0x20000 && r < 0x40000:
		return 2
	}
	return 1
}
