package protocols

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// schemes is the table of the command line's contract: scheme, its port, TLS.
var schemes = []Scheme{
	{Name: "http", Port: 80, TLS: TLSNone}, {Name: "https", Port: 443, TLS: TLSImplicit},
	{Name: "ftp", Port: 21, TLS: TLSUpgrade}, {Name: "ftpes", Port: 21, TLS: TLSRequired}, {Name: "ftps", Port: 990, TLS: TLSImplicit},
	{Name: "smtp", Port: 25, TLS: TLSUpgrade}, {Name: "submission", Port: 587, TLS: TLSUpgrade}, {Name: "smtps", Port: 465, TLS: TLSImplicit},
	{Name: "lmtp", Port: 24, TLS: TLSUpgrade, NoHost: true},
	{Name: "pop3", Port: 110, TLS: TLSUpgrade}, {Name: "pop3s", Port: 995, TLS: TLSImplicit},
	{Name: "imap", Port: 143, TLS: TLSUpgrade}, {Name: "imaps", Port: 993, TLS: TLSImplicit},
	{Name: "nntp", Port: 119, TLS: TLSUpgrade}, {Name: "nntps", Port: 563, TLS: TLSImplicit},
	{Name: "news", Port: 119, TLS: TLSUpgrade, NoHost: true},
	{Name: "telnet", Port: 23, TLS: TLSNone}, {Name: "telnets", Port: 992, TLS: TLSImplicit},
	{Name: "gopher", Port: 70, TLS: TLSNone}, {Name: "gophers", Port: 70, TLS: TLSImplicit},
	{Name: "tcp", TLS: TLSNone}, {Name: "tls", TLS: TLSImplicit}, {Name: "udp", TLS: TLSNone}, {Name: "unix", TLS: TLSNone},
	{Name: "mailto", TLS: TLSNone}, {Name: "maildir", TLS: TLSNone}, {Name: "mbox", TLS: TLSNone}, {Name: "file", TLS: TLSNone},
}

func TestParseURLDefaultPortOfEveryScheme(t *testing.T) {
	ports := map[string]string{
		"http": "80", "https": "443", "ftp": "21", "ftpes": "21", "ftps": "990", "smtp": "25", "submission": "587", "smtps": "465",
		"lmtp": "24", "pop3": "110", "pop3s": "995", "imap": "143", "imaps": "993", "nntp": "119", "nntps": "563", "news": "119",
		"telnet": "23", "telnets": "992", "gopher": "70", "gophers": "70", "tcp": "", "tls": "", "udp": "",
	}
	for _, s := range schemes {
		want, ok := ports[s.Name]
		if !ok {
			continue
		}
		for _, text := range []string{s.Name + "://host.example/x", strings.ToUpper(s.Name) + "://host.example:/x"} {
			u := parsed(t, text, "")
			host, port := HostPort(u, s)
			if u.Scheme != s.Name || host != "host.example" || port != want {
				t.Errorf("%s: %s, host %q, port %q, want %q", text, u.Scheme, host, port, want)
			}
		}
	}
}

