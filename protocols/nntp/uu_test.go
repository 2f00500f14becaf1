package nntp

import (
	"bytes"
	"encoding/base64"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// uuCoded returns the lines of a uuencoded file, width bytes in each full one. zero is
// what stands for six zero bits.
func uuCoded(data []byte, width int, zero byte) (lines []string) {
	for len(data) > 0 {
		n := min(width, len(data))
		line := []byte{' ' + byte(n)}
		for g := data[:n]; len(g) > 0; g = g[min(3, len(g)):] {
			b := append(bytes.Clone(g[:min(3, len(g))]), 0, 0)
			for _, v := range []byte{b[0] >> 2, b[0]<<4 | b[1]>>4, b[1]<<2 | b[2]>>6, b[2]} {
				line = append(line, ' '+v&0x3f)
			}
		}
		head, rest := line[:1], bytes.ReplaceAll(line[1:], []byte(" "), []byte{zero})
		lines = append(lines, string(head)+string(rest))
		data = data[n:]
	}
	return lines
}

func decodeText(text string) (*Piece, []byte, error) {
	d := NewDecoder(strings.NewReader(text))
	p, err := d.Next()
	if err != nil {
		return p, nil, err
	}
	data, err := io.ReadAll(d)
	return p, data, err
}

// TestUUWriters: what the writers of uuencoded files and the systems in between make of
// a file. Each text between the lines belongs to no file.
func TestUUWriters(t *testing.T) {
	data := append(random(1000), make([]byte, 100)...)
	join := func(begin string, lines []string, end string) string {
		return begin + "\r\n" + strings.Join(lines, "\r\n") + "\r\n" + end + "\r\n"
	}
	plain, blanks := uuCoded(data, 45, '`'), uuCoded(data, 45, ' ')
	between := func(lines []string, text ...string) []string {
		return append(append(append([]string(nil), lines[:7]...), text...), lines[7:]...)
	}
	each := func(lines []string, change func(string) string) (out []string) {
		for _, l := range lines {
			out = append(out, change(l))
		}
		return out
	}
	for name, text := range map[string]string{
		"as usual":              join("begin 644 f", plain, "`\r\nend"),
		"blanks":                join("begin 644 f", blanks, " \r\nend"),
		"blanks lost":           join("begin 644 f", each(blanks, func(l string) string { return strings.TrimRight(l, " ") }), "\r\nend"),
		"checksums":             join("begin 644 f", each(plain, func(l string) string { return l + "X" }), "`\r\nend"),
		"63 bytes a line":       join("begin 644 f", uuCoded(data, 63, '`'), "`\r\nend"),
		"60 bytes a line":       join("begin 644 f", uuCoded(data, 60, ' '), " \r\nend"),
		"a mode of six digits":  join("begin 100644 f", plain, "`\r\nend"),
		"two blanks":            join("begin  644  f", plain, "`\r\nend"),
		"a blank after the end": join("begin 644 f", plain, "`\r\nend "),
		"no line before end":    join("begin 644 f", plain, "end"),
		"signature":             join("begin 644 f", between(plain, "-- ", "John Smith"), "`\r\nend"),
		"words in capitals":     join("begin 644 f", between(plain, "END OF PART 1", "MORE TO COME", "THIS IS PART 2 OF 2"), "`\r\nend"),
		"capitals and blanks":   join("begin 644 f", between(blanks, "END OF PART 1", "PART 2"), " \r\nend"),
		"cut here":              join("begin 644 f", between(plain, "--------------- CUT HERE ---------------", "", "--- 8< ---"), "`\r\nend"),
		"begin and end marks":   join("begin 644 f", between(plain, "END --- f cut here", "BEGIN --- f --- part 2/3"), "`\r\nend"),
		"base64":                join("begin-base64 644 f", []string{base64.StdEncoding.EncodeToString(data[:45]), "-- ", "bye", base64.StdEncoding.EncodeToString(data[45:90]), base64.StdEncoding.EncodeToString(data[90:100])}, "===="),
	} {
		want := data
		if name == "base64" {
			want = data[:100]
		}
		p, got, err := decodeText("Here it is:\r\n\r\n" + text + "bye\r\n")
		if err != nil || !bytes.Equal(got, want) || p.Name != "f" {
			t.Errorf("%s: %d of %d bytes, %v, %+v", name, len(got), len(want), err, p)
		}
	}
}

// TestUUDamagedLine: a data line of the wrong length is an error, not text.
func TestUUDamagedLine(t *testing.T) {
	lines := uuCoded(random(500), 45, '`')
	for name, change := range map[string]func(string) string{
		"cut":      func(l string) string { return l[:40] },
		"doubled":  func(l string) string { return l + l[1:] },
		"one less": func(l string) string { return l[:len(l)-1] },
	} {
		bad := append([]string(nil), lines...)
		bad[3] = change(bad[3])
		_, _, err := decodeText("begin 644 f\r\n" + strings.Join(bad, "\r\n") + "\r\n`\r\nend\r\n")
		if protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%s: %v, want kind protocol", name, err)
		}
	}
}

