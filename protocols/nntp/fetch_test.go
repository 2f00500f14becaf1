package nntp

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// bodyOf returns the whole reply to BODY with a text.
func bodyOf(text string) string { return "222 0 <x@y>\r\n" + text + ".\r\n" }

// holding starts a server that has the bodies of articles by their message-ids. Others
// are answered as the lab's server does.
func holding(t *testing.T, bodies map[string]string) *newslab.Server {
	t.Helper()
	return labtest.Start(t, newslab.Start, newslab.Options{Answer: func(line string) string {
		id, _ := strings.CutPrefix(line, "BODY ")
		return bodies[id]
	}})
}

// fetched fetches a file of an NZB whose segments are the message-ids.
func fetched(t *testing.T, c *Client, ids ...string) (*Fetched, *buffer, error) {
	t.Helper()
	file := &NZBFile{Subject: "f.bin (1/3)"}
	for i, id := range ids {
		file.Segments = append(file.Segments, NZBSegment{ID: id, Number: i + 1})
	}
	out := &buffer{}
	f := &Fetch{Clients: []*Client{c}, Create: func(string) (io.WriterAt, error) { return out, nil }}
	done, err := f.File(t.Context(), file)
	return done, out, err
}

// TestFetchFill: whatever keeps one server from delivering a part, the other one is
// asked for it.
func TestFetchFill(t *testing.T) {
	data := random(250)
	ids := []string{"<1@n>", "<2@n>", "<3@n>"}
	whole := map[string]string{}
	for i, id := range ids {
		whole[id] = bodyOf(yencPart(data, i+1, 100))
	}
	other := labtest.Connect(t, New, holding(t, whole), nil)
	for name, answer := range map[string]string{
		"430":           "430 no such article\r\n",
		"423":           "423 no such number\r\n",
		"451":           "451 removed by order\r\n",
		"403":           "403 internal fault\r\n",
		"502":           "502 not you\r\n",
		"503":           "503 not here\r\n",
		"wrong crc":     bodyOf(yencPart(data, 2, 100, "pcrc32=", "pcrc32=00000001 x=")),
		"empty":         bodyOf(""),
		"text":          bodyOf("removed\r\n"),
		"cut":           bodyOf(yencPart(data, 2, 100)[:90] + "\r\n"),
		"no header":     bodyOf(yencPart(data, 2, 100, "=ybegin", "=ybogus")),
		"hangs up":      newslab.HangUp,
		"cut off":       "222 0 <2@n>\r\n=ybegin part=2 ",
		"wrong article": "222 x y\r\n",
	} {
		for at, id := range ids {
			bodies := map[string]string{}
			for k, v := range whole {
				bodies[k] = v
			}
			bodies[id] = strings.ReplaceAll(answer, "part=2 ", fmt.Sprintf("part=%d ", at+1))
			if name == "cut off" { // ends within the article
				bodies[id] += newslab.HangUp
			}
			c := labtest.Connect(t, New, holding(t, bodies), nil)
			if done, _, err := fetched(t, c, ids...); err == nil && len(done.Missing) != 1 && at == 1 {
				t.Errorf("%s, alone: %+v, %v", name, done, err)
			}
			c.Fill = []*Client{other}
			done, out, err := fetched(t, c, ids...)
			if err != nil || len(done.Missing) > 0 || !bytes.Equal(out.b, data) {
				t.Errorf("%s of part %d: %+v, %v", name, at+1, done, err)
			}
		}
	}
}

// TestFetchFromSecond: the first server is down.
func TestFetchFromSecond(t *testing.T) {
	data := random(250)
	whole, texts := map[string]string{}, map[string]string{}
	ids := []string{"<1@n>", "<2@n>", "<3@n>"}
	lines := uuCoded(data, 45, '`')
	for i, id := range ids {
		whole[id] = bodyOf(yencPart(data, i+1, 100))
		texts[id] = bodyOf(strings.Join(lines[2*i:2*i+2], "\r\n") + "\r\n")
	}
	texts[ids[0]] = strings.Replace(texts[ids[0]], "\r\n", "\r\nbegin 644 f.bin\r\n", 1)
	texts[ids[2]] = strings.TrimSuffix(texts[ids[2]], ".\r\n") + "`\r\nend\r\n.\r\n"
	for _, bodies := range []map[string]string{whole, texts} {
		s := labtest.Start(t, newslab.Start, newslab.Options{})
		c := labtest.Connect(t, New, s, nil)
		s.Close()
		c.Fill = []*Client{labtest.Connect(t, New, holding(t, bodies), nil)}
		done, out, err := fetched(t, c, ids...)
		if err != nil || len(done.Missing) > 0 || !bytes.Equal(out.b, data) {
			t.Errorf("%+v, %v", done, err)
		}
	}
}