// TestParseURLForms has every form of URL that the command line takes, as the
// parts that adapters see: host, port, user, password, path, query, opaque part.
func TestParseURLForms(t *testing.T) {
	for text, want := range map[string][7]string{
		"ftp://user@host/path;type=i":                        {"host", "", "user", "", "/path;type=i"},
		"ftp://user:pass@host:2121/a/b":                      {"host", "2121", "user", "pass", "/a/b"},
		"ftp://host/%2Fetc/motd":                             {"host", "", "", "", "//etc/motd"},
		"host:2121/pub/":                                     {"host", "2121", "", "", "/pub/"},
		"bob:pw@host/two words.txt":                          {"host", "", "bob", "pw", "/two words.txt"},
		"ftp://bob%40example.org:p%3Aq%2Fr%40s@h/":           {"h", "", "bob@example.org", "p:q/r@s", "/"},
		"ftp://DOM%5Cbob@h/":                                 {"h", "", `DOM\bob`, "", "/"},
		"ftp://h/100%2525%20sure":                            {"h", "", "", "", "/100%25 sure"},
		"ftp://h/%250a":                                      {"h", "", "", "", "/%0a"},
		"ftp://h:ftp/":                                       {"h", "21", "", "", "/"},
		"tcp://h:HTTP":                                       {"h", "80", "", "", ""},
		"udp://h:domain":                                     {"h", "53", "", "", ""},
		"tcp://0.0.0.0:0":                                    {"0.0.0.0", "0", "", "", ""},
		"tcp://h:00080":                                      {"h", "80", "", "", ""},
		"ftp://[2001:db8::1]/":                               {"2001:db8::1", "", "", "", "/"},
		"ftp://[::1]:2121/x":                                 {"::1", "2121", "", "", "/x"},
		"[::1]:2121/x":                                       {"::1", "2121", "", "", "/x"},
		"ftp://me:pw@[fe80::1%25eth0]:pop3/":                 {"fe80::1%eth0", "110", "me", "pw", "/"},
		"ftp://bücher.example/ä":                             {"bücher.example", "", "", "", "/ä"},
		"ftp://b%C3%BCcher.example/":                         {"bücher.example", "", "", "", "/"},
		"ftp://例え.テスト:2121/":                                 {"例え.テスト", "2121", "", "", "/"},
		"lmtp:///path/to/socket":                             {"", "", "", "", "/path/to/socket"},
		"mailto:bob@example.org?subject=a%20b":               {"", "", "", "", "", "subject=a%20b", "bob@example.org"},
		"mailto:a@b?body=http://c:d@e":                       {"", "", "", "", "", "body=http://c:d@e", "a@b"},
		"pop3://user@host/5":                                 {"host", "", "user", "", "/5"},
		"ftp://dept%2Fann%23a%3f:p@host/":                    {"host", "", "dept/ann#a?", "p", "/"},
		"pop3://user;AUTH=*@host/;UID=x":                     {"host", "", "user;AUTH=*", "", "/;UID=x"},
		"imap://u@h/INBOX;UIDVALIDITY=1/;UID=5/;SECTION=1.2": {"h", "", "u", "", "/INBOX;UIDVALIDITY=1/;UID=5/;SECTION=1.2"},
		"imap://h/INBOX?SUBJECT%20x":                         {"h", "", "", "", "/INBOX", "SUBJECT%20x"},
		"imap://h/INBOX?SUBJECT x":                           {"h", "", "", "", "/INBOX", "SUBJECT%20x"},
		"nntp://host/group/57-59":                            {"host", "", "", "", "/group/57-59"},
		"news://host/<id@example.org>":                       {"host", "", "", "", "/<id@example.org>"},
		"news:comp.lang.go":                                  {"", "", "", "", "", "", "comp.lang.go"},
		"news:<id@example.org>":                              {"", "", "", "", "", "", "<id@example.org>"},
		"gopher://host/1/selector%09search":                  {"host", "", "", "", "/1/selector\tsearch"},
		"telnet://user@host:23/":                             {"host", "23", "user", "", "/"},
		"unix:///run/x.sock":                                 {"", "", "", "", "/run/x.sock"},
		"unix:/run/x.sock":                                   {"", "", "", "", "/run/x.sock"},
		"unix:x.sock":                                        {"", "", "", "", "", "", "x.sock"},
		"file:///tmp/a%20b":                                  {"", "", "", "", "/tmp/a b"},
		"file:a%20b":                                         {"", "", "", "", "", "", "a%20b"},
		"maildir:My Mail/50% done":                           {"", "", "", "", "My Mail/50% done"},
		"mbox:/var/mail/bob?x#y":                             {"", "", "", "", "/var/mail/bob?x#y"},
		"https://h/?q=a@b:c&d#frag":                          {"h", "", "", "", "/", "q=a@b:c&d"},
	} {
		u := parsed(t, text, "ftp")
		pass, _ := u.User.Password()
		got := [7]string{u.Hostname(), u.Port(), u.User.Username(), pass, u.Path, u.RawQuery, u.Opaque}
		if got != want {
			t.Errorf("%s:\n got %q\nwant %q", text, got, want)
		}
	}
}

