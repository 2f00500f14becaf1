package http

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/transfer"
)

// pageServer answers GET of /tree/ with page, and of files below with their content; it
// has no WebDAV.
func pageServer(t *testing.T, page string) string {
	addr := rawConns(t, nil, func(conn net.Conn) {
		for {
			head, err := readHead(conn)
			if err != nil {
				return
			}
			switch method, rest, _ := strings.Cut(head, " "); {
			case method == "PROPFIND":
				io.CopyN(io.Discard, conn, int64(len(davBody)))
				io.WriteString(conn, "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")
			case strings.HasPrefix(rest, "/robots.txt"):
				io.WriteString(conn, "HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n")
			case strings.HasPrefix(rest, "/tree/ "):
				io.WriteString(conn, page)
				return
			case method == "HEAD":
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
			default:
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")
			}
		}
	})
	return "http://" + addr + "/tree/"
}

// TestRobotsBesideThePage: the index page is asked for while robots.txt has no answer yet, and
// what robots.txt closes is left out all the same; rules that never come do not hold up a
// page that failed.
func TestRobotsBesideThePage(t *testing.T) {
	for name, page := range map[string]bool{"page": true, "no page": false} {
		t.Run(name, func(t *testing.T) {
			asked, robots := make(chan struct{}), make(chan struct{})
			server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
				switch {
				case r.Method != nethttp.MethodGet:
					w.WriteHeader(nethttp.StatusMethodNotAllowed)
				case r.URL.Path == "/robots.txt":
					close(robots)
					if <-asked; !page {
						<-r.Context().Done()
					}
					io.WriteString(w, "User-agent: *\nDisallow: /tree/closed\n")
				default:
					<-robots
					close(asked)
					if !page {
						w.WriteHeader(nethttp.StatusForbidden)
						return
					}
					w.Header().Set("Content-Type", "text/html")
					io.WriteString(w, `<a href="open">open</a> <a href="closed">closed</a>`)
				}
			}))
			defer server.Close()
			c := labtest.Open(t, New, server.URL+"/tree/", nil)
			c.Settings.IndexOnly = true
			got := map[string]protocols.Type{}
			var failed error
			for e, err := range c.List(quick(t), "tree/") {
				got[e.Name], failed = e.Type, err
			}
			if !page {
				wantKind(t, failed, protocols.KindRefused)
				return
			}
			if want := map[string]protocols.Type{"open": protocols.TypeFile, "closed": protocols.TypeOther}; failed != nil || !maps.Equal(got, want) {
				t.Errorf("%v, %v", got, failed)
			}
		})
	}
}

