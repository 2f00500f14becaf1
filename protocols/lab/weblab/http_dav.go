package weblab

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// propfind answers for a file, or for a folder with what is right in it: WebDAV,
// RFC 4918 section 9.1. The properties are always the same ones.
func (s *HTTPServer) propfind(w http.ResponseWriter, r *http.Request) {
	info, err := s.tree.Stat(r.URL.Path)
	if err != nil {
		fail(w, err)
		return
	}
	depth := r.Header.Get("Depth")
	if depth != "0" && depth != "1" {
		http.Error(w, "only depths 0 and 1", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", `application/xml; charset="utf-8"`)
	w.WriteHeader(http.StatusMultiStatus)
	io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?>`+"\n"+`<D:multistatus xmlns:D="DAV:">`)
	writeProps(w, r.URL.Path, info)
	if info.IsDir() && depth == "1" {
		entries, _ := s.tree.ReadDir(r.URL.Path)
		for _, e := range entries {
			name := path.Join(r.URL.Path, e.Name)
			if at, err := s.tree.Stat(name); err == nil { // what links point at
				writeProps(w, name, at)
			}
		}
	}
	io.WriteString(w, "</D:multistatus>\n")
}

func writeProps(w io.Writer, name string, i base.Info) {
	kind := ""
	if i.IsDir() {
		kind = "<D:collection/>"
		name = strings.TrimSuffix(name, "/") + "/"
	}
	io.WriteString(w, "<D:response><D:href>")
	xml.EscapeText(w, []byte((&url.URL{Path: name}).EscapedPath()))
	fmt.Fprintf(w, "</D:href><D:propstat><D:prop><D:resourcetype>%s</D:resourcetype><D:getlastmodified>%s</D:getlastmodified>", kind, i.ModTime.UTC().Format(http.TimeFormat))
	if !i.IsDir() {
		fmt.Fprintf(w, "<D:getcontentlength>%d</D:getcontentlength><D:getetag>", i.Size)
		xml.EscapeText(w, []byte(etag(i)))
		io.WriteString(w, "</D:getetag>")
	}
	io.WriteString(w, "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n")
}

func (s *HTTPServer) mkcol(w http.ResponseWriter, r *http.Request) {
	if err := s.tree.Mkdir(strings.TrimSuffix(r.URL.Path, "/")); err != nil {
		code := httpStatus(err)
		if code == http.StatusNotFound {
			code = http.StatusConflict // the folder above is missing: RFC 4918 9.3.1
		}
		http.Error(w, err.Error(), code)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func (s *HTTPServer) move(w http.ResponseWriter, r *http.Request) {
	to, err := url.Parse(r.Header.Get("Destination"))
	if err != nil || to.Path == "" || to.Host != "" && to.Host != r.Host {
		http.Error(w, "no destination on this server", http.StatusBadGateway)
		return
	}
	_, err = s.tree.Stat(to.Path)
	there := err == nil
	if there && r.Header.Get("Overwrite") == "F" {
		http.Error(w, "it exists", http.StatusPreconditionFailed)
		return
	}
	if err := s.tree.Rename(strings.TrimSuffix(r.URL.Path, "/"), strings.TrimSuffix(to.Path, "/")); err != nil {
		fail(w, err)
		return
	}
	w.WriteHeader(map[bool]int{true: http.StatusNoContent, false: http.StatusCreated}[there])
}

// trailerTime keeps tests of trailers from depending on the clock.
func trailerTime() string {
	return time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC).Format(time.RFC3339)
}