// TestParseURLRefuses holds what two programs could understand differently, and
// what would become a second command of a line protocol.
func TestParseURLRefuses(t *testing.T) {
	texts := []string{
		"", "host/path", "://host", "ftp://", "ftp://#x", "unix://?x", "1x://host", "ftp:/host", "ftp://host:99999/", "ftp://host:-1/", "ftp://host:+21/", "ftp://host:nosuchservice/",
		"ftp://a@b@c/", // item 66
		"http://good.example#@evil.example/", "http://good.example:#@evil.example/", "http://good.example:80#@evil.example/",
		"ftp://user:pa/ss@host/", "ftp://user:pa?ss@host/", "ftp://user:pa#ss@host/",
		`ftp://good.example\@evil.example/`, `ftp://good.example\evil`, `http:\\host`,
		"ftp://good.example%2Fevil/", "ftp://good.example%2Eevil/", "ftp://good.example%40evil/", "ftp://good.example%3A21/", "ftp://a%00b/", "ftp://a%20b/",
		"ftp://good。evil/", "ftp://good．evil/", "ftp://good｡evil/", "ftp://good／evil/", "ftp://good：21/", "ftp://good＠evil/",
		"ftp://good℀evil/", "ftp://good？evil/", "ftp://good＃evil/", "ftp://good․evil/", "ftp://good%EF%BC%8Fevil/",
		"ftp://a b/", "ftp://a\tb/", "ftp://<host>/", "ftp://ho|st/", "ftp://[::1/", "ftp://::1]/", "ftp://[::1%eth0]/", "ftp://[::1%25]/", "ftp://h/%zz", "ftp://h/%",
		"ftp://h/a\r\nDELE b", "ftp://h/a\nb", "ftp://h/a\x00b", "ftp://h/\x1b[2J", "ftp://h/\x7f", // items 58-62
		"ftp://h/a%0d%0aDELE%20b", "ftp://h/%0A", "ftp://h/%00", "ftp://u%0d%0aPASS@h/", "ftp://u:p%0ax@h/", "ftp://h/x#%0d%0a",
		"http://h/?a=%0d%0aX:y", "http://h/?%0A", "imap://h/INBOX?SUBJECT%20%0D%0Ax", "imap://h/IN%0d%0aBOX", "nntp://h/a%0d%0aQUIT", "news:a%0d%0aQUIT", "news:%0a",
		"gopher://h/1%0d%0aFLUSHALL", "mailto:a@b?subject=x%0d%0aBcc:c@d", "mailto:a%0d%0a@b", "unix:/x%00y", "unix:a%00b", "file:a%0ab", "maildir:a\nb",
	}
	for _, text := range texts {
		u, err := ParseURL(text, "")
		if err == nil || u != nil {
			t.Errorf("%q was taken as %v, with error %v", text, u, err)
			continue
		}
		if e, ok := err.(*Error); !ok || e.Kind != KindUsage {
			t.Errorf("%q: %v is not of kind usage", text, err)
		}
		if strings.ContainsAny(err.Error(), "\r\n\x00\x1b\x7f") {
			t.Errorf("%q: control character in the message %q", text, err)
		}
	}
}

// TestPasswordIsNeverShown: neither in what is printed of a good URL nor in the
// message of a bad one.
func TestPasswordIsNeverShown(t *testing.T) {
	const secret = "Geheim"
	for _, text := range []string{
		"ftp://bob:Geheim@host/x", "ftp://:Geheim@host/x", "bob:Geheim@host:2121/x", "ftp://bob:a%3AGeheim@[::1]:21/x", "ftp://bob:x:Geheim@host/",
		"ftp://bob:Geheim@host:nosuchport/x", "ftp://bob:Geheim@host/%zz", "ftp://bob:%zzGeheim@host/", "ftp://bob:Geheim^@host/", "ftp://bob:Geheim@ho st/",
		"ftp://bob:Geheim/x@host/", "ftp://bob:/Geheim@host/", "ftp://bob:#Geheim@host/", "ftp://bob:x?Geheim@host", "ftp://bob:@Geheim@host/", "ftp://bob:Geheim@x@host/",
		`ftp://bob:\Geheim@host/`, "ftp://bob:Geheim\x01@host/", "ftp://bob:Geheim@host/%0d%0a", "ftp://bob:Geheim%0d@host/", "bob:x://Geheim@host/",
		"nosuch://bob:Geheim@host/", "ftp://bob:Geheim@", "ftp://bob:Geheim@/x", "ftp://bob%2f:Geheim@host/", "ftp://bob:Geheim@ho。st/", "ftp://12:3x4Geheim@host/",
		"http://bob:Geheim@host#@x", "imap://bob:Geheim@host/?x%0ay",
	} {
		r := catalog(t)
		_, err := r.Parse(text, "")
		if err != nil && strings.Contains(text, "://") {
			check(t, text, err.Error(), secret)
		}
		target, err := r.Parse(text, "ftp")
		if err != nil {
			check(t, text, err.Error(), secret)
			continue
		}
		check(t, text, Redact(target.URL), secret)
		check(t, text, (&Error{Proto: "ftp", Op: "get", URL: Redact(target.URL), Kind: KindRefused}).Error(), secret)
		check(t, text, (&Error{URL: target.URL.String(), Kind: KindRefused}).Error(), secret)
	}
}

