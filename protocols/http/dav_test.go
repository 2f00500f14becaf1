package http

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/multistatus"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// listDAVAnswer lists http://h/d/ from the responses of a multistatus.
func listDAVAnswer(t *testing.T, responses string) (string, error) {
	t.Helper()
	c := labtest.Open(t, New, "http://h/", nil)
	var got []string
	listing := newDAVListing(c.site, labtest.URL(t, "http://h/d/"), func(e protocols.Entry) bool {
		if !e.Parsed() {
			e.Name = "not understood: " + e.Raw
		}
		got = append(got, fmt.Sprintf("%s %s %d", e.Name, e.Type, e.Size))
		return true
	})
	body := `<D:multistatus xmlns:D="DAV:">` + responses + `</D:multistatus>`
	err := multistatus.Parse(strings.NewReader(body), protocols.Limits{}.WithDefaults(), listing.response)
	if err == nil {
		err = listing.end()
	}
	return strings.Join(got, ", "), err
}

func davHref(href string) string {
	return "<D:response><D:href>" + href + "</D:href><D:propstat><D:prop><D:getcontentlength>3</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
}

// TestDAVNames: what lies right in the folder is listed, whatever host the server takes
// itself for and however it encodes names; what cannot be understood is said.
func TestDAVNames(t *testing.T) {
	for href, want := range map[string]string{
		"/d/a%20b":                       "a b file 3",
		"http://h/d/x":                   "x file 3",
		"https://inner.example:8443/d/x": "x file 3",
		"HTTP://h:81/d/x":                "x file 3",
		"x":                              "x file 3",
		"./x":                            "x file 3",
		"//d/x":                          "x file 3",
		"/d/Now 100% better":             "Now 100% better file 3",
		"/d/50%zz%20":                    "50%zz  file 3",
		"/d/t #1?":                       "t #1? file 3",
		"/d/a+b;c":                       "a+b;c file 3",
		"/d/sub/":                        "sub file 3",
		"/d/":                            "",
		"/d":                             "",
		"/":                              "",
		"/d/a/b":                         "",
		"/d/%2e%2e":                      "not understood: /d/%2e%2e other -1",
		"/d/a%2Fb":                       "not understood: /d/a%2Fb other -1",
		"/d/a%0Ab":                       "not understood: /d/a%0Ab other -1",
	} {
		if got, err := listDAVAnswer(t, davHref("/d/")+davHref(href)); got != want || err != nil {
			t.Errorf("%q: %q, %v, want %q", href, got, err, want)
		}
	}
	const shared = "<D:response><D:href>/d/x</D:href><D:href>/d/y</D:href><D:status>HTTP/1.1 403 Forbidden</D:status></D:response>"
	if got, err := listDAVAnswer(t, davHref("/d/")+shared); got != "x other -1, y other -1" || err != nil {
		t.Errorf("one status for two names: %q, %v", got, err)
	}
	nameless := strings.Replace(davHref(""), "<D:href></D:href>", "", 1)
	if got, err := listDAVAnswer(t, davHref("/d/")+nameless); !strings.HasPrefix(got, "not understood: ") || err != nil {
		t.Errorf("a response without a name: %q, %v", got, err)
	}
	got, err := listDAVAnswer(t, davHref("/d/")+davHref("/d/x")+davHref("/other/y"))
	if got != "x file 3, not understood: /other/y other -1" || err != nil {
		t.Errorf("one name elsewhere: %q, %v", got, err)
	}
	if got, err := listDAVAnswer(t, davHref("/dav/d/")+davHref("/dav/d/x")); err == nil || got != "" || protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("all names elsewhere: %q, %v", got, err)
	}
}

