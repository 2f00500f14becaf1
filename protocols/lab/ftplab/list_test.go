package ftplab

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	labtest "github.com/netclients/netclients/protocols/lab/internal/kit"
)

// dialectTree is a small tree for listings.
func dialectTree(t *testing.T) *base.Tree {
	t.Helper()
	tree := base.NewTree()
	tree.MkdirAll("/dir")
	tree.WriteFile("/new file.txt", make([]byte, 1234))
	tree.WriteFile("/old", nil)
	tree.WriteFile("/.dot", nil)
	for name, at := range map[string]time.Time{
		"/dir":          time.Date(2026, 11, 2, 8, 1, 0, 0, time.UTC),
		"/new file.txt": time.Date(2026, 11, 22, 23, 1, 7, 0, time.UTC),
		"/old":          time.Date(2024, 11, 2, 8, 1, 0, 0, time.UTC),
	} {
		if err := tree.Chtimes(name, at); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

func TestFTPListDialects(t *testing.T) {
	zone := time.FixedZone("two hours east", 2*3600)
	for dialect, want := range map[string][]string{
		"": {
			"drwxr-xr-x    2 alice    users               0 Nov  2 10:01 dir",
			"-rw-r--r--    1 alice    users            1234 Nov 23 01:01 new file.txt",
			"-rw-r--r--    1 alice    users               0 Nov  2  2024 old",
		},
		"iis": {
			"11-02-26  10:01AM       <DIR>          dir",
			"11-23-26  01:01AM                 1234 new file.txt",
			"11-02-24  10:01AM                    0 old",
		},
		"eplf": {
			"+i8388621.2,m1793606460,/,up755,\tdir",
			"+i8388621.3,m1795388467,r,s1234,up644,\tnew file.txt",
			"+i8388621.4,m1730534460,r,s0,up644,\told",
		},
		"vms": {
			"", "Directory DISK$LAB:[000000]", "",
			"DIR.DIR;1                   0/2   2-NOV-2026 10:01:00  [USERS,ALICE]  (RWED,RWED,RE,)",
			"NEW FILE.TXT;1              3/5  23-NOV-2026 01:01:07  [USERS,ALICE]  (RWED,RWED,RE,)",
			"OLD.;1                      0/2   2-NOV-2024 10:01:00  [USERS,ALICE]  (RWED,RWED,RE,)",
			"", "Total of 3 files, 3/9 blocks.",
		},
	} {
		tree := dialectTree(t)
		tree.Remove("/.dot")
		s := labtest.Start(t, Start, Options{Tree: tree, Dialect: dialect, TimeZone: zone, Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
		got := loginFTP(t, s.Addr()).get("LIST")
		if want := strings.Join(want, "\r\n") + "\r\n"; got != want {
			t.Errorf("%q:\n%s\nwant\n%s", dialect, got, want)
		}
	}
	if _, err := Start(Options{Dialect: "klingon"}); err == nil {
		t.Error("an unknown dialect was taken")
	}
}

// names cuts listings down to the last fields.
func names(text string) []string {
	var names []string
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if i := strings.LastIndex(line, "2024 "); i >= 0 {
			line = line[i+len("2024 "):]
		}
		names = append(names, line)
	}
	return names
}

func TestFTPListOptions(t *testing.T) {
	s := labtest.Start(t, Start, Options{})
	c := loginFTP(t, s.Addr())
	for cmd, want := range map[string][]string{
		"LIST /pub/nested/a":         {"b", "one.txt"},
		"LIST -la /pub/nested/a":     {".", "..", "b", "one.txt"},
		"LIST -R /pub/nested/a/b":    {".:", "c", "", "./c:", "deep.txt"},
		"LIST /pub/nested/a/one.txt": {"one.txt"},
		"NLST /pub/nested/a":         {"/pub/nested/a/b", "/pub/nested/a/one.txt"},
		"NLST":                       {"README.txt", "incoming", "pub", "readme-link"},
		"LIST /":                     {"README.txt", "incoming", "pub", "readme-link -> README.txt"},
		"LIST -a /pub/folder-link":   {".", "..", "b", "one.txt"},
	} {
		if got := names(c.get("%s", cmd)); !slices.Equal(got, want) {
			t.Errorf("%s: %q", cmd, got)
		}
	}
	c.cmd(229, "EPSV")
	c.cmd(550, "LIST /missing")
	c.cmd(550, "NLST /missing")
	if got := c.get("LIST /pub"); strings.Contains(got, ".hidden") || !strings.Contains(got, "two words.txt") {
		t.Errorf("LIST /pub: %s", got)
	}
}

func TestFTPListHostile(t *testing.T) {
	hostile := []string{"-rw-r--r-- 1 a a 5 Jan  1  2020 ../evil", "\x1b[2Jboo"}
	s := labtest.Start(t, Start, Options{ExtraListLines: hostile, ListGarbageLines: true})
	c := loginFTP(t, s.Addr())
	list := c.get("LIST")
	for _, want := range append(hostile, "?? this is no listing line ??") {
		if !strings.Contains(list, want+"\r\n") {
			t.Errorf("LIST lacks %q:\n%s", want, list)
		}
	}
	for _, cmd := range []string{"NLST", "MLSD"} {
		if got := c.get("%s", cmd); !strings.HasSuffix(got, strings.Join(hostile, "\r\n")+"\r\n") {
			t.Errorf("%s:\n%s", cmd, got)
		}
	}
}

func TestFTPFacts(t *testing.T) {
	s := labtest.Start(t, Start, Options{Tree: dialectTree(t)})
	s.Tree().Symlink("/old", "/dir/link")
	s.Tree().Chmod("/old", 0o444)
	c := loginFTP(t, s.Addr())
	labtest.Equal(t, "MLST", c.cmd(250, "MLST old"), "Listing /old\n type=file;size=0;modify=20241102080100;perm=r;unique=lab4;unix.mode=0444;unix.owner=alice;unix.group=users; /old\nEnd")
	lines := strings.Split(c.get("MLSD /dir"), "\r\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "type=cdir;") || !strings.HasPrefix(lines[1], "type=pdir;") ||
		!strings.HasPrefix(lines[2], "type=OS.unix=slink:/old;modify=") || !strings.HasSuffix(lines[2], "; link") {
		t.Errorf("MLSD: %q", lines)
	}
	labtest.Equal(t, "OPTS", c.cmd(200, "OPTS MLST Type;size;nonsense;"), "MLST OPTS type;size;")
	labtest.Equal(t, "MLST", c.cmd(250, "MLST dir"), "Listing /dir\n type=dir; /dir\nEnd")
	if feat := c.cmd(211, "FEAT"); !strings.Contains(feat, "MLST type*;size*;modify;perm;unique;unix.mode;unix.owner;unix.group;") {
		t.Errorf("FEAT: %s", feat)
	}
	labtest.Equal(t, "OPTS none", c.cmd(200, "OPTS MLST"), "MLST OPTS")
	labtest.Equal(t, "MLST", c.cmd(250, "MLST dir"), "Listing /dir\n  /dir\nEnd")
	c.cmd(501, "MLSD /old")
	c.cmd(550, "MLSD /missing")
	c.cmd(550, "MLST /missing")
}

func TestFTPListLarge(t *testing.T) {
	tree := base.NewTree()
	const many = 50_000
	for i := range many {
		if err := tree.Virtual(fmt.Sprintf("/big/file-%05d", i), 1, base.Pattern(1)); err != nil {
			t.Fatal(err)
		}
	}
	c := loginFTP(t, labtest.Start(t, Start, Options{Tree: tree}).Addr())
	for cmd, extra := range map[string]int{"LIST /big": 0, "NLST /big": 0, "MLSD /big": 2} {
		labtest.Equal(t, cmd, strings.Count(c.get("%s", cmd), "\n"), many+extra)
	}
}
