package secret

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const netrcSample = `# servers at work
machine ftp.example.com login joe password "two words" account acc1
machine FTP.example.com
	login ann
	password "q\"uo\\te\ttab"   # her own
machine macro.example.com login m password p
macdef init
cd /pub
machine evil.example.com login x password y

machine nopass.example.com login ed
machine hash.example.com login h password #1
machine nologin.example.com password only
default login anonymous password me@example.com
`

func TestNetrcFind(t *testing.T) {
	entries, err := parseNetrc(strings.NewReader(netrcSample), "netrc")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ host, user, login, password string }{
		{"ftp.example.com", "", "joe", "two words"},
		{"FTP.EXAMPLE.COM", "joe", "joe", "two words"},
		{"ftp.example.com", "ann", "ann", "q\"uo\\te\ttab"},
		{"ftp.example.com", "eve", "-", ""},
		{"ample.com", "", "anonymous", "me@example.com"},
		{"macro.example.com", "", "m", "p"},
		{"evil.example.com", "x", "-", ""},
		{"nopass.example.com", "ed", "ed", ""},
		{"hash.example.com", "", "h", "#1"},
		{"nologin.example.com", "joe", "-", ""},
		{"nologin.example.com", "", "", "only"},
		{"other", "anonymous", "anonymous", "me@example.com"},
		{"other", "joe", "-", ""},
	} {
		e, ok := findNetrc(entries, tc.host, tc.user)
		if !ok {
			e.login = "-"
		}
		if e.login != tc.login || e.password != tc.password {
			t.Errorf("%s as %q: got %q %q, want %q %q", tc.host, tc.user, e.login, e.password, tc.login, tc.password)
		}
	}
	if e, _ := findNetrc(entries, "ftp.example.com", "joe"); e.account != "acc1" {
		t.Errorf("account %q", e.account)
	}
}

func TestNetrcErrorsNameTheLineAndNoSecret(t *testing.T) {
	for text, want := range map[string]string{
		"machine h login": "f:1: login without a value",
		"machine h\nlogin a\npassword hunter2 extra":                "f:3: a word that is not a netrc keyword",
		"\n\nlogin joe password hunter2":                            "f:3: login before the first machine",
		"machine h\npassword \"hunter2\nmachine":                    "f:2: quote without its end",
		"machine h password " + strings.Repeat("x", 5000):           "f:1: word longer than 4096",
		"machine h login a\nmacdef":                                 "f:2: macdef without a value",
		strings.Repeat("# comment\n", netrcMaxFile/len("# commen")): "longer than 131072",
	} {
		_, err := parseNetrc(strings.NewReader(text), "f")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.40q: got %v, want %s", text, err, want)
		}
	}
}

func TestNetrcPath(t *testing.T) {
	home := t.TempDir()
	env := map[string]string{"HOME": home}
	getenv := func(k string) string { return env[k] }
	if p, must := netrcPath("", getenv); p != filepath.Join(home, "_netrc") || must {
		t.Errorf("without any: %s %v", p, must)
	}
	if err := os.WriteFile(filepath.Join(home, ".netrc"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if p, must := netrcPath("", getenv); p != filepath.Join(home, ".netrc") || must {
		t.Errorf("default: %s %v", p, must)
	}
	env["NETRC"] = "/n"
	if p, must := netrcPath("", getenv); p != "/n" || !must {
		t.Errorf("NETRC: %s %v", p, must)
	}
	if p, must := netrcPath("/flag", getenv); p != "/flag" || !must {
		t.Errorf("flag: %s %v", p, must)
	}
}

// An entry for the user that has no password does not hide a later one that has it.
func TestNetrcEntryWithoutPasswordHidesNothing(t *testing.T) {
	entries, err := parseNetrc(strings.NewReader("machine h login sue\nmachine h login sue password p1\nmachine h login ann\n"), "netrc")
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]string{"sue": "p1", "": "p1", "ann": ""} {
		if e, ok := findNetrc(entries, "h", user); !ok || e.password != want {
			t.Errorf("%q: %+v, %v", user, e, ok)
		}
	}
}

func FuzzNetrc(f *testing.F) {
	f.Add(netrcSample, "ftp.example.com", "ann")
	f.Add("machine \"\\", "", "")
	f.Add("machine a macdef b\r\n\r\nlogin x", "a", "")
	f.Fuzz(func(t *testing.T, text, host, user string) {
		entries, err := parseNetrc(strings.NewReader(text), "f")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:") {
				t.Fatalf("error without file and line: %v", err)
			}
			return
		}
		e, ok := findNetrc(entries, host, user)
		if ok && user != "" && e.login != user {
			t.Fatalf("asked for %q, got %q", user, e.login)
		}
		if ok && !e.isDefault && !strings.EqualFold(e.machine, host) {
			t.Fatalf("asked for host %q, got %q", host, e.machine)
		}
	})
}
