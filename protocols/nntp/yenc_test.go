package nntp

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
)

// yencPart returns the body of one part of a yEnc file. change is made to its text.
func yencPart(data []byte, number, size int, change ...string) string {
	from, to := (number-1)*size, min(number*size, len(data))
	var coded strings.Builder
	for i, b := range data[from:to] {
		switch c := b + 42; c {
		case 0, '\n', '\r', '=':
			coded.WriteByte('=')
			coded.WriteByte(c + 64)
		default:
			coded.WriteByte(c)
		}
		if i%100 == 99 {
			coded.WriteString("\r\n")
		}
	}
	text := fmt.Sprintf("=ybegin part=%d total=%d line=128 size=%d name=f.bin\r\n=ypart begin=%d end=%d\r\n%s\r\n=yend size=%d part=%d pcrc32=%08x\r\n",
		number, (len(data)+size-1)/size, len(data), from+1, to, coded.String(), to-from, number, crc32.ChecksumIEEE(data[from:to]))
	return strings.NewReplacer(change...).Replace(text)
}

// TestYEncWriters: deviations of encoders that leave no doubt about the file.
func TestYEncWriters(t *testing.T) {
	data := random(250)
	for name, change := range map[string]func(part int) []string{
		"as it should be": func(int) []string { return nil },
		"size of the part": func(part int) []string {
			return []string{"128 size=250", fmt.Sprintf("128 size=%d", min(100, 250-(part-1)*100))}
		},
		"empty line":                    func(int) []string { return []string{"=ypart begin", "\r\n=ypart begin"} },
		"total counts up":               func(part int) []string { return []string{"total=3", fmt.Sprint("total=", part)} },
		"size wrong in one":             func(part int) []string { return []string{"128 size=250", fmt.Sprintf("128 size=%d", 250+part/3)} },
		"checksum of the part as crc32": func(int) []string { return []string{"pcrc32", "crc32"} },
	} {
		out := &buffer{}
		j := NewJoin(out)
		j.Vote = true
		for _, part := range []int{2, 1, 3} {
			d := NewDecoder(strings.NewReader(yencPart(data, part, 100, change(part)...)))
			_, err := d.Next()
			if err == nil {
				err = j.Add(d)
			}
			if err != nil {
				t.Errorf("%s, part %d: %v", name, part, err)
			}
		}
		if gaps := j.Missing(); len(gaps) != 0 || j.Size() != 250 || !bytes.Equal(out.b, data) || j.Verify(out) != nil {
			t.Errorf("%s: %d bytes, missing %v, %v", name, j.Size(), gaps, j.Verify(out))
		}
	}
}

// TestYEncWords: errors state the numbers that disagree.
func TestYEncWords(t *testing.T) {
	data := random(100)
	for change, want := range map[string]string{
		"=yend size=100|=yend size=99": "100 bytes instead of the 99 that its =yend states",
		"=yend|":                       "without =yend",
		"begin=1 |begin=0 ":            "=ypart with begin=0",
		"=ypart|=ytrap":                "no =ypart",
		"128 size=100|128 size=9":      "bytes 1 to 100 of 9",
		"=ybegin|=ybogus":              "=ypart without =ybegin",
	} {
		from, to, _ := strings.Cut(change, "|")
		text := yencPart(data, 1, 100, from, to)
		if to == "" {
			text, _, _ = strings.Cut(yencPart(data, 1, 100), from)
		}
		d := NewDecoder(strings.NewReader(text))
		p, err := d.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, d)
		} else if p != nil || want != "=ypart without =ybegin" && d.Piece().Name != "f.bin" {
			t.Errorf("%s: the piece is %+v, %+v", change, p, d.Piece())
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "closed the connection") {
			t.Errorf("%s: %v, want %q", change, err, want)
		}
		if _, err := d.Next(); err != io.EOF {
			t.Errorf("%s: after it %v", change, err)
		}
	}
}
