package labapi

import (
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// hog are the calls of MailHog.
type hog struct{ *API }

// hogPath is an address, as MailHog has it.
type hogPath struct {
	Relays  []string
	Mailbox string
	Domain  string
	Params  string
}

// hogContent is a message or a part of one.
type hogContent struct {
	Headers map[string][]string
	Body    string
	Size    int
	MIME    any
}

// hogMessage is a message, as MailHog has it.
type hogMessage struct {
	ID      string
	From    *hogPath
	To      []*hogPath
	Content *hogContent
	Created time.Time
	MIME    any
	Raw     struct {
		From string
		To   []string
		Data string
		Helo string
	}
}

// maxHog bounds the messages of one answer: each comes whole.
const maxHog = 250

func hogPathOf(address string) *hogPath {
	i := strings.LastIndexByte(address, '@')
	return &hogPath{Mailbox: address[:max(i, 0)], Domain: address[i+1:]}
}

// read returns a message in MailHog's form.
func (a hog) read(l maillab.Letter) (*hogMessage, error) {
	data, err := a.readAll(l.ID, a.MaxSize)
	if err != nil {
		return nil, err
	}
	m := &hogMessage{ID: l.ID, From: hogPathOf(l.From), Created: l.Date, To: []*hogPath{}}
	for _, to := range l.To {
		m.To = append(m.To, hogPathOf(to))
	}
	m.Raw.From, m.Raw.To, m.Raw.Data = l.From, append([]string{}, l.To...), string(data)
	head, body, _ := strings.Cut(string(data), "\r\n\r\n")
	m.Content = &hogContent{Headers: map[string][]string{}, Body: body, Size: len(data)}
	if parsed, err := mail.ReadMessage(strings.NewReader(head + "\r\n\r\n")); err == nil {
		m.Content.Headers = parsed.Header
	}
	return m, nil
}

// page answers with some of a list.
func (a hog) page(w http.ResponseWriter, r *http.Request, total int, list []maillab.Letter) error {
	items := []*hogMessage{}
	for _, l := range list {
		if m, err := a.read(l); err == nil {
			items = append(items, m)
		}
	}
	return writeJSON(w, map[string]any{"total": total, "count": len(items), "start": number(r, "start", 0), "items": items})
}

// list is GET /api/v2/messages.
func (a hog) list(w http.ResponseWriter, r *http.Request) error {
	list := a.Mail.Letters(number(r, "start", 0), min(number(r, "limit", 50), maxHog))
	return a.page(w, r, a.Mail.Totals().Messages, list)
}

// search is GET /api/v2/search?kind=from, to or containing&query=.
func (a hog) search(w http.ResponseWriter, r *http.Request) error {
	query := strings.ToLower(r.URL.Query().Get("query"))
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), query) }
	var found []maillab.Letter
	for _, l := range a.Mail.Letters(0, -1) {
		fits := false
		switch r.URL.Query().Get("kind") {
		case "from":
			fits = has(l.From)
		case "to":
			fits = slices.ContainsFunc(l.To, has)
		case "containing":
			data, err := a.readAll(l.ID, a.MaxSize)
			fits = err == nil && has(string(data))
		default:
			return status{http.StatusBadRequest, "kind is from, to or containing"}
		}
		if fits {
			found = append(found, l)
		}
	}
	total := len(found)
	found = found[min(number(r, "start", 0), total):]
	return a.page(w, r, total, found[:min(number(r, "limit", 50), maxHog, len(found))])
}

// message is GET /api/v1/messages/{id}.
func (a hog) message(w http.ResponseWriter, r *http.Request) error {
	l, err := a.letter(r)
	if err != nil {
		return err
	}
	m, err := a.read(l)
	if err != nil {
		return err
	}
	return writeJSON(w, m)
}

// remove is DELETE /api/v1/messages/{id}.
func (a hog) remove(w http.ResponseWriter, r *http.Request) error {
	l, err := a.letter(r)
	if err != nil {
		return err
	}
	a.Mail.DropLetters(l.ID)
	return ok(w)
}
