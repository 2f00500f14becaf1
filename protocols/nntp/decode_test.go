package nntp

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// bodies returns the bodies of articles of one encoded file.
func bodies(data []byte, partSize int) (out []string) {
	for _, a := range newslab.YEncArticles("local.test", "file.bin", data, partSize) {
		_, body, _ := strings.Cut(a, "\n\n")
		out = append(out, strings.ReplaceAll(body, "\n", "\r\n"))
	}
	return out
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.UintN(256))
	}
	return b
}

func TestYEnc(t *testing.T) {
	for _, n := range []int{1, 7, 127, 128, 129, 1000, 100_000} {
		data := random(n)
		d := NewDecoder(strings.NewReader("text before\r\n" + bodies(data, n)[0] + "text behind\r\n"))
		p, err := d.Next()
		if err != nil || p.Name != "file.bin" || p.Size != int64(n) || p.Part != 0 {
			t.Fatalf("%+v, %v", p, err)
		}
		got, err := io.ReadAll(d)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %d came back, %v", n, len(got), err)
		}
		if _, err := d.Next(); err != io.EOF {
			t.Errorf("a second piece: %v", err)
		}
	}
}

// TestYEncBytes decodes every pair of bytes, which covers each escape at each
// place in a word of eight.
func TestYEncBytes(t *testing.T) {
	line := make([]byte, 0, 64)
	for c := range 256 {
		for at := range 9 {
			line = line[:0]
			want := bytes.Repeat([]byte{byte(c)}, 9)
			for i := range 9 {
				if i == at {
					line = append(line, '=', byte(c)+42+64)
				} else {
					line = append(line, byte(c)+42)
				}
			}
			if byte(c)+42 == '=' {
				continue // cannot stand without escape
			}
			if got := appendYEnc(nil, line); !bytes.Equal(got, want) {
				t.Fatalf("%d at %d: %v", c, at, got)
			}
		}
	}
}

// TestDamaged: what lies about its size, its place or its content is an error of
// kind Protocol, and never returns more than was announced (24).
func TestDamaged(t *testing.T) {
	good := bodies([]byte("hello, world"), 100)[0]
	crc := fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte("hello, world")))
	for name, text := range map[string]string{
		"crc":              strings.Replace(good, crc, "00000001", 1),
		"size":             strings.ReplaceAll(good, "size=12", "size=13"),
		"end size":         strings.Replace(good, "=yend size=12", "=yend size=11", 1),
		"more than said":   strings.ReplaceAll(good, "size=12", "size=3"),
		"no end":           good[:strings.Index(good, "=yend")],
		"huge size":        strings.Replace(good, "size=12", "size=99999999999999999999", 1),
		"begin in between": strings.Replace(good, "=yend", "=ybegin line=128 size=1 name=x\r\n=yend", 1),
		"no ypart":         strings.Replace(good, "=ybegin ", "=ybegin part=1 total=2 ", 1),
		"part outside":     "=ybegin part=1 total=2 line=128 size=10 name=x\r\n=ypart begin=5 end=11\r\n",
		"part backwards":   "=ybegin part=1 total=2 line=128 size=10 name=x\r\n=ypart begin=5 end=2\r\n",
		"part from 0":      "=ybegin part=1 total=2 line=128 size=10 name=x\r\n=ypart begin=0 end=2\r\n",
		"uu cut":           "begin 644 x\r\n#86)C\r\n",
		"uu empty line":    "begin 644 x\r\nM\r\n`\r\nend\r\n",
		"uu size":          "begin 644 x\r\n#86)C\r\n`\r\n",
	} {
		d := NewDecoder(strings.NewReader(text))
		p, err := d.Next()
		if err == nil {
			var n int64
			n, err = io.Copy(io.Discard, d)
			if p.Length >= 0 && n > p.Length {
				t.Errorf("%s: %d bytes, %d were announced", name, n, p.Length)
			}
		}
		if protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%s: %v, want kind protocol", name, err)
		}
	}
}

