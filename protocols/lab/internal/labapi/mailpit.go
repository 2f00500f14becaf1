package labapi

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/mail"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// info is GET /api/v1/info.
func (a *API) info(w http.ResponseWriter, _ *http.Request) error {
	t := a.Mail.Totals()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return writeJSON(w, map[string]any{
		"Version": a.Version, "LatestVersion": a.Version, "Database": "netclients lab", "DatabaseSize": t.Bytes,
		"Messages": t.Messages, "Unread": t.Unread, "Tags": t.Tags,
		"RuntimeStats": map[string]any{
			"Uptime": int(time.Since(a.started).Seconds()), "Memory": m.Sys, "MessagesDeleted": t.Deleted,
			"SMTPAccepted": t.Messages + t.Deleted, "SMTPAcceptedSize": t.Bytes, "SMTPRejected": t.Refused, "SMTPIgnored": 0,
		},
	})
}

// webui is GET /api/v1/webui.
func (a *API) webui(w http.ResponseWriter, _ *http.Request) error {
	allowed := ""
	if a.RelayTo != nil {
		allowed = a.RelayTo.String()
	}
	return writeJSON(w, map[string]any{
		"Label": "netclients lab", "SpamAssassin": false, "ChaosEnabled": a.SetFaults != nil, "DuplicatesIgnored": false, "HideDeleteAllButton": false,
		"MessageRelay": map[string]any{"Enabled": a.Relay != nil, "SMTPServer": "", "ReturnPath": "", "AllowedRecipients": allowed, "BlockedRecipients": "", "OverrideFrom": "", "PreserveMessageIDs": true},
	})
}

// page is the answer with a list of messages.
type page struct {
	Total    int       `json:"total"`
	Unread   int       `json:"unread"`
	Count    int       `json:"count"`
	Found    int       `json:"messages_count"`
	NotRead  int       `json:"messages_unread"`
	Start    int       `json:"start"`
	Tags     []string  `json:"tags"`
	Messages []Summary `json:"messages"`
}

func (a *API) page(start int) page {
	t := a.Mail.Totals()
	return page{Total: t.Messages, Unread: t.Unread, Found: t.Messages, NotRead: t.Unread, Start: start, Tags: sortedTags(t)}
}

func sortedTags(t maillab.Totals) []string {
	return append([]string{}, slices.Sorted(maps.Keys(t.Tags))...)
}

// list is GET /api/v1/messages.
func (a *API) list(w http.ResponseWriter, r *http.Request) error {
	p := a.page(number(r, "start", 0))
	p.Messages = a.summarize(a.Mail.Letters(p.Start, number(r, "limit", 50)))
	p.Count = len(p.Messages)
	return writeJSON(w, p)
}

// search is GET /api/v1/search.
func (a *API) search(w http.ResponseWriter, r *http.Request) error {
	found, err := a.find(r)
	if err != nil {
		return err
	}
	p := a.page(number(r, "start", 0))
	p.Found, p.NotRead = len(found), 0
	for _, l := range found {
		if !l.Read {
			p.NotRead++
		}
	}
	found = found[min(p.Start, len(found)):]
	p.Messages = a.summarize(found[:min(number(r, "limit", 50), len(found))])
	p.Count = len(p.Messages)
	return writeJSON(w, p)
}

// find returns what the query of a request asks for.
func (a *API) find(r *http.Request) ([]maillab.Letter, error) {
	text := strings.TrimSpace(r.URL.Query().Get("query"))
	if text == "" {
		return nil, status{http.StatusBadRequest, "Error: no search query"}
	}
	return a.Search(text, r.URL.Query().Get("tz"))
}

func ids(list []maillab.Letter) []string {
	var out []string
	for _, l := range list {
		out = append(out, l.ID)
	}
	return out
}

// removeFound is DELETE /api/v1/search.
func (a *API) removeFound(w http.ResponseWriter, r *http.Request) error {
	found, err := a.find(r)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		a.Mail.DropLetters(ids(found)...)
	}
	return ok(w)
}

// setRead is PUT /api/v1/messages.
func (a *API) setRead(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Read   bool
		IDs    []string
		Search string
	}
	if err := readJSON(w, r, maxRequest, &body); err != nil {
		return err
	}
	if body.Search != "" {
		if len(body.IDs) > 0 {
			return status{http.StatusBadRequest, "You may specify either IDs or a search query, not both"}
		}
		found, err := a.Search(body.Search, r.URL.Query().Get("tz"))
		if err != nil || len(found) == 0 {
			return errors.Join(err, ok(w))
		}
		body.IDs = ids(found)
	}
	a.Mail.ReadLetters(body.Read, body.IDs...)
	return ok(w)
}

// remove is DELETE /api/v1/messages.
func (a *API) remove(w http.ResponseWriter, r *http.Request) error {
	var body struct{ IDs []string }
	if err := readJSON(w, r, maxRequest, &body); err != nil {
		return err
	}
	a.Mail.DropLetters(body.IDs...)
	return ok(w)
}

// letter returns the message that the path names.
func (a *API) letter(r *http.Request) (maillab.Letter, error) {
	l, found := a.Mail.Letter(r.PathValue("id"))
	if !found {
		return l, errNotFound
	}
	return l, nil
}

// message is GET /api/v1/message/{id}; it marks the message as read.
func (a *API) message(w http.ResponseWriter, r *http.Request) error {
	l, err := a.letter(r)
	if err != nil {
		return err
	}
	m, err := a.full(l)
	if err != nil {
		return err
	}
	if !l.Read {
		a.Mail.ReadLetters(true, l.ID)
	}
	return writeJSON(w, m)
}

