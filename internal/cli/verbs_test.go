package cli

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

func TestListSorts(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2024, 1, n, 0, 0, 0, 0, time.UTC) }
	s := &fakeServer{entries: []protocols.Entry{
		{Name: "b", Path: "b", Size: 5, Modified: day(3)}, {Name: "a", Path: "a", Size: -1, Modified: day(1)}, {Name: "c", Path: "c", Size: 9, Modified: day(2)},
	}}
	for args, want := range map[string]string{
		"": "b a c", "--sort name": "a b c", "--sort size": "c b a", "--sort time": "b c a", "--reverse": "c a b", "--sort size -r": "a b c", "--sort size --limit 2": "c b",
	} {
		r := s.cli(t, append([]string{"ls", "fake://h/"}, strings.Fields(args)...)...)
		if got := strings.Join(strings.Fields(r.out), " "); got != want {
			t.Errorf("%q: %q, want %q", args, got, want)
		}
	}
	s.cli(t, "ls", "fake://h/", "--sort", "colour").says(t, 2, "want one of name, size, time")
}

func TestListLong(t *testing.T) {
	s := &fakeServer{entries: []protocols.Entry{
		{Name: "dir", Type: protocols.TypeDir, Size: -1, Mode: fs.ModeDir | fs.ModeSticky | 0o755, HasMode: true, Owner: "me", Group: "us"},
		{Name: "li\x1bnk", Type: protocols.TypeLink, Size: 4, Target: "to\u202e", Mode: 0o777, HasMode: true},
		{Name: "tool", Type: protocols.TypeFile, Size: 12345, Mode: fs.ModeSetuid | 0o755, HasMode: true},
		{Raw: "??? what \x07"},
	}}
	want := "drwxr-xr-T  me  us      -  -  dir\n" +
		"lrwxrwxrwx              4  -  li\uFFFDnk -> to\uFFFD\n" +
		"-rwsr-xr-x          12345  -  tool\n" +
		"                        0  -  ??? what \uFFFD\n"
	want = strings.Replace(want, "drwxr-xr-T", "drwxr-xr-t", 1)
	if r := s.cli(t, "ls", "-l", "fake://h/"); r.out != want {
		t.Errorf("got\n%s\nwant\n%s", r.out, want)
	}
}

func TestListMessagesAndGroups(t *testing.T) {
	s := &fakeServer{entries: []protocols.Entry{{Name: "7", Size: 10, MessageInfo: &protocols.MessageInfo{
		UID: "x9", From: "a@b", To: "c@d", Subject: "hi\nthere", Date: "Monday", Flags: []string{`\Seen`, `\Flagged`}}}}}
	s.cli(t, "ls", "fake://h/").want(t, 0, "7  10  Monday  a@b  hi\uFFFDthere\n")
	s.cli(t, "ls", "-l", "fake://h/").want(t, 0, "7  x9  \\Seen \\Flagged  10  Monday  a@b  c@d  hi\uFFFDthere\n")
	s.entries[0].Date = "Mon, 1 Jan 2024 10:00:00 +0000"
	s.cli(t, "ls", "fake://h/").want(t, 0, "7  10  "+time.Unix(1704103200, 0).Format(time.DateTime)+"  a@b  hi\uFFFDthere\n")
	s = &fakeServer{entries: []protocols.Entry{{Name: "comp.x", Type: protocols.TypeGroup, GroupInfo: &protocols.GroupInfo{Count: 3, Low: 1, High: 4, Posting: "y"}}}}
	s.cli(t, "ls", "fake://h/").want(t, 0, "comp.x\n")
	s.cli(t, "ls", "-l", "fake://h/").want(t, 0, "comp.x  3  1  4  y\n")
}

// TestListRecursive: each folder is listed once, also when the tree has loops,
// and not below --depth.
func TestListRecursive(t *testing.T) {
	dir := func(p string) protocols.Entry {
		return protocols.Entry{Name: path.Base(p), Path: p, Type: protocols.TypeDir, Size: -1}
	}
	s := &fakeServer{folders: map[string][]protocols.Entry{
		"":    {dir("a"), {Name: "f", Path: "f"}, {Name: ".", Path: "", Type: protocols.TypeDir}},
		"a":   {dir("a/b"), dir("a")},
		"a/b": {dir("a/b/c")}, "a/b/c": {dir("a")},
	}}
	s.cli(t, "ls", "-R", "--jq", ".path", "fake://h/").want(t, 0, "a\nf\nnull\na/b\na\na/b/c\na\n")
	if s.lists != 4 {
		t.Errorf("%d listings for 4 folders", s.lists)
	}
	s.lists = 0
	s.cli(t, "ls", "-R", "--depth", "1", "-q", "fake://h/")
	if s.lists != 2 {
		t.Errorf("%d listings with depth 1", s.lists)
	}
}

