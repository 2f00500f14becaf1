package nntp

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestWriteYEnc: what is encoded is decoded to the same, whatever the bytes, and no line
// can be taken for anything else.
func TestWriteYEnc(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i), byte(255-i))
	}
	for _, content := range [][]byte{nil, {0}, []byte("."), all, bytes.Repeat([]byte{'.' - yencShift}, 300), bytes.Repeat([]byte{256 + ' ' - yencShift}, 129), []byte(strings.Repeat("text\r\n", 1000))} {
		for _, p := range []Piece{
			{Name: "a b é.bin", Size: int64(len(content)), Length: int64(len(content))},
			{Name: "p", Size: int64(len(content)) + 10, Part: 2, Total: 2, Offset: 10, Length: int64(len(content)), FileCRC: 7, HasFileCRC: true},
		} {
			var b bytes.Buffer
			if err := WriteYEnc(&b, &p, bytes.NewReader(content)); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				text := strings.TrimSuffix(line, "\r\n")
				if text == line || strings.ContainsAny(text, "\r\n\x00") || strings.HasPrefix(text, ".") || len(text) > 2*yencWidth && !strings.HasPrefix(text, "=y") {
					t.Errorf("the line %q", line)
				}
			}
			d := NewDecoder(&b)
			got, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(d)
			if err != nil || !bytes.Equal(text, content) || got.Name != p.Name || got.Part != p.Part || got.Offset != p.Offset || got.Size != p.Size {
				t.Errorf("%d of %d bytes, %+v, %v", len(text), len(content), got, err)
			}
		}
	}
	for _, p := range []Piece{{Name: "", Length: 1}, {Name: "a\r\nb", Length: 1}} {
		if err := WriteYEnc(io.Discard, &p, strings.NewReader("x")); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%q: %v", p.Name, err)
		}
	}
	for _, text := range []string{"", "xy"} {
		if err := WriteYEnc(io.Discard, &Piece{Name: "n", Size: 1, Length: 1}, strings.NewReader(text)); protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestWriteNZB: what is written is read again.
func TestWriteNZB(t *testing.T) {
	files := []NZBFile{{
		Subject: `[1/1] - "a <b> & c.bin" yEnc (1/2)`, Poster: "Ann <ann@shop.test>", Groups: []string{"alt.test", "b.c"},
		Segments: []NZBSegment{{"<1.a$b@shop.test>", 1, 100}, {"<2@shop.test>", 2, 50}},
	}}
	var b bytes.Buffer
	if err := WriteNZB(&b, files, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	got, err := ParseNZB(&b)
	if err != nil || !reflect.DeepEqual(got, files) {
		t.Errorf("%+v, %v", got, err)
	}
}