func TestUU(t *testing.T) {
	text := "begin with the word\r\n\r\nbegin 644 hello.txt\r\n-:&5L;&\\L('=O<FQD\"@``\r\n`\r\nend\r\n"
	d := NewDecoder(strings.NewReader(text))
	p, err := d.Next()
	if err != nil || p.Name != "hello.txt" || p.Mode != "644" || p.Encoding != "uuencode" {
		t.Fatalf("%+v, %v", p, err)
	}
	if got, err := io.ReadAll(d); err != nil || string(got) != "hello, world\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// buffer is a file in memory.
// TestUUSplit: a file that was posted in several articles, with text before and
// behind, is put together; text alone is not part of it.
func TestUUSplit(t *testing.T) {
	data := random(1000)
	var coded strings.Builder
	coded.WriteString("begin 644 parts.bin\r\n")
	for rest := data; len(rest) > 0; {
		n := min(45, len(rest))
		line := append([]byte{' ' + byte(n)}, make([]byte, 0, 60)...)
		for g := rest[:n]; len(g) > 0; g = g[min(3, len(g)):] {
			b := append(append([]byte(nil), g[:min(3, len(g))]...), 0, 0)
			for _, v := range []byte{b[0] >> 2, b[0]<<4 | b[1]>>4, b[1]<<2 | b[2]>>6, b[2]} {
				line = append(line, ' '+v&0x3f)
			}
		}
		coded.Write(append(line, "\r\n"...))
		rest = rest[n:]
	}
	coded.WriteString("`\r\nend\r\n")
	lines := strings.SplitAfter(coded.String(), "\r\n")
	articles := []string{"Here it is.\r\n\r\n" + strings.Join(lines[:9], ""), "Merely text.\r\n", "Part 2\r\nMore text that is no part\r\n" + strings.Join(lines[9:15], ""), strings.Join(lines[15:], "") + "bye\r\n"}
	out := &buffer{}
	j := NewJoin(out)
	var tail *Piece
	pieces := 0
	for _, body := range articles {
		d := NewDecoder(strings.NewReader(body))
		d.Split = true
		if tail != nil {
			d.Continue(*tail)
		}
		p, err := d.Next()
		if err == io.EOF {
			continue
		}
		if err != nil || p.Name != "parts.bin" {
			t.Fatalf("%+v, %v", p, err)
		}
		if err := j.Add(d); err != nil {
			t.Fatal(err)
		}
		pieces++
		at := d.Piece()
		at.Offset = j.Size()
		tail = &at
		if d.Unfinished() != (pieces < 3) {
			t.Errorf("piece %d: unfinished %v", pieces, d.Unfinished())
		}
	}
	if pieces != 3 || !bytes.Equal(out.b, data) || len(j.Missing()) != 0 {
		t.Errorf("%d pieces, %d bytes of %d", pieces, len(out.b), len(data))
	}
	d := NewDecoder(strings.NewReader(articles[0]))
	if _, err := d.Next(); err != nil {
		t.Fatal(err)
	}
	if err := NewJoin(&buffer{}).Add(d); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("cut short where nothing follows: %v", err)
	}
}

type buffer struct{ b []byte }

func (m *buffer) WriteAt(p []byte, at int64) (int, error) {
	if need := int(at) + len(p); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	return copy(m.b[at:], p), nil
}

func (m *buffer) ReadAt(p []byte, at int64) (int, error) { return bytes.NewReader(m.b).ReadAt(p, at) }