func TestListStopsEarly(t *testing.T) {
	s := &fakeServer{entries: entriesOf(slices.Repeat([]string{"x"}, 10_000)...)}
	r := s.cli(t, "ls", "--limit", "3", "fake://h/")
	r.want(t, 0, "x\nx\nx\n")
}

func TestListOfOneFile(t *testing.T) {
	no := &protocols.Error{Kind: protocols.KindRefused, Text: "not a folder"}
	s := &fakeServer{entries: entriesOf("a"), failures: []error{no, no}}
	s.cli(t, "ls", "fake://h/a").want(t, 0, "a\n")
	s.cli(t, "ls", "fake://h/b").says(t, 6, "not a folder")
}

func TestJSONKeys(t *testing.T) {
	s := &fakeServer{entries: entriesOf("a b")}
	s.cli(t, "ls", "--json", "fake://h/").want(t, 0, `{"protocol":"fake","url":"fake://h/a b","name":"a b","path":"a b","type":"file","size":0}`+"\n")
	s.cli(t, "ls", "--jq", ".nothing, .size, [.name]", "fake://h/").want(t, 0, "null\n0\n[\"a b\"]\n")
	s.cli(t, "ls", "--jq", "select(false)", "fake://h/").want(t, 0, "")
	s.cli(t, "ls", "--jq", ".name.x", "fake://h/").says(t, 2, "--jq:")
	s.cli(t, "ls", "--jq", "input", "fake://h/").says(t, 2, "--jq:")
	s.cli(t, "ls", "--jq", "env.HOME", "fake://h/").want(t, 0, "null\n")
}

func TestBigNumbersPassJQ(t *testing.T) {
	e := entriesOf("a")
	e[0].Size = 9007199254740993
	(&fakeServer{entries: e}).cli(t, "ls", "--jq", ".size", "fake://h/").want(t, 0, "9007199254740993\n")
}

func TestRaw(t *testing.T) {
	s := &fakeServer{replies: map[string]protocols.Reply{
		"A": {Code: 211, Lines: []string{"one", "two\x1b"}}, "B": {Code: 550, Enhanced: "5.1.1", Lines: []string{"no"}}, "C": {Code: 450, Lines: []string{"later"}},
		"D": {Word: "+OK", Lines: []string{"fine"}}, "E": {Word: "-ERR", Lines: []string{"bad"}},
	}}
	s.cli(t, "raw", "fake://h/", "A").want(t, 0, "211-one\n211 two\uFFFD\n")
	s.cli(t, "raw", "fake://h/", "B", "A").want(t, 6, "550 no\n211-one\n211 two\uFFFD\n")
	s.cli(t, "raw", "fake://h/", "C").want(t, 7, "450 later\n")
	s.cli(t, "raw", "fake://h/", "D").want(t, 0, "+OK fine\n")
	s.cli(t, "raw", "fake://h/", "E").want(t, 6, "-ERR bad\n")
	s.cli(t, "raw", "fake://h/", "B", "--json").want(t, 6, `{"command":"B","code":550,"enhanced":"5.1.1","text":["no"]}`+"\n")
	s.cli(t, "raw", "fake://h/").says(t, 2, "CMD is missing")
}

func TestCaps(t *testing.T) {
	s := &fakeServer{}
	s.cli(t, "caps", "fake://h/").want(t, 0, "X 1 2\n")
	s.cli(t, "caps", "--json", "fake://h/").want(t, 0, `{"name":"X","params":["1","2"]}`+"\n")
}