// TestUUSpoiltLine: a line amid data that was cut, or has characters of no data, fails the
// file: without its bytes the rest is not the file. Text that stands there is skipped.
func TestUUSpoiltLine(t *testing.T) {
	lower := func(l string) string { return l[:8] + "q" + l[9:] }
	cut := func(n int) func(string) string { return func(l string) string { return l[:len(l)-n] } }
	var coded []string
	for data := range slices.Chunk(random(500), 45) {
		coded = append(coded, base64.StdEncoding.EncodeToString(data))
	}
	for name, c := range map[string]struct {
		begin  string
		lines  []string
		end    string
		change func(string) string
	}{
		"small letter":       {"begin 644 f", uuCoded(random(500), 45, '`'), "`\r\nend", lower},
		"small letter, 60":   {"begin 644 f", uuCoded(random(500), 60, ' '), " \r\nend", lower},
		"base64, odd letter": {"begin-base64 644 f", coded, "====", func(l string) string { return l[:8] + "!" + l[9:] }},
		"base64, cut by 4":   {"begin-base64 644 f", coded, "====", cut(4)},
		"base64, cut by 3":   {"begin-base64 644 f", coded, "====", cut(3)},
	} {
		for _, i := range []int{3, len(c.lines) - 2} {
			bad := slices.Clone(c.lines)
			bad[i] = c.change(bad[i])
			_, _, err := decodeText(c.begin + "\r\n" + strings.Join(bad, "\r\n") + "\r\n" + c.end + "\r\n")
			if protocols.KindOf(err) != protocols.KindProtocol {
				t.Errorf("%s in line %d: %v, want kind protocol", name, i, err)
			}
		}
	}
	short := uuCoded(random(500), 45, '`')
	short[len(short)-1] = lower(short[len(short)-1])
	if _, _, err := decodeText("begin 644 f\r\n" + strings.Join(short, "\r\n") + "\r\n`\r\nend\r\n"); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("the last line: %v, want kind protocol", err)
	}
}

// TestUURest: an article that begins with the rest of a file is a piece, also if it is
// one short line, or only the end. Text is none.
func TestUURest(t *testing.T) {
	data := random(100)
	lines := uuCoded(data, 45, '`')
	for name, c := range map[string]struct {
		known bool
		body  string
		want  []byte
		piece bool
	}{
		"full lines":              {true, "part 2\r\n" + lines[1] + "\r\n" + lines[2] + "\r\n`\r\nend\r\n", data[45:], true},
		"a short line":            {true, "\r\n" + lines[2] + "\r\n`\r\nend\r\n", data[90:], true},
		"the end":                 {true, "`\r\nend\r\n", nil, true},
		"text":                    {true, "#ABCD\r\nNO DATA HERE\r\nhello\r\n", nil, false},
		"of nothing":              {false, lines[1] + "\r\n" + lines[2] + "\r\n`\r\nend\r\n", data[45:], true},
		"text, of nothing":        {false, "My text\r\nMAKE MONEY FAST\r\nend\r\n", nil, false},
		"another file in between": {true, "begin 644 other\r\n" + lines[0] + "\r\n`\r\nend\r\n", data[:45], true},
	} {
		d := NewDecoder(strings.NewReader(c.body))
		d.Split = true
		if c.known {
			first := NewDecoder(strings.NewReader("begin 644 f\r\n" + lines[0] + "\r\n"))
			first.Split = true
			if _, err := first.Next(); err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, first)
			d.Continue(first.Piece())
		}
		p, err := d.Next()
		if !c.piece {
			if err != io.EOF {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
			continue
		}
		got, bad := io.ReadAll(d)
		if err != nil || bad != nil || !bytes.Equal(got, c.want) || p.Continued == strings.Contains(name, "another") || (p.Name == "f") != (c.known && p.Continued) {
			t.Errorf("%s: %q, want %q, %v, %v, %+v", name, got, c.want, err, bad, p)
		}
	}
}
