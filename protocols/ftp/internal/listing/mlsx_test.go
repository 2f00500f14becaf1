package listing

import (
	"maps"
	"strings"
	"testing"
)

func TestMLSx(t *testing.T) {
	for _, tc := range []struct {
		line, want string
		skip       bool
	}{
		{"type=file;size=1234;modify=20241122080105; read me.txt", `file "read me.txt" 1234 2024-11-22T08:01:05`, false},
		{"type=file;size=1;modify=20241122080105.123;\r\n", "raw type=file;size=1;modify=20241122080105.123;", false},
		{"Type=DIR;Modify=20241122080105;UNIX.mode=02755;Unique=fd00g1; sub\r\n", `dir "sub" -1 2024-11-22T08:01:05 2755 id=fd00g1`, false},
		{"type=cdir;sizd=4096; .", `dir "." 4096`, true},
		{"type=PDIR; ..", `dir ".." -1`, true},
		{"type=file;size=0100; octal", `file "octal" 100`, false},
		{"type=file;size=-5; negative", `file "negative" -1`, false},
		{"type=file;size=9223372036854775808; beyond", `file "beyond" -1`, false},
		{"type=file;size=9223372036854775807; max", `file "max" 9223372036854775807`, false},
		{"type=file;size=0x10; hex", `file "hex" -1`, false},
		{"type=file;size=1; a; b=c;  d ", `file "a; b=c;  d " 1`, false},
		{"type=file;size=1;   three blanks", `file "  three blanks" 1`, false},
		{"type=OS.unix=slink:/to/it; link", `link "link" -1 t=/to/it`, false},
		{"type=OS.UNIX=slink:/to my/it;unique=1; a link; x", `link "a link; x" -1 t=/to my/it id=1`, false},
		{"type=OS.unix=symlink; link", `link "link" -1`, false},
		{"type=OS.unix=slink; link", `link "link" -1`, false},
		{"type=OS.unix=chr-13/29; dev", `other "dev" -1`, false},
		{"type=; odd", `other "odd" -1`, false},
		{"size=5; untyped", `file "untyped" 5`, false},
		{"perm=r; untyped", `other "untyped" -1`, false},
		{" no facts", `other "no facts" -1`, false},
		{"type=file;size=5 no semicolon", `file "no semicolon" 5`, false},
		{"type=file;;size=5; empty fact", `file "empty fact" 5`, false},
		{"type=file;UNIX.mode=0644;UNIX.uid=1000;UNIX.gid=100; u", `file "u" -1 0644 o=1000 g=100`, false},
		{"type=file;UNIX.uid=1;UNIX.owner=2;UNIX.ownername=jo;UNIX.gid=3;UNIX.group=4;UNIX.groupname=staff; u", `file "u" -1 o=jo g=staff`, false},
		{"type=file;UNIX.mode=0999; bad mode", `file "bad mode" -1`, false},
		{"type=file;modify=20230229080105; bad date", `file "bad date" -1`, false},
		{"type=file; /full/../path", `file "/full/../path" -1`, false},
		{"type=file; \x1b[31mred", `file "\x1b[31mred" -1`, false},
		{"word", "raw word", false},
		{"-rw-r--r-- 1 u g 5 Nov 22 08:01 x", "raw -rw-r--r-- 1 u g 5 Nov 22 08:01 x", false},
		{"=x; name", "raw =x; name", false},
		{"type=file; a\x00b", "raw type=file; a\x00b", false},
		{"type=file; a\rb", "raw type=file; a\rb", false},
	} {
		e, skip := ParseFacts(tc.line)
		if got := show(e); got != tc.want || skip != tc.skip {
			t.Errorf("%q\n got %s %v\nwant %s %v", tc.line, got, skip, tc.want, tc.skip)
		}
	}
	if e, skip := ParseFacts("\r\n"); !skip || e.Name != "" {
		t.Errorf("an empty line gave %+v", e)
	}
}

func TestMLSxFacts(t *testing.T) {
	e, _ := ParseFacts("Type=file;Size=1;Perm=adfr;Create=20241122080105;Media-Type=text/plain;CharSet=UTF-8;X.Own=a=b; n")
	want := map[string]string{
		"type": "file", "size": "1", "perm": "adfr", "create": "20241122080105",
		"media-type": "text/plain", "charset": "UTF-8", "x.own": "a=b",
	}
	if !maps.Equal(e.Facts, want) {
		t.Errorf("got %v", e.Facts)
	}
}

func FuzzMLSx(f *testing.F) {
	for _, line := range []string{
		"type=file;size=1234;modify=20241122080105; read me.txt", "type=cdir; .", " name",
		"type=OS.unix=slink:/to my/it;unique=1; a link", "type=file;size=-1;UNIX.mode=0644; x", "; ;", "=",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e, skip := ParseFacts(line)
		if strings.TrimRight(line, "\r\n") == "" {
			if !skip {
				t.Error("an empty line is an entry")
			}
			return
		}
		checkFuzzed(t, e)
		if skip && !e.Parsed() {
			t.Errorf("%q is skipped, although not understood", line)
		}
	})
}