// TestDAVStatus: the status of a response counts, and that of each of its propstats.
func TestDAVStatus(t *testing.T) {
	response := func(href, inside string) string {
		return "<D:response><D:href>" + href + "</D:href>" + inside + "</D:response>"
	}
	status := func(code string) string { return "<D:status>HTTP/1.1 " + code + "</D:status>" }
	propstat := func(props, code string) string {
		return "<D:propstat><D:prop>" + props + "</D:prop>" + status(code) + "</D:propstat>"
	}
	const collection = "<D:resourcetype><D:collection/></D:resourcetype>"
	for name, c := range map[string]struct {
		responses, want string
		class           error
	}{
		"missing folder":      {response("/d/", propstat("", "404 Not Found")), "", fs.ErrNotExist},
		"folder is closed":    {response("/d/", status("403 Forbidden")), "", fs.ErrPermission},
		"listing cut":         {davHref("/d/") + davHref("/d/a") + response("/d/", status("507 Insufficient Storage")), "a file 3", protocols.ErrIncomplete},
		"member is gone":      {davHref("/d/") + davHref("/d/a") + response("/d/gone", status("404 Not Found")), "a file 3", nil},
		"member is closed":    {davHref("/d/") + response("/d/shut", propstat("", "403 Forbidden")), "shut other -1", nil},
		"two good propstats":  {davHref("/d/") + response("/d/sub", propstat(collection, "200 OK")+propstat("<D:getetag>\"x\"</D:getetag>", "200 OK")), "sub dir -1", nil},
		"some properties not": {response("/d/", propstat(collection, "200 OK")+propstat("<D:getetag/>", "404 Not Found")) + davHref("/d/a"), "a file 3", nil},
	} {
		got, err := listDAVAnswer(t, c.responses)
		if got != c.want || (c.class == nil) != (err == nil) || c.class != nil && !errors.Is(err, c.class) {
			t.Errorf("%s: %q, %v; want %q, %v", name, got, err, c.want, c.class)
		}
	}
}

// TestPagesBehindFirewalls: where PROPFIND is not let through, the index page is read; a
// server that has shown WebDAV before, or says that it has it, is never listed by a page.
func TestPagesBehindFirewalls(t *testing.T) {
	const page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 31\r\n\r\n<a href=\"a.txt\">the first</a>  "
	for name, c := range map[string]struct {
		propfind, options, want string
	}{
		"closed":           {"", "", "a.txt"},
		"500":              {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "a.txt"},
		"502":              {"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", "", "a.txt"},
		"closed by WebDAV": {"", "HTTP/1.1 200 OK\r\nDav: 1\r\nContent-Length: 0\r\n\r\n", ""},
		"500 of WebDAV":    {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nDav: 1\r\nContent-Length: 0\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawConns(t, nil, func(conn net.Conn) {
				for {
					head, err := readHead(conn)
					if err != nil {
						return
					}
					answer := page
					switch {
					case strings.HasPrefix(head, "PROPFIND"):
						io.CopyN(io.Discard, conn, int64(len(davBody)))
						answer = c.propfind
					case strings.HasPrefix(head, "OPTIONS"):
						answer = c.options
					case strings.Contains(head, "robots.txt"), strings.HasPrefix(head, "HEAD"):
						answer = "HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n"
					}
					if answer == "" {
						return
					}
					io.WriteString(conn, answer)
				}
			})
			got := ""
			var failed error
			for e, err := range labtest.Open(t, New, "http://"+addr+"/", nil).List(quick(t), "pub/") {
				got, failed = got+e.Name, err
			}
			if got != c.want || (failed == nil) != (c.want != "") {
				t.Errorf("%q, %v", got, failed)
			}
		})
	}
}