func TestProbe(t *testing.T) {
	down := &protocols.Error{Kind: protocols.KindConnect, Text: "refused | really"}
	s := &fakeServer{}
	s.cli(t, "probe", "fake://u:pw@h/").want(t, 0, "fake://u@h/  up  3ms  connect 1ms  hi\uFFFD[2J\n")
	s.cli(t, "probe", "--json", "fake://h/").want(t, 0, `{"url":"fake://h/","up":true,"connect_ms":1,"total_ms":3,"greeting":"hi\u001b[2J"}`+"\n")
	s.failures = []error{down}
	r := s.cli(t, "probe", "--json", "fake://h/")
	if r.code != 3 || r.out != `{"url":"fake://h/","up":false,"phase":"connect","total_ms":0,"error":"fake probe h: refused | really"}`+"\n" {
		t.Errorf("%d %s", r.code, r.out)
	}
	s.failures = []error{down}
	s.cli(t, "probe", "fake://h/1", "fake://h/2").says(t, 10, "refused")
	s.failures = []error{down}
	s.cli(t, "probe", "--nagios", "fake://h/").want(t, 2, "CRITICAL - fake://h/ failed at connect: fake probe h: refused / really | time=0.000000s;;;0\n")
	s.cli(t, "probe", "--nagios", "--warn", "1ms", "fake://h/").want(t, 1, "WARNING - fake://h/ 3 ms (more than 1ms) | time=0.003000s;0.001;;0 connect=0.001000s;;;0\n")
	s.cli(t, "probe", "--nagios", "--warn", "1ms", "--crit", "2ms", "fake://h/").want(t, 2, "CRITICAL - fake://h/ 3 ms (more than 2ms) | time=0.003000s;0.001;0.002;0 connect=0.001000s;;;0\n")
	s.cli(t, "probe", "--nagios", "--warn", "1s", "fake://h/").want(t, 0, "OK - fake://h/ 3 ms | time=0.003000s;1;;0 connect=0.001000s;;;0\n")
	s.cli(t, "probe", "--login", "fake://h/")
	if !s.options.ProbeLogin {
		t.Error("--login is not passed on")
	}
	r = s.cli(t, "probe", "--every", "1ms", "--timeout", "50ms", "fake://h/")
	if r.code != 8 || strings.Count(r.out, "\n") < 2 {
		t.Errorf("--every: %d, %d lines", r.code, strings.Count(r.out, "\n"))
	}
}

func TestMoveNames(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"mv fake://h/a/b c", "a/b a/c"},
		{"mv fake://h/a/b /c", "a/b c"},
		{"mv fake://h/a/b ../c", "a/b c"},
		{"mv fake://h/a/b fake://h/x/y", "a/b x/y"},
		{"fake mv h/a/b h/x/y", "a/b x/y"},
		{"fake mv h/a/b c", "a/b a/c"},
	} {
		s := &fakeServer{}
		if r := s.cli(t, strings.Fields(c.args)...); r.code != 0 || len(s.moved) != 1 || s.moved[0] != c.want {
			t.Errorf("%s: %v %s", c.args, s.moved, r.errOut)
		}
	}
	(&fakeServer{}).cli(t, "mv", "fake://h/a", "fake://other/b").says(t, 2, "different servers")
	s := &fakeServer{}
	s.cli(t, "mv", "fake://h/a/b", "new name?#%.txt")
	if !slices.Equal(s.moved, []string{"a/b a/new name?#%.txt"}) {
		t.Errorf("%q", s.moved)
	}
}

func TestRemove(t *testing.T) {
	dir := func(p string) protocols.Entry {
		return protocols.Entry{Name: path.Base(p), Path: p, Type: protocols.TypeDir, Size: -1}
	}
	s := &fakeServer{folders: map[string][]protocols.Entry{
		"d": {{Name: "f", Path: "d/f", Type: protocols.TypeFile}, dir("d/e"), {Name: "l", Path: "d/l", Type: protocols.TypeLink}}, "d/e": {},
	}}
	s.cli(t, "rm", "-n", "fake://h/f").want(t, 0, "would delete f\n")
	s.cli(t, "rm", "-r", "--dry-run", "fake://h/d").want(t, 0, "would delete d/f\nwould delete d/e\nwould delete d/l\nwould delete d\n")
	s.cli(t, "mv", "--dry-run", "--json", "fake://h/f", "g").want(t, 0, `{"protocol":"fake","status":"planned","would":"move","path":"f","to":"g"}`+"\n")
	if len(s.removed)+len(s.moved) != 0 {
		t.Fatalf("a dry run removed %q, moved %q", s.removed, s.moved)
	}
	s.cli(t, "rm", "fake://h/f")
	s.cli(t, "rm", "-r", "fake://h/d")
	if want := []string{"f", "d/f", "d/e/", "d/l", "d/"}; !slices.Equal(s.removed, want) {
		t.Errorf("%q, want %q", s.removed, want)
	}
	s.cli(t, "rm", "-r", "fake://h/").says(t, 2, "whole server")
	s = &fakeServer{folders: map[string][]protocols.Entry{"d": {{Name: "f", Path: "d/f"}, {Raw: "???"}}}}
	s.cli(t, "rm", "-r", "fake://h/d").says(t, 9, "nothing deleted")
	s.folders["d"][1] = protocols.Entry{Name: "../other", Path: "d/../other"}
	s.cli(t, "rm", "-r", "fake://h/d").says(t, 9, "../other")
	if len(s.removed) != 0 {
		t.Errorf("%q is removed though the listing has a line that nobody understands", s.removed)
	}
	s.cli(t, "rm", "fake://h/nope", "--force").want(t, 0, "")
}

