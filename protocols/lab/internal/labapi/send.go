package labapi

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"

	gomail "github.com/emersion/go-message/mail"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// person is an address in the request of POST /api/v1/send.
type person struct{ Name, Email string }

// sending is the request of POST /api/v1/send.
type sending struct {
	From        person
	To, Cc      []person
	Bcc         []string
	ReplyTo     []person
	Subject     string
	Text, HTML  string
	Headers     map[string]string
	Tags        []string
	Attachments []struct{ Content, Filename, ContentType, ContentID string }
}

// send is POST /api/v1/send: it makes a message and takes it as one that was received.
func (a *API) send(w http.ResponseWriter, r *http.Request) error {
	var s sending
	if err := readJSON(w, r, a.MaxSize, &s); err != nil {
		return jsonError(w, err)
	}
	var b bytes.Buffer
	envelope, err := s.write(&b)
	if err != nil {
		return jsonError(w, err)
	}
	envelope.Remote = r.RemoteAddr
	envelope.User, _, _ = r.BasicAuth()
	id, err := a.Mail.Receive(envelope, &b)
	if err != nil {
		return jsonError(w, err)
	}
	if tags := cleanTags(s.Tags); len(tags) > 0 {
		a.Mail.TagLetters(func([]string) []string { return tags }, id)
	}
	return writeJSON(w, map[string]string{"ID": id})
}

// jsonError answers with an error in the form of Mailpit's send.
func jsonError(w http.ResponseWriter, err error) error {
	code := http.StatusBadRequest
	if s, ok := err.(status); ok {
		code = s.code
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	return sent(writeJSON(w, map[string]string{"Error": err.Error()}))
}

// write writes the message, and returns its envelope.
func (s *sending) write(w io.Writer) (e maillab.Envelope, err error) {
	h := gomail.Header{}
	list := func(field string, people []person) []*gomail.Address {
		var out []*gomail.Address
		for _, p := range people {
			at, perr := mail.ParseAddress(p.Email)
			if perr != nil {
				err = cmp.Or(err, fmt.Errorf("invalid %s address: %s", field, p.Email))
				continue
			}
			out = append(out, &gomail.Address{Name: cmp.Or(p.Name, at.Name), Address: at.Address})
			if field != "From" && field != "Reply-To" {
				e.To = append(e.To, at.Address)
			}
		}
		if len(out) > 0 && field != "Bcc" {
			h.SetAddressList(field, out)
		}
		return out
	}
	if from := list("From", []person{s.From}); len(from) > 0 {
		e.From = from[0].Address
	}
	list("To", s.To)
	list("Cc", s.Cc)
	for _, address := range s.Bcc {
		list("Bcc", []person{{Email: address}})
	}
	list("Reply-To", s.ReplyTo)
	h.SetSubject(s.Subject)
	h.SetDate(time.Now())
	if err == nil {
		err = h.GenerateMessageIDWithHostname("lab.localhost")
	}
	if err == nil {
		err = s.extra(&h)
	}
	if err != nil {
		return e, err
	}
	return e, s.content(w, h)
}

// fixed are the fields that have a place of their own in the request.
var fixed = []string{"To", "From", "Cc", "Bcc", "Reply-To", "Date", "Subject", "Content-Type", "Mime-Version"}

// extra adds the fields that the request names.
func (s *sending) extra(h *gomail.Header) error {
	for name, value := range s.Headers {
		name = textproto.CanonicalMIMEHeaderKey(name)
		bad := strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' })
		switch {
		case bad || name == "" || strings.ContainsAny(value, "\r\n"):
			return fmt.Errorf("invalid header: %q", name)
		case slices.Contains(fixed, name):
			return fmt.Errorf("cannot overwrite header: %q", name)
		}
		h.Set(name, mime.QEncoding.Encode("utf-8", value))
	}
	if tags := cleanTags(s.Tags); len(tags) > 0 {
		h.Set("X-Tags", mime.QEncoding.Encode("utf-8", strings.Join(tags, ", ")))
	}
	return nil
}

// content writes texts and attachments.
func (s *sending) content(w io.Writer, h gomail.Header) error {
	m, err := gomail.CreateWriter(w, h)
	if err != nil {
		return err
	}
	in, err := m.CreateInline()
	if err != nil {
		return err
	}
	for _, t := range []struct{ kind, text string }{{"text/plain", s.Text}, {"text/html", s.HTML}} {
		if t.text == "" && (t.kind != "text/plain" || s.HTML != "") {
			continue
		}
		var ph gomail.InlineHeader
		ph.SetContentType(t.kind, map[string]string{"charset": "utf-8"})
		if err := writePart(t.text, func() (io.WriteCloser, error) { return in.CreatePart(ph) }); err != nil {
			return err
		}
	}
	if err := in.Close(); err != nil {
		return err
	}
	for _, x := range s.Attachments {
		data, err := base64.StdEncoding.DecodeString(x.Content)
		if err != nil {
			return fmt.Errorf("attachment %q is not base64: %w", x.Filename, err)
		}
		var ah gomail.AttachmentHeader
		ah.SetContentType(cmp.Or(x.ContentType, http.DetectContentType(data)), nil)
		ah.SetFilename(x.Filename)
		if x.ContentID != "" {
			ah.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": x.Filename}))
			ah.Set("Content-Id", "<"+strings.Map(noControl, x.ContentID)+">")
		}
		if err := writePart(string(data), func() (io.WriteCloser, error) { return m.CreateAttachment(ah) }); err != nil {
			return err
		}
	}
	return m.Close()
}

func noControl(r rune) rune {
	if r <= ' ' || r == '<' || r == '>' || r == 0x7f {
		return -1
	}
	return r
}

func writePart(text string, create func() (io.WriteCloser, error)) error {
	p, err := create()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(p, text); err != nil {
		return err
	}
	return p.Close()
}
