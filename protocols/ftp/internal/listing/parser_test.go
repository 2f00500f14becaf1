package listing

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// listNow is when the listings of these tests were made.
var listNow = time.Date(2024, 12, 1, 12, 0, 0, 0, time.UTC)

// listCase is a listing and what must come of it, an entry as show writes it for
// each line that makes one.
type listCase struct {
	dialect string
	lines   []string
	want    []string
}

// show writes an entry in short: type, name, size, time and accuracy, then what
// else is known.
func show(e protocols.Entry) string {
	if !e.Parsed() {
		return "raw " + e.Raw
	}
	s := fmt.Sprintf("%s %q %d", e.Type, e.Name, e.Size)
	if !e.Modified.IsZero() {
		s += " " + e.Modified.UTC().Format("2006-01-02T15:04:05.999999999") + accuracyMark(e.Accuracy)
	}
	if e.HasMode {
		s += " " + protocols.OctalMode(e.Mode)
	}
	for _, f := range []struct{ key, value string }{{"o", e.Owner}, {"g", e.Group}, {"t", e.Target}, {"id", e.ID}} {
		if f.value != "" {
			s += " " + f.key + "=" + f.value
		}
	}
	return s
}

func accuracyMark(d time.Duration) string {
	switch d {
	case 0:
		return ""
	case time.Minute:
		return "~m"
	case day:
		return "~d"
	}
	return "~" + d.String()
}

func parseAll(t *testing.T, p *Parser, lines []string) (got []string) {
	t.Helper()
	take := func(e protocols.Entry, ok bool) {
		if !ok {
			return
		}
		if e.Protocol != "ftp" {
			t.Errorf("protocol %q of %s", e.Protocol, show(e))
		}
		got = append(got, show(e))
	}
	for _, line := range lines {
		take(p.Feed(line))
	}
	take(p.Flush())
	return got
}

func runListCases(t *testing.T, cases []listCase) {
	for i, tc := range cases {
		t.Run(fmt.Sprintf("%s/%d", tc.dialect, i), func(t *testing.T) {
			p := NewParser(listNow, nil)
			got := parseAll(t, p, tc.lines)
			if g, w := strings.Join(got, "\n"), strings.Join(tc.want, "\n"); g != w {
				t.Errorf("lines:\n%s\ngot:\n%s\nwant:\n%s", strings.Join(tc.lines, "\n"), g, w)
			}
			if p.dialect() != tc.dialect {
				t.Errorf("dialect %q, want %q", p.dialect(), tc.dialect)
			}
		})
	}
}

func TestListFallsBackAndKeepsRawLines(t *testing.T) {
	p := NewParser(listNow, nil)
	got := parseAll(t, p, []string{
		"total 12\r\n",
		"",
		"-rw-r--r--   1 u g  5 Nov 22 08:01 a\r\n",
		"ls: cannot open b: Permission denied",
		"11-22-24  08:01AM                   7 c",
		"-rw-r--r--   1 u g  6 Nov 22 08:01 d",
		"just-a-name",
	})
	want := []string{
		`file "a" 5 2024-11-22T08:01:00~m 0644 o=u g=g`,
		"raw ls: cannot open b: Permission denied",
		`file "c" 7 2024-11-22T08:01:00~m`,
		`file "d" 6 2024-11-22T08:01:00~m 0644 o=u g=g`,
		"raw just-a-name",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got:\n%s\nwant:\n%s", g, w)
	}
	if p.dialect() != "unix" {
		t.Errorf("dialect %q", p.dialect())
	}
}

