package http

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
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
	err := parseMultistatus(strings.NewReader(body), protocols.Limits{}.WithDefaults(), listing.response)
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