func check(t *testing.T, text, shown, secret string) {
	t.Helper()
	if strings.Contains(shown, secret) {
		t.Errorf("%q: the password is shown: %s", text, shown)
	}
}

func TestRedactKeepsTheRest(t *testing.T) {
	for text, want := range map[string]string{
		"ftp://bob:pw@host:2121/a%2Fb?c#d": "ftp://bob@host:2121/a%2Fb?c#d",
		"ftp://bob@host/":                  "ftp://bob@host/",
		"news:comp.lang.go":                "news:comp.lang.go",
	} {
		u := parsed(t, text, "")
		if got := Redact(u); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if u.String() != text {
			t.Errorf("%s was changed to %s", text, u)
		}
	}
	for text, want := range map[string]string{
		"ftp://host:21/a@b":     "ftp://host:21/a@b",
		"host:21/a@b":           "host:21/a@b",
		"ftp://u:p@host":        "ftp://u@host",
		"u:p@host":              "u@host",
		"ftp://u:21@host":       "ftp://u@host",
		"ftp://u:21/x:y@host":   "ftp://u:21/x:y@host",
		"no URL at all":         "no URL at all",
		"ftp://u:p@host:21/a:b": "ftp://u@host:21/a:b",
		"ftp:u:p@host/":         "ftp@host/", // ftp may be the user, and the rest the password
		"ftp:/u:p@host/":        "ftp:/u@host/",
		"//u:p@host/":           "//u@host/",
		"ftp;//u:p@host/":       "ftp;//u@host/",
		"ftp//u:p@host/":        "ftp//u@host/",
		"mbox:u:p@host/x":       "mbox:u@host/x",
		"news:<id@host>":        "news:<id@host>",
		"http://bob:secret":     "http://bob:****",
		"http://bob:secret/x?y": "http://bob:****/x?y",
		"ftp://[::1]/x":         "ftp://[::1]/x",
		"ftp://[::1]:21":        "ftp://[::1]:21",
		"tcp://host:smtp":       "tcp://host:smtp",
		"host:secret":           "host:secret",
	} {
		if got := RedactText(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func parsed(t *testing.T, text, scheme string) *url.URL {
	t.Helper()
	u, err := ParseURL(text, scheme)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return u
}

// FuzzParseURL: what is taken is understood the same way when it is written out
// and read again; what is refused is refused as usage; no line break or NUL gets
// through in a part that becomes a command.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"ftp://user:pa%40ss@[fe80::1%25eth0]:2121/%2Fa/b;type=i", "host:2121/x", "news:<a@b>", "maildir:a b", "unix:/x", "mailto:a@b?subject=%20",
		"http://bücher.example/?q=a b#c", "ftp://h:ftp/%250a", "imap://u;AUTH=*@h/INBOX/;UID=1", "ftp://a@b@c", "ftp://u:p/q@h", "lmtp:///s",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURL(text, "ftp")
		if err != nil {
			if KindOf(err) != KindUsage {
				t.Fatalf("%q: %v has kind %s", text, err, KindOf(err))
			}
			return
		}
		pass, _ := u.User.Password()
		for _, part := range []string{u.Scheme, u.Host, u.User.Username(), pass, u.Path, u.Opaque, u.RawQuery, u.Fragment} {
			if strings.ContainsAny(part, "\r\n\x00") {
				t.Fatalf("%q: %q got through", text, part)
			}
		}
		if u.Scheme == "maildir" || u.Scheme == "mbox" {
			return // a bare path, no URL to be written out
		}
		again, err := ParseURL(u.String(), "")
		if err != nil || again.String() != u.String() || again.Host != u.Host || again.Path != u.Path || again.User.String() != u.User.String() {
			t.Fatalf("%q: %q was read again as %v, %v", text, u, again, err)
		}
		if n, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || n < 0 || n > 65535) {
			t.Fatalf("%q: port %q", text, u.Port())
		}
	})
}

func TestSlashes(t *testing.T) {
	for _, c := range []struct{ system, text, want string }{
		{"windows", `maildir:C:\mail\box`, "maildir:C:/mail/box"},
		{"windows", `FILE:///C:\a`, "FILE:///C:/a"},
		{"windows", `ftp://host\a`, `ftp://host\a`},
		{"linux", `mbox:a\b`, `mbox:a\b`},
	} {
		t.Run(c.system+" "+c.text, func(t *testing.T) {
			if got := slashes(c.text, c.system); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