// TestIndexPagesCutShort: a page that did not come whole is an error, also when its last
// link is whole; a sync deletes nothing then, and says so.
func TestIndexPagesCutShort(t *testing.T) {
	const head, links = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", `<html><a href="a">a</a> <a href="b">b</a> `
	chunk := func(s string) string { return strconv.FormatInt(int64(len(s)), 16) + "\r\n" + s + "\r\n" }
	for name, c := range map[string]struct {
		page  string
		whole bool
	}{
		"length reached":           {head + "Content-Length: " + strconv.Itoa(len(links)) + "\r\n\r\n" + links, true},
		"length not reached":       {head + "Content-Length: 900\r\n\r\n" + links, false},
		"nothing came":             {head + "Content-Length: 900\r\n\r\n", false},
		"inside of a link":         {head + "Content-Length: 900\r\n\r\n" + links + `<a href="c`, false},
		"chunks ended":             {head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(links) + "0\r\n\r\n", true},
		"chunks without end":       {head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(links), false},
		"chunk cut":                {head + "Transfer-Encoding: chunked\r\n\r\n" + strings.TrimSuffix(chunk(links), "b</a> \r\n"), false},
		"end of chunks cut":        {head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(links) + "0\r\n", false},
		"no chunk":                 {head + "Transfer-Encoding: chunked\r\n\r\n", false},
		"length reached in a tag":  {head + "Content-Length: " + strconv.Itoa(len(links)+10) + "\r\n\r\n" + links + `<a href="c`, false},
		"ends with the connection": {head + "Connection: close\r\n\r\n" + links + "</html>\n", true},
		"root element not closed":  {head + "Connection: close\r\n\r\n" + links, false},
		"no root element":          {head + "Connection: close\r\n\r\n" + strings.TrimPrefix(links, "<html>"), true},
		"next page in a link":      {head + "Connection: close\r\n\r\n" + links + `<a rel="next" href="?page=2">more</a></html>`, false},
		"next page in the head":    {head + "Connection: close\r\n\r\n" + `<html><link href="?page=2" rel="x NEXT">` + strings.TrimPrefix(links, "<html>") + "</html>", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := pageServer(t, c.page)
			n, err := drained(quick(t), labtest.Open(t, New, at, nil), "tree/")
			if (err == nil) != c.whole || c.whole && n != 2 {
				t.Errorf("%d entries, %v", n, err)
			}
			dir := t.TempDir()
			for _, old := range []string{"a", "gone"} {
				if err := os.WriteFile(filepath.Join(dir, old), []byte("old"), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			u := labtest.URL(t, at)
			end := transfer.Endpoint{Open: func() (protocols.Client, error) { return New(u, nil) }, Name: "tree/", URL: at, Protocol: proto}
			sum, err := transfer.Sync(quick(t), end, transfer.Local(dir), &transfer.SyncOptions{Delete: true, Options: transfer.Options{Retries: -1}}, nil)
			_, gone := os.Stat(filepath.Join(dir, "gone"))
			if c.whole != (err == nil) || c.whole != os.IsNotExist(gone) || c.whole != (sum.Deleted == 1) {
				t.Errorf("%+v, %v, %v", sum, err, gone)
			}
		})
	}
}

// TestSegmentsWithoutRange: a server that ignores Range, or some of them, or answers with
// another part, never leaves a file that is not the object.
func TestSegmentsWithoutRange(t *testing.T) {
	content := []byte(labtest.Pattern(7, 4<<20))
	for name, c := range map[string]struct {
		answer func(n int, from, to int64) (status string, body []byte) // of the n-th request for a part
		whole  bool
	}{
		"all ignored":        {func(int, int64, int64) (string, []byte) { return "200 OK", content }, true},
		"the first ignored":  {func(n int, from, to int64) (string, []byte) { return rangeOf(n > 0 && from > 0, content, from, to) }, true},
		"the others ignored": {func(n int, from, to int64) (string, []byte) { return rangeOf(from == 0, content, from, to) }, true},
		"one from 0": {func(n int, from, to int64) (string, []byte) {
			if from > 0 {
				_, b := rangeOf(true, content, 0, to-from)
				return "206 P\r\nContent-Range: bytes 0-" + strconv.FormatInt(to-from, 10) + "/" + strconv.Itoa(len(content)), b
			}
			return rangeOf(true, content, from, to)
		}, false},
		"another size": {func(n int, from, to int64) (string, []byte) {
			_, b := rangeOf(true, content, from, to)
			return "206 P\r\nContent-Range: bytes " + strconv.FormatInt(from, 10) + "-" + strconv.FormatInt(to, 10) + "/" + strconv.Itoa(len(content)+1), b
		}, false},
		"all of it, and longer": {func(n int, from, to int64) (string, []byte) { return "200 OK", append(bytes.Clone(content), 'x') }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := rangeServer(t, content, c.answer)
			u := labtest.URL(t, at)
			end := transfer.Endpoint{Open: func() (protocols.Client, error) { return New(u, nil) }, Name: "x", URL: at, Protocol: proto}
			dir := t.TempDir()
			_, err := transfer.Copy(quick(t), end, transfer.Local(filepath.Join(dir, "x")), &transfer.Options{Segments: 4, Retries: -1})
			b, rerr := os.ReadFile(filepath.Join(dir, "x"))
			if c.whole && (err != nil || !bytes.Equal(b, content)) || !c.whole && (err == nil || !os.IsNotExist(rerr)) {
				t.Errorf("%v; %d bytes, %v", err, len(b), rerr)
			}
		})
	}
}

// rangeOf answers with the bytes that were asked for, or with all when the range is not kept to.
func rangeOf(kept bool, content []byte, from, to int64) (string, []byte) {
	if !kept {
		return "200 OK", content
	}
	return fmt.Sprintf("206 P\r\nContent-Range: bytes %d-%d/%d", from, to, len(content)), content[from : to+1]
}

// rangeServer has one object; answer is asked for each request with a Range.
func rangeServer(t *testing.T, content []byte, answer func(n int, from, to int64) (string, []byte)) string {
	var asked atomic.Int32
	addr := rawConns(t, nil, func(conn net.Conn) {
		for {
			head, err := readHead(conn)
			if err != nil {
				return
			}
			status, body := "200 OK", content
			if _, text, ok := strings.Cut(head, "\r\nRange: bytes="); ok {
				var from, to int64
				fmt.Sscanf(text, "%d-%d", &from, &to)
				status, body = answer(int(asked.Add(1))-1, from, to)
			}
			fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n", status, len(body))
			if strings.HasPrefix(head, "GET") {
				if _, err := conn.Write(body); err != nil {
					return
				}
			}
		}
	})
	return "http://" + addr + "/x"
}
