package labapi

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/journal"
)

// own are the calls that neither Mailpit nor MailHog has.
type own struct{ *API }

// document is GET /api.
func (a own) document(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	return writeJSON(w, openAPI(a.Version))
}

// Bounds of GET /api/wait.
const (
	waitDefault = 10 * time.Second
	waitMost    = 10 * time.Minute
)

// wait is GET /api/wait: for mail.
func (a own) wait(w http.ResponseWriter, r *http.Request) error {
	r.SetPathValue("kind", "mail")
	return a.waitKind(w, r)
}

// waitKind is GET /api/wait/mail, files, posts or requests: it answers with the newest
// that fits all parameters as soon as there is one, or with 408 when there is none in
// time.
func (a own) waitKind(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	within, err := waitTime(q.Get("timeout"))
	if err != nil {
		return err
	}
	look := map[string]func(url.Values) (any, error){"mail": a.findMail, "files": a.findFile, "posts": a.findPost, "requests": a.findRequest}[r.PathValue("kind")]
	if look == nil {
		return status{http.StatusNotFound, "what can be waited for: mail, files, posts, requests"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	for {
		changed, noted := a.Mail.Changed(), a.Journal.Changed() // before looking: nothing is missed
		found, err := look(q)
		if err != nil {
			return err
		}
		if found != nil {
			return writeJSON(w, found)
		}
		select {
		case <-changed:
		case <-noted:
		case <-ctx.Done():
			return status{http.StatusRequestTimeout, fmt.Sprintf("nothing that fits came within %v", within)}
		}
	}
}

// waitTime reads a duration, or bare seconds.
func waitTime(s string) (time.Duration, error) {
	if s == "" {
		return waitDefault, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		d, err = time.ParseDuration(s + "s")
	}
	if err != nil || d < 0 {
		return 0, status{http.StatusBadRequest, "timeout is a duration such as 10s: " + s}
	}
	return min(d, waitMost), nil
}

// fits reports whether a value has what a parameter asks for, if it is there.
func fits(q url.Values, name string, values ...string) bool {
	want := strings.ToLower(q.Get(name))
	return want == "" || strings.Contains(strings.ToLower(strings.Join(values, "\n")), want)
}

// findMail looks for to, from, subject, body, and query in the form of a search.
func (a own) findMail(q url.Values) (any, error) {
	list := a.Mail.Letters(0, -1)
	if q.Get("query") != "" {
		found, err := a.Search(q.Get("query"), "")
		if err != nil {
			return nil, err
		}
		list = found
	}
	for _, l := range list {
		if !fits(q, "to", l.To...) || !fits(q, "from", l.From) && q.Get("subject")+q.Get("body") == "" {
			continue
		}
		s, err := a.Summary(l)
		if err != nil {
			continue
		}
		if !fits(q, "from", l.From, addressText(s.From)) || !fits(q, "subject", s.Subject) {
			continue
		}
		m, err := a.full(l)
		if err == nil && fits(q, "body", m.Text, m.HTML) {
			return m, nil
		}
	}
	return nil, nil
}

// findFile looks for path and protocol.
func (a own) findFile(q url.Values) (any, error) {
	for _, f := range a.Journal.Files() {
		if fits(q, "path", f.Path) && fits(q, "protocol", f.Protocol) {
			return f, nil
		}
	}
	return nil, nil
}

// findPost looks for group, subject and from.
func (a own) findPost(q url.Values) (any, error) {
	for _, p := range a.Journal.Posts() {
		if fits(q, "group", p.Groups) && fits(q, "subject", p.Subject) && fits(q, "from", p.From) {
			return p, nil
		}
	}
	return nil, nil
}

// findRequest looks for method, path and body.
func (a own) findRequest(q url.Values) (any, error) {
	for _, x := range a.Journal.Requests() {
		if fits(q, "method", x.Method) && fits(q, "path", x.URI) && fits(q, "body", string(x.Body)) {
			return fullRequest(x), nil
		}
	}
	return nil, nil
}

// requestWithBody is a request by itself; a body that is not text is base64 in JSON's way.
type requestWithBody struct {
	journal.Request
	Text string `json:"body,omitempty"`
	Data []byte `json:"body_base64,omitempty"`
}

func fullRequest(x journal.Request) requestWithBody {
	full := requestWithBody{Request: x}
	if text := strings.ToValidUTF8(string(x.Body), ""); text == string(x.Body) {
		full.Text = text
	} else {
		full.Data = x.Body
	}
	return full
}

// servers is GET /api/servers.
func (a own) servers(w http.ResponseWriter, _ *http.Request) error {
	if a.Servers == nil {
		return errNotFound
	}
	return writeJSON(w, map[string]any{"servers": a.Servers()})
}

// faults is GET /api/faults: the specification of each server's faults.
func (a own) faults(w http.ResponseWriter, _ *http.Request) error {
	if a.Servers == nil {
		return errNotFound
	}
	all := map[string]string{}
	for _, s := range a.Servers() {
		all[s.Protocol] = s.Fault
	}
	return writeJSON(w, map[string]any{"faults": all})
}

// setFaults is PUT /api/faults: {"faults": {"smtp": "code:RCPT=450 later"}}; "*" is every
// server, and an empty specification switches faults off.
func (a own) setFaults(w http.ResponseWriter, r *http.Request) error {
	if a.SetFaults == nil {
		return errNotFound
	}
	var body struct{ Faults map[string]string }
	if err := readJSON(w, r, maxRequest, &body); err != nil {
		return err
	}
	if body.Faults == nil {
		return status{http.StatusBadRequest, `wanted: {"faults": {"PROTOCOL or *": "SPEC"}}`}
	}
	if err := a.SetFaults(body.Faults); err != nil {
		return status{http.StatusBadRequest, err.Error()}
	}
	a.Journal.Tell(journal.Event{Kind: "faults"})
	return a.faults(w, r)
}

// ca is GET /api/ca: the certificate that clients are to trust.
func (a own) ca(w http.ResponseWriter, _ *http.Request) error {
	if len(a.CA) == 0 {
		return errNotFound
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Content-Disposition", `attachment; filename="lab-ca.pem"`)
	_, err := w.Write(a.CA)
	return sent(err)
}

// files is GET /api/files.
func (a own) files(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, map[string]any{"files": nonNil(a.Journal.Files())})
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// named returns the element that the path names.
func named[T any](r *http.Request, list []T, id func(T) string) (T, error) {
	for _, x := range list {
		if id(x) == r.PathValue("id") {
			return x, nil
		}
	}
	var none T
	return none, errNotFound
}

// file is GET /api/files/{id}: its content.
func (a own) file(w http.ResponseWriter, r *http.Request) error {
	x, err := named(r, a.Journal.Files(), func(f journal.File) string { return f.ID })
	if err != nil || a.Tree == nil {
		return errNotFound
	}
	f, err := a.Tree.Open(x.Path)
	if err != nil {
		return errNotFound
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	if r.URL.Query().Get("as") == "text" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	} else {
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(x.Path)}))
	}
	http.ServeContent(w, r, "", x.Time, io.NewSectionReader(f, 0, f.Size()))
	return nil
}

