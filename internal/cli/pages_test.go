package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSyncPages: a site through its links, as files and as an archive.
func TestSyncPages(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages := map[string]string{"/docs/": `<a href="two">two</a><img src="/p.png">`, "/docs/two": `<a href="gone">gone</a>`, "/p.png": "\x89PNG"}
		text, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if !strings.HasSuffix(r.URL.Path, ".png") {
			w.Header().Set("Content-Type", "text/html")
		}
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, text)
	}))
	defer server.Close()
	dir := t.TempDir()
	at := server.URL + "/docs/"
	code, out, errOut := fullCLI(t, "sync", "--pages", "--depth", "1", at, filepath.Join(dir, "tree"))
	if code != 0 || !strings.Contains(errOut, "3 done, 0 unchanged, 0 deleted, 0 failed") {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	page, err := os.ReadFile(filepath.Join(dir, "tree", strings.ReplaceAll(server.Listener.Addr().String(), ":", "+"), "docs", "index.html"))
	if err != nil || string(page) != `<a href="two.html">two</a><img src="../p.png">` {
		t.Errorf("%s %v", page, err)
	}
	code, out, errOut = fullCLI(t, "sync", "--pages", "--depth", "1", "--json", at, filepath.Join(dir, "tree"))
	if code != 0 || !strings.Contains(out, `"status":"skipped"`) || !strings.Contains(out, `{"summary":{"done":0,"skipped":3,"deleted":0,"failed":0,"bytes":0}}`) {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	archive := filepath.Join(dir, "a.warc.gz")
	code, out, errOut = fullCLI(t, "sync", "--pages", at, "warc:"+archive)
	if info, err := os.Stat(archive); code != 10 || err != nil || info.Size() == 0 || !strings.Contains(errOut, "404") {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	for _, c := range []struct{ args, says string }{
		{"sync " + at + " warc:" + archive, "is for web pages"},
		{"sync --pages " + at + " warc:", "wants a file"},
		{"sync --pages --delete " + at + " " + dir, "--delete has no meaning with --pages"},
		{"sync --whole-host " + at + " " + dir, "are for --pages"},
		{"sync --pages " + at + " " + at, "DST is a folder"},
	} {
		if code, _, errOut := fullCLI(t, strings.Fields(c.args)...); code != 2 || !strings.Contains(errOut, c.says) {
			t.Errorf("%s: exit code %d, %s", c.args, code, errOut)
		}
	}
}
