package http

import (
	"context"
	"errors"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/transfer"
)

// strayServer has a folder whose files are at many places, and counts what is
// asked for at another server and outside of the folder.
func strayServer(t *testing.T) (at string, strayed *atomic.Int32) {
	strayed = new(atomic.Int32)
	other := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		strayed.Add(1)
		io.WriteString(w, "theirs")
	}))
	t.Cleanup(other.Close)
	mux := nethttp.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("/tree/", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		switch {
		case r.URL.Path != "/tree/":
			io.WriteString(w, "ours")
		case r.Method == "PROPFIND":
			w.WriteHeader(nethttp.StatusMethodNotAllowed)
		default:
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, `<a href="plain">p</a> <a href="moved">m</a> <a href="away">a</a> <a href="up">u</a> <a href="dots">d</a> <a href="gone/">g</a>`)
		}
	})
	for name, to := range map[string]string{
		"moved": "/tree/plain", "away": other.URL + "/tree/away", "up": "/secret", "dots": "/tree/%2e%2e/secret", "gone/": other.URL + "/tree/gone/",
	} {
		mux.Handle("/tree/"+name, nethttp.RedirectHandler(to, nethttp.StatusFound))
	}
	mux.HandleFunc("/secret", func(w nethttp.ResponseWriter, r *nethttp.Request) { strayed.Add(1) })
	return s.URL + "/tree/", strayed
}

// TestTreesHoldNothingFromElsewhere: files of a listing that redirect out of its
// folder fail, and nothing is asked for elsewhere.
func TestTreesHoldNothingFromElsewhere(t *testing.T) {
	at, strayed := strayServer(t)
	u := labtest.URL(t, at)
	end := transfer.Endpoint{
		Open: func() (protocols.Client, error) { return New(u, nil) }, Name: "tree/", URL: at, Protocol: proto,
	}
	dir := t.TempDir()
	failed := map[string]error{}
	sum, err := transfer.Sync(quick(t), end, transfer.Local(dir), nil, func(r transfer.Result) {
		if r.Err != nil {
			failed[r.Name] = r.Err
		}
	})
	if protocols.KindOf(err) != protocols.KindPartial || sum.Done != 2 || sum.Failed != 4 {
		t.Errorf("%+v, %v, failed: %v", sum, err, failed)
	}
	for _, name := range []string{"away", "up", "dots", "gone"} {
		if protocols.KindOf(failed[name]) != protocols.KindRefused {
			t.Errorf("%s: %v", name, failed[name])
		}
		if _, err := os.Lstat(filepath.Join(dir, name)); name != "gone" && !os.IsNotExist(err) {
			t.Errorf("%s was stored: %v", name, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "moved")); string(b) != "ours" || err != nil {
		t.Errorf("a redirect inside of the folder: %q, %v", b, err)
	}
	if n := strayed.Load(); n != 0 {
		t.Errorf("%d requests outside of the folder", n)
	}
}

// TestListingsAskNothingElsewhere: a listing, too, stays in its folder; only the
// object that a user names may be anywhere.
func TestListingsAskNothingElsewhere(t *testing.T) {
	at, strayed := strayServer(t)
	c := labtest.Open(t, New, at, nil)
	entries := 0
	for e, err := range c.List(quick(t), "tree/") {
		if err != nil {
			t.Fatal(err)
		}
		if known := e.Name == "plain" || e.Name == "moved"; known != (e.Size >= 0) {
			t.Errorf("%s has size %d", e.Name, e.Size)
		}
		entries++
	}
	_, err := drained(quick(t), c, "tree/gone/")
	wantKind(t, err, protocols.KindRefused)
	if n := strayed.Load(); n != 0 || entries != 6 {
		t.Errorf("%d requests elsewhere, %d entries", n, entries)
	}
	if got := labtest.Read(t, c, "tree/away"); got != "theirs" || strayed.Load() != 1 {
		t.Errorf("named by the user: %q", got)
	}
}

// drained counts the entries of a listing.
func drained(ctx context.Context, c *Client, name string) (n int, err error) {
	for _, err = range c.List(ctx, name) {
		if err == nil {
			n++
		}
	}
	return n, err
}

// TestLocationForms: the ways in which servers write where to go.
func TestLocationForms(t *testing.T) {
	base := labtest.URL(t, "http://h/d/x?q=1")
	for text, want := range map[string]string{
		"/y": "http://h/y", "y": "http://h/d/y", "?a=b": "http://h/d/x?a=b", "//other/z": "http://other/z", "../up": "http://h/up", "./": "http://h/d/", "": "http://h/d/x?q=1",
		"http:y": "http://h/d/y", "http:/y": "http://h/y", "https://h/y": "https://h/y", " /y ": "http://h/y", "/a b": "http://h/a%20b",
		"/a%b": "http://h/a%25b", "/50%": "http://h/50%25", "/50%?q=%zz": "http://h/50%25?q=%zz", "/a%2Fb": "http://h/a%2Fb", "/y#part": "http://h/y", "/caf\xc3\xa9": "http://h/caf%C3%A9",
	} {
		if got, err := location(base, text); err != nil || got.String() != want {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"file:///etc/passwd", "gopher://h/1", "data:,x", "javascript:x", "http://", "https:y", "/a\nb"} {
		if got, err := location(base, text); err == nil {
			t.Errorf("%q leads to %s", text, got)
		}
	}
}

// TestRedirectsElsewhere: a redirect to another protocol is an error that says where it
// leads, without a login; one from https to unencrypted FTP is refused as one to http is.
func TestRedirectsElsewhere(t *testing.T) {
	for _, c := range []struct {
		from, to string
		allow    bool
		moved    string // empty: the error says that it is a downgrade
	}{
		{"http://h/a", "ftp://eve:s3cret@f/x%20y#z", false, "ftp://f/x%20y"},
		{"http://h/a", "file:///etc/passwd", false, "file:///etc/passwd"},
		{"http://h/a", "data:,x", false, "data:,x"},
		{"https://h/a", "ftps://f/x", false, "ftps://f/x"},
		{"https://h/a", "ftp://eve:s3cret@f/x", false, ""},
		{"https://h/a", "FTP://f/x", false, ""},
		{"https://h/a", "ftp://f/x", true, "ftp://f/x"},
	} {
		client := labtest.Open(t, New, c.from, nil)
		client.Settings.AllowDowngrade = c.allow
		_, err := client.engine.follow(&Request{URL: labtest.URL(t, c.from)}, &Response{Status: 302, Header: Header{"Location": {c.to}}})
		if protocols.KindOf(err) != protocols.KindRefused || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
		moved, ok := errors.AsType[*RedirectError](err)
		if ok != (c.moved != "") || ok && moved.Moved().String() != c.moved || !ok && !strings.Contains(err.Error(), "from https to ftp") {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
	}
}