func TestJoin(t *testing.T) {
	data := random(10_000)
	parts := bodies(data, 3000)
	var out buffer
	j := NewJoin(&out)
	add := func(text string) error {
		d := NewDecoder(strings.NewReader(text))
		if _, err := d.Next(); err != nil {
			t.Fatal(err)
		}
		return j.Add(d)
	}
	for _, i := range []int{3, 0, 2} {
		if err := add(parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	if gaps := j.Missing(); !slices.Equal(gaps, [][2]int64{{3000, 6000}}) {
		t.Errorf("missing %v", gaps)
	}
	if err := add(parts[0]); err != nil || len(j.Missing()) != 1 {
		t.Errorf("a part twice: %v", err)
	}
	if err := add(bodies(data, 4000)[0]); protocols.KindOf(err) != protocols.KindProtocol || len(j.Missing()) != 1 {
		t.Errorf("a part that overlaps with another one: %v, missing %v", err, j.Missing())
	}
	if err := add(strings.Replace(parts[1], "pcrc32=", "pcrc32=00000000 x=", 1)); err == nil || len(j.Missing()) != 1 {
		t.Errorf("a damaged part: %v, missing %v", err, j.Missing())
	}
	if err := add(strings.Replace(parts[1], "size=10000", "size=10001", 1)); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("a part of another file: %v", err)
	}
	if err := add(parts[1]); err != nil || len(j.Missing()) != 0 || !bytes.Equal(out.b, data) {
		t.Errorf("%v, missing %v", err, j.Missing())
	}
	if err := j.Verify(&out); err != nil {
		t.Error(err)
	}
	out.b[5]++
	if err := j.Verify(&out); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("a changed file: %v", err)
	}
	small := NewJoin(&buffer{})
	small.Max = 9999
	d := NewDecoder(strings.NewReader(parts[0]))
	d.Next()
	if err := small.Add(d); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("larger than allowed: %v", err)
	}
}

func TestNZBFetch(t *testing.T) {
	news := newslab.Sample()
	s := labtest.Start(t, newslab.Start, newslab.Options{News: news})
	var clients []*Client
	for range 3 {
		clients = append(clients, labtest.Connect(t, New, s, nil))
	}
	var nzb strings.Builder
	nzb.WriteString(`<?xml version="1.0" encoding="iso-8859-1"?><!DOCTYPE nzb><nzb xmlns="x"><head><meta type="a">b</meta></head><file subject='"p.bin" (1/3)' poster="a"><groups><group>g</group></groups><segments>`)
	for i := range 3 {
		fmt.Fprintf(&nzb, `<segment number="%d" bytes="9">pattern.bin.%d@lab.invalid</segment>`, 3-i, 3-i)
	}
	nzb.WriteString(`</segments></file><file subject="x"><segments><segment number="1">uu1@lab.invalid</segment></segments></file></nzb>`)
	files, err := ParseNZB(strings.NewReader(nzb.String()))
	if err != nil || len(files) != 2 || files[0].Name() != "p.bin" || len(files[0].Segments) != 3 || files[0].Segments[0].Number != 1 {
		t.Fatalf("%+v, %v", files, err)
	}
	fetch := func(f *NZBFile) (*Fetched, *buffer, error) {
		out := &buffer{}
		done, err := (&Fetch{Clients: clients, Create: func(string) (io.WriterAt, error) { return out, nil }}).File(t.Context(), f)
		return done, out, err
	}
	done, out, err := fetch(&files[0])
	if err != nil || len(done.Missing) > 0 || done.Name != "pattern.bin" || !bytes.Equal(out.b, newslab.SampleBinary()) {
		t.Errorf("%+v, %v", done, err)
	}
	done, out, err = fetch(&files[1])
	if err != nil || done.Name != "hello.txt" || string(out.b) != "hello, world\n" {
		t.Errorf("%+v, %q, %v", done, out.b, err)
	}
	news.Cancel("<pattern.bin.2@lab.invalid>")
	done, _, err = fetch(&files[0])
	if err != nil || len(done.Missing) != 1 || done.Missing[0].Number != 2 || !errors.Is(done.Missing[0].Err, fs.ErrNotExist) {
		t.Errorf("%+v, %v", done, err)
	}
	broken := &Fetch{Clients: clients, Create: func(string) (io.WriterAt, error) { return nil, errBroken }}
	if _, err := broken.File(t.Context(), &files[0]); !errors.Is(err, errBroken) {
		t.Errorf("no file to write to: %v", err)
	}
}

