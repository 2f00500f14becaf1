package labapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/journal"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// Server is a running server, as GET /api/servers lists it.
type Server struct {
	Protocol string `json:"protocol"`
	URL      string `json:"url"`
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Fault    string `json:"fault"` // the specification of its faults; empty: none
}

// Backend is what the interface shows and changes. Mail and Journal are needed, the
// rest may be nil: what belongs to it is then not found.
type Backend struct {
	Mail    *maillab.Mailboxes
	Journal *journal.Journal
	News    *newslab.Spool
	Tree    *base.Tree // in which stored files are
	Servers func() []Server
	// SetFaults replaces the faults of servers, by protocol; "*" stands for all.
	SetFaults func(map[string]string) error
	CA        []byte // certificate of the authority, PEM
	Version   string
	// Relay sends a message on.
	Relay func(ctx context.Context, from string, to []string, id string) error
	// RelayTo, if set, is what recipients of a release must match.
	RelayTo *regexp.Regexp
	MaxSize int64 // of a message that is sent through the interface; 0 is 64 MiB
	// Done, when set, ends the web sockets when it is closed.
	Done <-chan struct{}
}

// API is the interface, an http.Handler for the paths below /api/, and /view/, /livez
// and /readyz. It does not check who asks: see package labweb.
type API struct {
	Backend
	mux       *http.ServeMux
	started   time.Time
	summaries summaries

	socketMu sync.Mutex
	sockets  sync.WaitGroup
	ended    bool
}

// New returns the interface to a backend.
func New(b Backend) *API {
	if b.MaxSize == 0 {
		b.MaxSize = 64 << 20
	}
	a := &API{Backend: b, mux: http.NewServeMux(), started: time.Now()}
	for pattern, h := range a.routes() {
		a.mux.HandleFunc(pattern, reply(h))
	}
	return a
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// handler answers a request; an error that it returns is the answer.
type handler func(w http.ResponseWriter, r *http.Request) error

func (a *API) routes() map[string]handler {
	own, hog, checks := own{a}, hog{a}, checks{a}
	return map[string]handler{
		"GET /api/v1/info":                           a.info,
		"GET /api/v1/webui":                          a.webui,
		"GET /api/v1/messages":                       a.list,
		"PUT /api/v1/messages":                       a.setRead,
		"DELETE /api/v1/messages":                    a.remove,
		"GET /api/v1/search":                         a.search,
		"DELETE /api/v1/search":                      a.removeFound,
		"GET /api/v1/message/{id}":                   a.message,
		"GET /api/v1/message/{id}/headers":           a.headers,
		"GET /api/v1/message/{id}/raw":               a.raw,
		"GET /api/v1/message/{id}/part/{part}":       a.part,
		"GET /api/v1/message/{id}/part/{part}/thumb": a.part,
		"POST /api/v1/message/{id}/release":          a.release,
		"GET /api/v1/message/{id}/html-check":        checks.htmlCheck,
		"GET /api/v1/message/{id}/link-check":        checks.linkCheck,
		"GET /api/v1/message/{id}/sa-check":          checks.spamCheck,
		"GET /api/v1/chaos":                          checks.chaos,
		"PUT /api/v1/chaos":                          checks.setChaos,
		"GET /api/events":                            feed{a}.socket,
		"POST /api/v1/send":                          a.send,
		"GET /api/v1/tags":                           a.tags,
		"PUT /api/v1/tags":                           a.setTags,
		"PUT /api/v1/tags/{tag}":                     a.renameTag,
		"DELETE /api/v1/tags/{tag}":                  a.removeTag,
		"GET /view/{file}":                           a.view,
		"GET /livez":                                 alive,
		"GET /readyz":                                alive,

		"GET /api/v2/messages":                                hog.list,
		"GET /api/v2/search":                                  hog.search,
		"DELETE /api/v1/messages/{id}":                        hog.remove,
		"GET /api/v1/messages/{id}":                           hog.message,
		"GET /api/v1/messages/{id}/mime/part/{part}/download": a.part,

		"GET /api/{$}":              own.document,
		"GET /api":                  own.document,
		"GET /api/wait":             own.wait,
		"GET /api/wait/{kind}":      own.waitKind,
		"GET /api/servers":          own.servers,
		"GET /api/faults":           own.faults,
		"PUT /api/faults":           own.setFaults,
		"GET /api/ca":               own.ca,
		"GET /api/files":            own.files,
		"GET /api/files/{id}":       own.file,
		"DELETE /api/files/{id}":    own.removeFile,
		"GET /api/posts":            own.posts,
		"GET /api/posts/{id}":       own.post,
		"DELETE /api/posts/{id}":    own.removePost,
		"GET /api/requests":         own.requests,
		"GET /api/requests/{id}":    own.request,
		"DELETE /api/requests/{id}": own.removeRequest,
		"GET /api/talks":            own.talks,
		"GET /api/talks/{id}":       own.talk,
		"DELETE /api/talks":         own.removeTalks,
	}
}

// status is an error with the status of the answer.
type status struct {
	code int
	text string
}

// Error returns the text of the answer.
func (s status) Error() string { return s.text }

// What is answered often.
var (
	errNotFound = status{http.StatusNotFound, "404 not found"}
	errBadJSON  = status{http.StatusBadRequest, "the body is not the JSON that is wanted"}
)

// reply makes an http handler of ours.
func reply(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		code := http.StatusBadRequest
		if s, ok := errors.AsType[status](err); ok {
			code = s.code
		} else if errors.Is(err, maillab.ErrNoLetter) {
			code, err = http.StatusNotFound, errNotFound
		} else if errors.Is(err, maillab.ErrStoreFull) {
			code = http.StatusInsufficientStorage
		}
		http.Error(w, err.Error(), code)
	}
}

func writeJSON(w http.ResponseWriter, value any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(value)
}

func ok(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/plain")
	_, err := io.WriteString(w, "ok")
	return err
}

// maxRequest bounds the JSON of a request that carries no message.
const maxRequest = 1 << 20

// readJSON reads the body of a request; an empty one leaves value as it is.
func readJSON(w http.ResponseWriter, r *http.Request, most int64, value any) error {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(value)
	switch {
	case err == nil || err == io.EOF:
		return nil
	case errors.As(err, new(*http.MaxBytesError)):
		return status{http.StatusRequestEntityTooLarge, err.Error()}
	}
	return status{errBadJSON.code, errBadJSON.text + ": " + err.Error()}
}

// number reads a parameter of the query.
func number(r *http.Request, name string, or int) int {
	if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n >= 0 {
		return n
	}
	return or
}

func alive(w http.ResponseWriter, _ *http.Request) error { return ok(w) }