// removeFile is DELETE /api/files/{id}: the file is deleted.
func (a own) removeFile(w http.ResponseWriter, r *http.Request) error {
	x, found := a.Journal.DropFile(r.PathValue("id"))
	if !found {
		return errNotFound
	}
	if a.Tree != nil {
		if err := a.Tree.Remove(x.Path); err != nil {
			if _, gone := a.Tree.Lstat(x.Path); gone == nil {
				return err
			}
		}
	}
	return ok(w)
}

// posts is GET /api/posts.
func (a own) posts(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, map[string]any{"posts": nonNil(a.Journal.Posts())})
}

// post is GET /api/posts/{id}: the article.
func (a own) post(w http.ResponseWriter, r *http.Request) error {
	if a.News == nil {
		return errNotFound
	}
	text, found := a.News.Article(r.PathValue("id"))
	if !found {
		return errNotFound
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write(text)
	return sent(err)
}

// removePost is DELETE /api/posts/{id}: the article is cancelled.
func (a own) removePost(w http.ResponseWriter, r *http.Request) error {
	if !a.Journal.DropPost(r.PathValue("id")) {
		return errNotFound
	}
	if a.News != nil {
		a.News.Cancel(r.PathValue("id"))
	}
	return ok(w)
}

// requests is GET /api/requests.
func (a own) requests(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, map[string]any{"requests": nonNil(a.Journal.Requests())})
}

// request is GET /api/requests/{id}, with the body.
func (a own) request(w http.ResponseWriter, r *http.Request) error {
	x, err := named(r, a.Journal.Requests(), func(x journal.Request) string { return x.ID })
	if err != nil {
		return err
	}
	return writeJSON(w, fullRequest(x))
}

// removeRequest is DELETE /api/requests/{id}.
func (a own) removeRequest(w http.ResponseWriter, r *http.Request) error {
	if !a.Journal.DropRequest(r.PathValue("id")) {
		return errNotFound
	}
	return ok(w)
}

// talks is GET /api/talks.
func (a own) talks(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, map[string]any{"talks": nonNil(a.Journal.Talks())})
}

// talk is GET /api/talks/{id}: the steps of a conversation.
func (a own) talk(w http.ResponseWriter, r *http.Request) error {
	t, steps, found := a.Journal.Steps(r.PathValue("id"))
	if !found {
		return errNotFound
	}
	return writeJSON(w, map[string]any{"talk": t, "steps": nonNil(steps), "server": cmp.Or(t.Protocol, "server")})
}

// removeTalks is DELETE /api/talks: those that have ended are forgotten.
func (a own) removeTalks(w http.ResponseWriter, _ *http.Request) error {
	a.Journal.DropTalks()
	return ok(w)
}
