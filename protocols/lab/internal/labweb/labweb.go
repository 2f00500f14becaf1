// Package labweb is the page of the lab: what its servers received, live, and their
// faults. It is an http.Handler that programs can serve themselves, and has the REST
// interface of package labapi below /api/:
//
//	http.Handle("/lab/", http.StripPrefix("/lab", labweb.New(labweb.Options{API: api})))
//
// The page needs nothing from elsewhere: style and script are part of the program. The
// package implements no RFC.
package labweb

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/look"
	"github.com/netclients/netclients/protocols/lab/internal/labapi"
)

// Options configure New.
type Options struct {
	API *labapi.API // what the page shows and changes
	// Hosts are names that the Host field of a request may have besides localhost and
	// addresses, in lower case, without the port; "*" is any. The check keeps pages of
	// other sites from reading what is here under a name of theirs.
	Hosts []string
}

//go:embed static
var static embed.FS

// web is the page.
type web struct {
	opt   Options
	page  *template.Template
	files fs.FS
}

// pagePolicy is the policy of the page: its own script and style, and nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// New returns the page. Requests that change something and that a page of another site
// may have made a browser send are refused.
func New(o Options) http.Handler {
	files, _ := fs.Sub(static, "static") // the folder is there
	w := &web{opt: o, files: files, page: template.Must(template.ParseFS(files, "page.tmpl"))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.index)
	mux.HandleFunc("GET /lab.js", w.file("text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /look.css", w.look)
	mux.HandleFunc("GET /lab.css", w.file("text/css; charset=utf-8"))
	mux.HandleFunc("GET /api/events", w.eventsOrSocket)
	mux.Handle("/api", o.API)
	mux.Handle("/api/", o.API)
	mux.Handle("/view/", o.API)
	mux.Handle("/livez", o.API)
	mux.Handle("/readyz", o.API)
	return w.guard(http.NewCrossOriginProtection().Handler(mux))
}

// guard refuses requests for other hosts, which a name of another site that leads here
// brings (DNS rebinding), and sets the fields that every answer has.
func (w *web) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if !w.own(r.Host) {
			http.Error(out, "the lab does not answer for this host; its names are set with --hosts", http.StatusMisdirectedRequest)
			return
		}
		h := out.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'") // for what messages carry
		h.Set("Cache-Control", "no-store")
		if strings.HasPrefix(r.URL.Path, "/api/v1/message/") && strings.Contains(r.URL.Path, "/part/") {
			h.Del("Cross-Origin-Resource-Policy") // the sandbox of a message has no origin
		}
		next.ServeHTTP(out, r)
	})
}

// own reports whether a Host is one of ours. An address is: no name of another site
// leads to it.
func (w *web) own(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.Contains(w.opt.Hosts, name) || slices.Contains(w.opt.Hosts, "*") {
		return true
	}
	_, err = netip.ParseAddr(name)
	return err == nil
}

// index is the page itself.
func (w *web) index(out http.ResponseWriter, _ *http.Request) {
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	out.Header().Set("Content-Security-Policy", pagePolicy)
	data := struct {
		Version string
		Servers []labapi.Server
		Relay   bool
	}{w.opt.API.Version, nil, w.opt.API.Relay != nil}
	if w.opt.API.Servers != nil {
		data.Servers = w.opt.API.Servers()
	}
	w.page.Execute(out, data)
}

// file is one of the embedded files.
func (w *web) file(kind string) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", kind)
		http.ServeFileFS(out, r, w.files, strings.TrimPrefix(r.URL.Path, "/"))
	}
}

// look is the style sheet that the pages of this program share.
func (w *web) look(out http.ResponseWriter, _ *http.Request) {
	out.Header().Set("Content-Type", "text/css; charset=utf-8")
	io.WriteString(out, look.CSS())
}

// eventsOrSocket is GET /api/events: Mailpit's web socket where one is asked for.
func (w *web) eventsOrSocket(out http.ResponseWriter, r *http.Request) {
	if labapi.IsSocket(r) {
		w.opt.API.ServeHTTP(out, r)
		return
	}
	w.events(out, r)
}

// eventPause is how often a line shows that the stream is alive.
const eventPause = 15 * time.Second

// events is GET /api/events: server-sent events, each a JSON object with kind, id, data.
func (w *web) events(out http.ResponseWriter, r *http.Request) {
	events, stop := w.opt.API.Journal.Subscribe()
	defer stop()
	out.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(out)
	alive := time.NewTicker(eventPause)
	defer alive.Stop()
	fmt.Fprint(out, "retry: 1000\ndata: {\"kind\":\"hello\"}\n\n")
	for flush.Flush() == nil {
		select {
		case e := <-events:
			text, err := json.Marshal(e)
			if err == nil {
				fmt.Fprintf(out, "data: %s\n\n", text)
			}
		case <-alive.C:
			fmt.Fprint(out, ": alive\n\n")
		case <-r.Context().Done():
			return
		}
	}
}