// TestFetchOdd: NZBs with segments that are of no use, or more than a file needs.
func TestFetchOdd(t *testing.T) {
	data := random(250)
	bodies := map[string]string{"<0@n>": bodyOf("What follows is a picture.\r\n"), "<u1@n>": bodyOf("begin 644 u.bin\r\n" + uuCoded(data, 45, '`')[0] + "\r\n"), "<u3@n>": bodyOf("`\r\nend\r\n")}
	for i := range 3 {
		bodies[fmt.Sprintf("<%d@n>", i+1)] = bodyOf(yencPart(data, i+1, 100))
		bodies[fmt.Sprintf("<nameless%d@n>", i+1)] = bodyOf(yencPart(data, i+1, 100, "name=f.bin", "name="))
	}
	c := labtest.Connect(t, New, holding(t, bodies), nil)
	for name, k := range map[string]struct {
		ids     []string
		missing int
		file    string
	}{
		"a part of text first":  {[]string{"<0@n>", "<1@n>", "<2@n>", "<3@n>"}, 0, "f.bin"},
		"a part twice":          {[]string{"<1@n>", "<2@n>", "<2@n>", "<gone@n>", "<3@n>"}, 0, "f.bin"},
		"an id that is none":    {[]string{"<1@n>", "no id", "<3@n>"}, 1, "f.bin"},
		"no name":               {[]string{"<nameless1@n>", "<nameless2@n>", "<nameless3@n>"}, 0, "f.bin"},
		"uuencoded, none for 2": {[]string{"<u1@n>", "<gone@n>", "<u3@n>"}, 1, "u.bin"},
	} {
		done, out, err := fetched(t, c, k.ids...)
		if err != nil || len(done.Missing) != k.missing || done.Name != k.file || k.missing == 0 && !bytes.Equal(out.b, data) {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
	}
	file := &NZBFile{Segments: []NZBSegment{{ID: "<u1@n>", Number: 1}, {ID: "<u3@n>", Number: 3}}}
	f := &Fetch{Clients: []*Client{c}, Create: func(string) (io.WriterAt, error) { return &buffer{}, nil }}
	if done, err := f.File(t.Context(), file); err != nil || len(done.Missing) != 1 || done.Missing[0].Number != 2 || protocols.KindOf(done.Missing[0].Err) != protocols.KindProtocol {
		t.Errorf("a number left out: %+v, %v", done, err)
	}
}

// TestNestedNZB: a file inside of another one, and segments that are of no use.
func TestNestedNZB(t *testing.T) {
	const text = `<nzb><file subject="outer"><segments><segment number="1">1@n</segment></segments>
<file subject="inner"><segments><segment number="1">9@n</segment></segments></file>
<segments><segment number="2"></segment><segment number="3">a b</segment><segment number="4">4@n</segment></segments></file></nzb>`
	files, err := ParseNZB(strings.NewReader(text))
	if err != nil || len(files) != 2 {
		t.Fatalf("%+v, %v", files, err)
	}
	if in, out := files[0], files[1]; in.Subject != "inner" || len(in.Segments) != 1 || out.Subject != "outer" || len(out.Segments) != 4 || out.Segments[3].ID != "<4@n>" {
		t.Errorf("%+v", files)
	}
	deep := strings.Repeat("<file>", 1000)
	if _, err := ParseNZB(strings.NewReader("<nzb>" + deep)); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("nested without end: %v", err)
	}
}

// TestSubject: name and part number as posters write them.
func TestSubject(t *testing.T) {
	for subject, want := range map[string]string{
		`"my file.rar" yEnc (2/15)`:        "my file.rar|2|15",
		`holiday.part1.rar (01/20)`:        "holiday.part1.rar|1|20",
		`[3/4] - "a.b" yEnc (5/6)`:         "a.b|5|6",
		`Re: pictures`:                     "|0|0",
		`photo.jpg [2 of 3]`:               "photo.jpg|2|3",
		`me@example.org says (3/2) (2000)`: "|0|0",
	} {
		_, part, total := SubjectPart(subject)
		if got := fmt.Sprintf("%s|%d|%d", SubjectName(subject), part, total); got != want {
			t.Errorf("%s: %s, want %s", subject, got, want)
		}
	}
	a, _, _ := SubjectPart("x (1/3)")
	if b, _, _ := SubjectPart("x (2/3)"); a != b {
		t.Errorf("%q, %q", a, b)
	}
}