// Lines that come close to a dialect are not bent to fit it.
func TestListNearMisses(t *testing.T) {
	for _, line := range []string{
		"total twelve", "summe 12", "Directory of C:\\",
		"-rw-r--r--x 1 u g 5 Nov 22 08:01 a", "-rq-r--r-- 1 u g 5 Nov 22 08:01 a", "xrw-r--r-- 1 u g 5 Nov 22 08:01 a",
		"-rw-r--r-- 1 u g five Nov 22 08:01 a", "-rw-r--r-- 1 u g 5 Nov 22 08:01", "-rw-r--r-- 1 u g 5 Nov 22 a",
		"-rw-r--r-- 1 u g 5 Nov xx 08:01 a", "-rw-r--r-- 1 u g 5 22 Nof 08:01 a", "-rw-r--r-- 1 u g 5 Nov 22 1066 a",
		"-rw-r--r-- 1 u g 5 2024-13-22 08:01 a", "-rw-r--r-- 1 u g 5 13-22 08:01 a", "-rw-r--r-- 1 u g 5 11-22 a",
		"- [RWCEAFMS owner 512 Nov 22 08:01 a", "d [RWCEAFMS] owner many Nov 22 08:01 a",
		"11-22-24 8 a", "1-2-3456789 08:01 5 a", "11-22-124 08:01 5 a", "11-22.24 08:01 5 a", "11-22-24 08:01 five a",
		"0100644 500 101 x 1732262460 a", "0100944 500 101 5 1732262460 a",
		"1234 Nov 22 2024 08:01 no comma", "1234 Nov 22, 2024 x a", "1234 Foo-22-2024 08:01 a",
		"A.TXT;x 5 22-NOV-2024 08:01 [JO] (RWED,RWED,RE,)", "A.TXT;1 words", ";1 5 22-NOV-2024 08:01 [JO] (RWED,RWED,RE,)",
		"JO 5 33/33/24 08:01:05 *STMF a", "JO *lower a",
		"README TXT V 71 26 1 2024-13-22 08:01:05 USER1", "README TXT V x 26 1 2024-11-22 08:01:05 USER1",
		"X JOB00012 JO DONE A", "REPORT 101 8078 22-Nov-24 08:01:05 155 nnnn",
		"550 No such file or directory.", "<html><body>Login</body></html>", "\xff\xd8\xff\xe0",
	} {
		p := NewParser(listNow, nil)
		e, ok := p.Feed(line)
		if !ok || e.Raw != line || e.Name != "" || e.Type != protocols.TypeOther || e.Size != -1 {
			t.Errorf("%q gave %v %s", line, ok, show(e))
		}
		if p.dialect() != "" {
			t.Errorf("%q is of dialect %s", line, p.dialect())
		}
	}
}

// A date that may be read in two ways is not put into the future.
func TestListAmbiguousDates(t *testing.T) {
	for in, want := range map[string]string{
		"03-04-24": "2024-03-04", "12-11-24": "2024-11-12", "03.04.24": "2024-04-03",
		"24/11/01": "2001-11-24", "11/10/30": "2011-10-30", "11/10/2030": "2030-11-10", "99-01-02": "1999-01-02",
	} {
		e, ok := NewParser(listNow, nil).Feed(in + "  08:01   5 a")
		if got := e.Modified.Format("2006-01-02"); !ok || got != want {
			t.Errorf("%s gave %s, want %s", in, got, want)
		}
	}
}

func TestListDots(t *testing.T) {
	lines := []string{
		"drwxr-xr-x 2 u g 4096 Nov 22 08:01 .",
		"drwxr-xr-x 9 u g 4096 Nov 22 08:01 ..",
		"drwxr-xr-x 9 u g 4096 Nov 22 08:01 ...",
	}
	p := NewParser(listNow, nil)
	if got := parseAll(t, p, lines); len(got) != 1 || !strings.Contains(got[0], `"..."`) {
		t.Errorf("got %q", got)
	}
	p = NewParser(listNow, nil)
	p.dots = true
	if got := parseAll(t, p, lines); len(got) != 3 {
		t.Errorf("with dots: %q", got)
	}
}

func TestListUncleanLines(t *testing.T) {
	for _, name := range []string{"a\x00b", "a\rb", "a\nb"} {
		line := "-rw-r--r-- 1 u g 5 Nov 22 08:01 " + name
		e, ok := NewParser(listNow, nil).Feed(line)
		if !ok || e.Raw != line || e.Name != "" || e.Size != -1 {
			t.Errorf("%q gave %+v", line, e)
		}
	}
}

func TestListHostileNames(t *testing.T) {
	names := []string{"../x", "a/b", "/etc/passwd", "\x1b[31mred", "..", "-rf", "a -> b", " ", "~root", "C:\\x", "\xff\xfe", "\u202egpj.exe"}
	forms := []string{"-rw-r--r-- 1 u g 5 Nov 22 08:01 %s", "11-22-24  08:01AM                   5 %s", "+r,s5,m1732262460,\t%s"}
	for _, form := range forms {
		for _, name := range names {
			p := NewParser(listNow, nil)
			p.dots = true
			e, ok := p.Feed(fmt.Sprintf(form, name))
			if !ok || e.Name != name || e.Size != 5 {
				t.Errorf("%q in %q gave %+v", name, form, e)
			}
		}
	}
}