// TestNZBResume: a second run takes up what the first one has got, and asks for the
// rest only.
func TestNZBResume(t *testing.T) {
	news := newslab.Sample()
	news.Lose("<pattern.bin.2@lab.invalid>")
	s := labtest.Start(t, newslab.Start, newslab.Options{News: news})
	file := &NZBFile{}
	for i := range 3 {
		file.Segments = append(file.Segments, NZBSegment{ID: fmt.Sprintf("<pattern.bin.%d@lab.invalid>", i+1), Number: i + 1})
	}
	out, begun := &buffer{}, map[string]Piece{}
	run := func(s *newslab.Server) (*Fetched, error) {
		f := &Fetch{Clients: []*Client{labtest.Connect(t, New, s, nil), labtest.Connect(t, New, s, nil)}, Begun: maps.Clone(begun)}
		f.Create = func(string) (io.WriterAt, error) { return out, nil }
		f.Note = func(id string, p Piece) error {
			begun[id] = p
			return nil
		}
		return f.File(t.Context(), file)
	}
	if done, err := run(s); err != nil || len(done.Missing) != 1 || len(begun) != 2 {
		t.Fatalf("%+v, %v, %v", done, begun, err)
	}
	whole := labtest.Start(t, newslab.Start, newslab.Options{})
	done, err := run(whole)
	if err != nil || len(done.Missing) != 0 || done.Name != "pattern.bin" || !bytes.Equal(out.b, newslab.SampleBinary()) {
		t.Errorf("%+v, %v", done, err)
	}
	asked := 0
	for _, line := range whole.Commands() {
		if strings.HasPrefix(line, "BODY ") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("%d parts were asked for, want 1", asked)
	}
	if done, err := run(whole); err != nil || done.Bytes != int64(len(out.b)) {
		t.Errorf("nothing left to do: %+v, %v", done, err)
	}
	out.b[5]++ // what the first run wrote is not what it was
	if _, err := run(whole); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("damaged meanwhile: %v, want kind protocol", err)
	}
	begun["<pattern.bin.3@lab.invalid>"] = begun["<pattern.bin.1@lab.invalid>"]
	if _, err := run(whole); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("notes that make no sense: %v, want kind protocol", err)
	}
}

func TestBadNZB(t *testing.T) {
	for _, text := range []string{"", "not xml at all", "<nzb><file><segments><segment>a b</segment></segments></file></nzb>", "<nzb><file>", "<html/>", "<nzb><file><segments><segment>x\r\nQUIT@y</segment></segments></file></nzb>"} {
		if _, err := ParseNZB(strings.NewReader(text)); protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%q: %v, want kind protocol", text, err)
		}
	}
}

func TestNewsrc(t *testing.T) {
	const text = "options -x\na.b: 1-5,7,10-12\nc.d!\ne.f!3\n"
	n, err := ParseNewsrc(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if !n.Read("a.b", 5) || n.Read("a.b", 6) || n.Read("x", 1) || !slices.Equal(n.Groups(), []string{"a.b"}) {
		t.Error("ranges are not as they are written")
	}
	n.Mark("a.b", 6, 9)
	n.Mark("new.group", 4, 4)
	if got := n.Unread("a.b", 1); got != 13 {
		t.Errorf("unread from %d", got)
	}
	var out strings.Builder
	if _, err := n.WriteTo(&out); err != nil || out.String() != "options -x\na.b: 1-12\nc.d!\ne.f! 3\nnew.group: 4\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	for _, bad := range []string{"a: x", "a: 5-1", "a: 99999999999999999999", "a: 5-"} {
		if _, err := ParseNewsrc(strings.NewReader(bad)); protocols.KindOf(err) != protocols.KindLocal {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// BenchmarkYEnc decodes 16 MiB with its checksum.
func BenchmarkYEnc(b *testing.B) {
	data := random(16 << 20)
	text := []byte(bodies(data, len(data))[0])
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		d := NewDecoder(bytes.NewReader(text))
		if _, err := d.Next(); err != nil {
			b.Fatal(err)
		}
		if _, err := d.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
