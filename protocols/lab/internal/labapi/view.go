package labapi

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/netclients/netclients/internal/pattern"
)

// htmlPolicy is the policy of the HTML of a message: no scripts, no forms, nothing from
// anywhere but the pictures that the message itself carries.
const htmlPolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; style-src 'unsafe-inline'; font-src data:; img-src data: %s"

// cidLink finds links to parts of the message.
var cidLink = pattern.Lazy{Text: `(?i)cid:([^"'\s>)]+)`}

// view is GET /view/{id}.html, and .txt: what a person would read.
func (a *API) view(w http.ResponseWriter, r *http.Request) error {
	id, form, _ := strings.Cut(r.PathValue("file"), ".")
	r.SetPathValue("id", id)
	l, err := a.letter(r)
	if err != nil {
		return err
	}
	o, err := a.open(l.ID)
	if err != nil {
		return err
	}
	text := o.text
	switch {
	case form == "html" && o.html != "":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", fmt.Sprintf(htmlPolicy, pictures(r)))
		text = o.linked(l.ID)
	case form == "txt" || form == "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	default:
		return errNotFound
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err = io.WriteString(w, text)
	return sent(err)
}

// pictures is the source of the message's own pictures: 'self' means nothing in a
// sandbox. A server before this one may have TLS, and another path.
func pictures(r *http.Request) string {
	if strings.ContainsAny(r.Host, " ;,'\"") {
		return ""
	}
	return "http://" + r.Host + " https://" + r.Host
}

// linked returns the HTML with links to the parts that it shows.
func (o *opened) linked(id string) string {
	byCID := map[string]string{}
	for _, list := range [][]Attachment{o.inline, o.attachments} {
		for _, at := range list {
			byCID[at.ContentID] = at.PartID
		}
	}
	return cidLink.Re().ReplaceAllStringFunc(o.html, func(link string) string {
		part := byCID[link[len("cid:"):]]
		if part == "" {
			return link
		}
		return "../api/v1/message/" + id + "/part/" + part
	})
}