func TestListZone(t *testing.T) {
	p := NewParser(listNow, time.FixedZone("", 5*3600+1800))
	got := parseAll(t, p, []string{
		"-rw-r--r-- 1 u g 5 Nov 22 08:01 a",
		"-rw-r--r-- 1 u g 5 2024-11-22 08:01:05.000000000 +0100 b",
		"+r,m1732262460,\tc",
	})
	want := []string{
		`file "a" 5 2024-11-22T02:31:00~m 0644 o=u g=g`,
		`file "b" 5 2024-11-22T07:01:05 0644 o=u g=g`,
		`file "c" -1 2024-11-22T08:01:00`,
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got:\n%s\nwant:\n%s", g, w)
	}
}

// unixLines makes a listing as vsftpd prints it.
func unixLines(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("-rw-r--r--    1 1000     1000     %8d Nov 22 08:%02d file-%06d.dat\r\n", i*37, i%60, i)
	}
	return lines
}

func TestListAllocations(t *testing.T) {
	line := []byte("-rw-r--r--    1 ftp      ftp          1234 Nov 22 08:01 file name.dat\r\n")
	p := NewParser(listNow, nil)
	allocs := testing.AllocsPerRun(100, func() {
		if e, ok := p.Feed(string(line)); !ok || e.Size != 1234 {
			t.Fatal("not parsed")
		}
	})
	if allocs > 4 {
		t.Errorf("%v allocations a line", allocs)
	}
}

func benchmarkList(b *testing.B, lines []string) {
	b.ReportAllocs()
	for b.Loop() {
		p := NewParser(listNow, nil)
		for _, line := range lines {
			if e, ok := p.Feed(line); !ok || !e.Parsed() {
				b.Fatalf("not parsed: %q", line)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(lines)), "ns/line")
}

func BenchmarkListUnix50000(b *testing.B) { benchmarkList(b, unixLines(50000)) }

func BenchmarkListDOS50000(b *testing.B) {
	lines := make([]string, 50000)
	for i := range lines {
		lines[i] = fmt.Sprintf("11-22-24  08:%02dAM %20d file-%06d.dat", i%60, i, i)
	}
	benchmarkList(b, lines)
}

func BenchmarkMLSx50000(b *testing.B) {
	lines := make([]string, 50000)
	for i := range lines {
		lines[i] = fmt.Sprintf("type=file;size=%d;modify=20241122080105;UNIX.mode=0644;UNIX.uid=1000;UNIX.gid=1000;unique=fd00g%d; file-%06d.dat", i, i, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, line := range lines {
			if e, _ := ParseFacts(line); !e.Parsed() {
				b.Fatalf("not parsed: %q", line)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(lines)), "ns/line")
}

func checkFuzzed(t *testing.T, e protocols.Entry) {
	t.Helper()
	switch {
	case e.Size < -1:
		t.Errorf("size %d", e.Size)
	case !e.Parsed():
		if e.Name != "" {
			t.Errorf("raw line %q has the name %q", e.Raw, e.Name)
		}
	case e.Name == "" || strings.ContainsAny(e.Name, "\r\n\x00"):
		t.Errorf("name %q", e.Name)
	case e.Type == "" || e.Protocol != "ftp":
		t.Errorf("no type or protocol: %+v", e)
	}
}

func FuzzListLine(f *testing.F) {
	for _, cases := range [][]listCase{unixCases, dosCases, hostCases} {
		for _, tc := range cases {
			f.Add(strings.Join(tc.lines, "\n"))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := NewParser(listNow, nil)
		lines := strings.Split(text, "\n")
		given := 0
		for _, line := range lines {
			if e, ok := p.Feed(line); ok {
				given++
				checkFuzzed(t, e)
			}
		}
		if len(p.out) > 1 {
			t.Errorf("%d entries wait", len(p.out))
		}
		if e, ok := p.Flush(); ok {
			given++
			checkFuzzed(t, e)
		}
		if e, ok := p.Flush(); ok || given > len(lines) {
			t.Errorf("%d entries of %d lines, then %+v", given, len(lines), e)
		}
	})
}