func TestMakeParents(t *testing.T) {
	s := &fakeServer{}
	s.cli(t, "mkdir", "fake://h/a", "fake://h/b/").want(t, 0, "")
	if !slices.Equal(s.made, []string{"a", "b"}) {
		t.Errorf("%q", s.made)
	}
}

func TestOptionsFromFlags(t *testing.T) {
	s := &fakeServer{}
	r := s.cli(t, "ls", "fake://h/", "--tls", "require", "--insecure", "--tls-min", "1.3", "--servername", "n", "--auth", "PLAIN", "--allow-plaintext-auth",
		"--bind", "127.0.0.1", "-4", "--connect-timeout", "0", "--idle-timeout", "7", "--resolve", "h:1:127.0.0.1", "--connect-to", "h:1:i:2",
		"--pin", strings.Repeat("ab", 32), "--limit-rate", "1M", "--proxy", "socks5://p:1")
	r.want(t, 0, "")
	o := s.options
	proxy, err := o.Proxy(nil)
	got := fmt.Sprintln(o.TLS.Mode, o.TLS.Config.InsecureSkipVerify, o.TLS.Config.MinVersion, o.TLS.ServerName, o.Mechanism, o.AllowPlaintextAuth, o.Bind, o.Family,
		o.ConnectTimeout, o.IdleTimeout, o.Resolve, o.ConnectTo, len(o.TLS.Pins), o.Limiter != nil, proxy, err)
	want := "1 true 772 n PLAIN true 127.0.0.1 4 -1ns 7s map[h:1:127.0.0.1] map[h:1:i:2] 1 true socks5://p:1 <nil>\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.cli(t, "ls", "fake://h/")
	o = s.options
	if o.TLS.Config.InsecureSkipVerify || o.TLS.Config.MinVersion != 0x303 || o.TLS.Mode != protocols.TLSAuto || o.AllowPlaintextAuth || o.ConnectWithin() != protocols.DefaultConnectTimeout || o.Credentials == nil {
		t.Errorf("defaults: %+v", o)
	}
}

func TestCapsHas(t *testing.T) {
	s := &fakeServer{}
	for _, has := range []string{"x", "X=2"} {
		s.cli(t, "caps", "--has", has, "fake://h").want(t, 0, "X 1 2\n")
	}
	for _, has := range []string{"Y", "X=3"} {
		s.cli(t, "caps", "--has", has, "fake://h").says(t, 6, "does not offer "+has)
	}
}

func TestEveryJSONLineIsAnObject(t *testing.T) {
	s := &fakeServer{entries: entriesOf("a"), replies: map[string]protocols.Reply{"A": {Code: 200, Lines: []string{"x"}}}}
	for _, args := range []string{"ls fake://h", "stat fake://h/a", "raw fake://h A", "caps fake://h", "probe fake://h", "version", "protocols", "hostname", "lookup ftp"} {
		r := s.cli(t, append(strings.Fields(args), "--json")...)
		if r.code != 0 || r.out == "" {
			t.Errorf("%s: %d %q %q", args, r.code, r.out, r.errOut)
		}
		for line := range strings.Lines(r.out) {
			var v map[string]any
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Errorf("%s: %q: %v", args, line, err)
			}
		}
	}
}
