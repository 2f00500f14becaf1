package http

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/transfer"
)

// davMembers is a multistatus of "path status" pairs.
func davMembers(pairs ...string) string {
	var b strings.Builder
	b.WriteString(`<D:multistatus xmlns:D="DAV:">`)
	for _, pair := range pairs {
		path, status, _ := strings.Cut(pair, " ")
		fmt.Fprintf(&b, "<D:response><D:href>%s</D:href><D:status>HTTP/1.1 %s X</D:status></D:response>", path, status)
	}
	return b.String() + "</D:multistatus>"
}

// TestChangesDoneInPart: a change that a 207 answers is done only when no member failed; a
// member that is missing does not mean that what was named is.
func TestChangesDoneInPart(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		kind protocols.Kind
		code int
		gone bool
	}{
		"all well":             {davMembers("/d/x 200", "/d/y 204"), 0, 0, false},
		"a member is locked":   {davMembers("/d/x 423", "/d/ 424"), protocols.KindRefused, 423, false},
		"what follows first":   {davMembers("/d/ 424", "/d/x 423"), protocols.KindRefused, 423, false},
		"only what follows":    {davMembers("/d/ 424"), protocols.KindRefused, 424, false},
		"one among others":     {davMembers("/d/a 200", "/d/b 403", "/d/c 200"), protocols.KindRefused, 403, false},
		"a member is missing":  {davMembers("/d/x 404"), protocols.KindRefused, 404, false},
		"it is missing itself": {davMembers("/d 404"), protocols.KindRefused, 404, true},
		"the server's trouble": {davMembers("/d/x 507"), protocols.KindTemporary, 507, false},
		"a member is there":    {davMembers("/e/x 412"), protocols.KindRefused, 412, false},
		"cut short":            {strings.TrimSuffix(davMembers("/d/x 200"), "</D:multistatus>"), protocols.KindProtocol, 0, false},
	} {
		answer := fmt.Sprintf("HTTP/1.1 207 Multi-Status\r\nContent-Length: %d\r\n\r\n%s", len(c.body), c.body)
		for verb, do := range map[string]func(*Client) error{
			"rm":  func(c *Client) error { return c.Remove(t.Context(), "d") },
			"mv":  func(c *Client) error { return c.Move(t.Context(), "d", "e") },
			"put": func(c *Client) error { _, err := c.Put(t.Context(), "d", strings.NewReader(""), nil); return err },
		} {
			r := startRaw(t, answer, answer)
			err := do(labtest.Open(t, New, r.url, nil))
			wantKind(t, err, c.kind)
			e, _ := errors.AsType[*protocols.Error](err)
			if e != nil && e.Code != c.code || errors.Is(err, fs.ErrNotExist) != c.gone || verb == "mv" && len(r.requests()) != 1 {
				t.Errorf("%s, %s: %v, %d requests", verb, name, err, len(r.requests()))
			}
		}
	}
}

// TestSyncDeletesInPart: what a server deletes only in part is reported as failed.
func TestSyncDeletesInPart(t *testing.T) {
	answers := map[string]string{"/tree/missing": davMembers("/tree/missing/in 404"), "/tree/locked": davMembers("/tree/locked/in 423", "/tree/locked 424"), "/tree/done": davMembers("/tree/done 200")}
	s := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		switch r.Method {
		case "PROPFIND":
			w.WriteHeader(nethttp.StatusMultiStatus)
			io.WriteString(w, `<D:multistatus xmlns:D="DAV:">`+davHref("/tree/")+davHref("/tree/missing")+davHref("/tree/locked")+davHref("/tree/done")+`</D:multistatus>`)
		case "DELETE":
			w.WriteHeader(nethttp.StatusMultiStatus)
			io.WriteString(w, answers[r.URL.Path])
		}
	}))
	t.Cleanup(s.Close)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	at := s.URL + "/tree/"
	u := labtest.URL(t, at)
	end := transfer.Endpoint{Open: func() (protocols.Client, error) { return New(u, nil) }, Name: "tree/", URL: at, Protocol: proto}
	got := map[string]string{}
	sum, err := transfer.Sync(quick(t), transfer.Local(dir), end, &transfer.SyncOptions{Delete: true}, func(r transfer.Result) { got[r.Name] = string(r.Status) })
	if protocols.KindOf(err) != protocols.KindPartial || sum.Failed != 2 || got["missing"] != "failed" || got["locked"] != "failed" || got["done"] != "deleted" {
		t.Errorf("%+v, %v, %v", sum, err, got)
	}
}