// headers is GET /api/v1/message/{id}/headers.
func (a *API) headers(w http.ResponseWriter, r *http.Request) error {
	l, err := a.letter(r)
	if err != nil {
		return err
	}
	head, err := a.readAll(l.ID, 1<<20)
	if err != nil {
		return err
	}
	if i := strings.Index(string(head), "\r\n\r\n"); i >= 0 {
		head = head[:i+4]
	}
	m, err := mail.ReadMessage(strings.NewReader(string(head)))
	if err != nil {
		return fmt.Errorf("the header cannot be read: %w", err)
	}
	return writeJSON(w, m.Header)
}

// raw is GET /api/v1/message/{id}/raw.
func (a *API) raw(w http.ResponseWriter, r *http.Request) error {
	l, err := a.letter(r)
	if err != nil {
		return err
	}
	c, err := a.Mail.OpenLetter(l.ID)
	if err != nil {
		return err
	}
	defer c.Close()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.URL.Query().Get("dl") == "1" {
		w.Header().Set("Content-Disposition", `attachment; filename="`+l.ID+`.eml"`)
	}
	w.Header().Set("Content-Length", fmt.Sprint(c.Size()))
	_, err = io.Copy(w, c)
	return sent(err)
}

// sent drops the error of an answer that is under way: nobody would read it.
func sent(error) error { return nil }

// shown are the types that are shown in place; others are for downloading.
var shown = []string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "text/plain"}

// part is GET /api/v1/message/{id}/part/{part}.
func (a *API) part(w http.ResponseWriter, r *http.Request) error {
	l, err := a.letter(r)
	if err != nil {
		return err
	}
	c, err := a.Mail.OpenLetter(l.ID)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = walkParts(c, func(p *part) error {
		if p.id != r.PathValue("part") {
			return nil
		}
		disposition := "attachment"
		if slices.Contains(shown, p.kind) && r.URL.Query().Get("dl") != "1" {
			disposition = "inline"
		}
		name := path.Base(strings.ReplaceAll("/"+p.name, "\\", "/"))
		if p.name == "" {
			name = "part-" + p.id
		}
		w.Header().Set("Content-Type", p.kind)
		w.Header().Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": name}))
		io.Copy(w, p.body)
		return errFound
	})
	if !errors.Is(err, errFound) {
		return errNotFound
	}
	return nil
}

// tags is GET /api/v1/tags.
func (a *API) tags(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, sortedTags(a.Mail.Totals()))
}

// setTags is PUT /api/v1/tags.
func (a *API) setTags(w http.ResponseWriter, r *http.Request) error {
	var body struct{ Tags, IDs []string }
	if err := readJSON(w, r, maxRequest, &body); err != nil {
		return err
	}
	set := cleanTags(body.Tags)
	if len(body.IDs) > 0 {
		a.Mail.TagLetters(func([]string) []string { return slices.Clone(set) }, body.IDs...)
	}
	return ok(w)
}

// cleanTags drops empty ones and what no tag may hold.
func cleanTags(tags []string) []string {
	out := []string{}
	for _, t := range tags {
		if t = strings.Join(strings.Fields(strings.ReplaceAll(t, ",", " ")), " "); t != "" && len(t) <= 100 {
			out = append(out, t)
		}
	}
	return out
}

// renameTag is PUT /api/v1/tags/{tag}.
func (a *API) renameTag(w http.ResponseWriter, r *http.Request) error {
	var body struct{ Name string }
	if err := readJSON(w, r, maxRequest, &body); err != nil {
		return err
	}
	to := cleanTags([]string{body.Name})
	if len(to) == 0 {
		return status{http.StatusBadRequest, "a tag needs a name"}
	}
	return a.changeTag(w, r, to)
}

// removeTag is DELETE /api/v1/tags/{tag}.
func (a *API) removeTag(w http.ResponseWriter, r *http.Request) error {
	return a.changeTag(w, r, nil)
}

func (a *API) changeTag(w http.ResponseWriter, r *http.Request, to []string) error {
	from := r.PathValue("tag")
	a.Mail.TagLetters(func(tags []string) []string {
		kept := slices.DeleteFunc(tags, func(t string) bool { return strings.EqualFold(t, from) })
		if len(kept) < len(tags) {
			kept = append(kept, to...)
		}
		return kept
	})
	return ok(w)
}

// release is POST /api/v1/message/{id}/release.
func (a *API) release(w http.ResponseWriter, r *http.Request) error {
	l, err := a.letter(r)
	if err != nil {
		return err
	}
	var body struct{ To []string }
	if err := readJSON(w, r, maxRequest, &body); err != nil {
		return err
	}
	switch {
	case a.Relay == nil:
		return status{http.StatusBadRequest, "no relay is set: start the lab with --relay URL"}
	case len(body.To) == 0:
		return status{http.StatusBadRequest, "no recipient"}
	}
	var to []string
	for _, text := range body.To {
		at, err := mail.ParseAddress(text)
		if err != nil {
			return status{http.StatusBadRequest, "Invalid email address: " + text}
		}
		if a.RelayTo != nil && !a.RelayTo.MatchString(at.Address) {
			return status{http.StatusBadRequest, "Mail to this address is not relayed: " + text}
		}
		to = append(to, at.Address)
	}
	if err := a.Relay(r.Context(), l.From, to, l.ID); err != nil {
		return status{http.StatusBadGateway, err.Error()}
	}
	return ok(w)
}