// TestDAVEncodings: the document may be in any encoding that it names or begins with.
func TestDAVEncodings(t *testing.T) {
	latin := func(s string) string { b, _ := charmap.ISO8859_1.NewEncoder().String(s); return b }
	wide := func(e unicode.Endianness, bom unicode.BOMPolicy) func(string) string {
		return func(s string) string { b, _ := unicode.UTF16(e, bom).NewEncoder().String(s); return b }
	}
	for label, encode := range map[string]func(string) string{
		"utf-8": strings.Clone, "US-ASCII": strings.Clone, "iso-8859-1": latin, "windows-1252": latin,
		"utf-16": wide(unicode.LittleEndian, unicode.UseBOM), "UTF-16": wide(unicode.BigEndian, unicode.UseBOM), "utf-16le": wide(unicode.LittleEndian, unicode.IgnoreBOM),
	} {
		name := "caf\u00e9"
		if label == "US-ASCII" {
			name = "caf&#233;"
		}
		body := encode(`<?xml version="1.0" encoding="` + label + `"?><D:multistatus xmlns:D="DAV:">` + davHref("/d/") + davHref("/d/"+name) + "</D:multistatus>")
		var got []string
		err := multistatus.Parse(strings.NewReader(body), protocols.Limits{}.WithDefaults(), func(r multistatus.Response) error { got = append(got, r.Href); return nil })
		if err != nil || len(got) != 2 || got[1] != "/d/caf\u00e9" {
			t.Errorf("%s: %q, %v", label, got, err)
		}
	}
	err := multistatus.Parse(strings.NewReader(`<?xml version="1.0" encoding="x-odd"?><D:multistatus/>`), protocols.Limits{}.WithDefaults(), nil)
	if protocols.KindOf(err) != protocols.KindProtocol || !strings.Contains(err.Error(), "x-odd") {
		t.Errorf("%v", err)
	}
}

// TestStatAsListed: WebDAV reports what a thing is where the answer to HEAD does not.
func TestStatAsListed(t *testing.T) {
	answer := func(status int, header, body string) string {
		return fmt.Sprintf("HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
	}
	folder := "<D:response><D:href>%s</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
	multi := func(inside string) string {
		return answer(207, "", `<D:multistatus xmlns:D="DAV:">`+inside+`</D:multistatus>`)
	}
	page, none := "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 90\r\n\r\n", answer(405, "", "")
	for name, c := range map[string]struct {
		head, propfind, want string
		kind                 protocols.Kind
	}{
		"page for a folder":        {page, multi(fmt.Sprintf(folder, "/d")), "dir -1", 0},
		"with a slash":             {page, multi(fmt.Sprintf(folder, "/d/")), "dir -1", 0},
		"another prefix":           {page, multi(fmt.Sprintf(folder, "/inner/d/")), "dir -1", 0},
		"page of a plain server":   {page, none, "file 90", 0},
		"HEAD is forbidden":        {answer(403, "", ""), multi(davHref("/d")), "file 3", 0},
		"HEAD fails":               {answer(500, "", ""), multi(davHref("/d")), "file 3", 0},
		"HEAD is not known":        {none, multi(davHref("/d")), "file 3", 0},
		"forbidden without WebDAV": {answer(403, "", ""), none, "", protocols.KindRefused},
		"missing in the status":    {answer(403, "", ""), multi("<D:response><D:href>/d</D:href><D:status>HTTP/1.1 404 Gone</D:status></D:response>"), "", protocols.KindRefused},
		"nothing about it":         {page, multi(""), "file 90", 0},
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawConns(t, nil, func(conn net.Conn) {
				for {
					head, err := readHead(conn)
					if err != nil {
						return
					}
					answer := c.head
					if strings.HasPrefix(head, "PROPFIND") {
						if io.CopyN(io.Discard, conn, int64(len(davBody))); !strings.Contains(head, "Depth: 0") {
							t.Errorf("%q", head)
						}
						answer = c.propfind
					}
					io.WriteString(conn, answer)
				}
			})
			e, err := labtest.Open(t, New, "http://"+addr+"/", nil).Stat(quick(t), "d")
			if wantKind(t, err, c.kind); err != nil {
				return
			}
			if got := fmt.Sprint(e.Type, " ", e.Size); got != c.want || e.Name != "d" || e.Path != "d" {
				t.Errorf("%s, want %s: %+v", got, c.want, e)
			}
		})
	}
}
