package httpcmd

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"mime"
	nethttp "net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols/http"
)

// reqItem is one ITEM of a request, as HTTPie takes them.
type reqItem struct{ name, sep, value string }

// itemSeps are the separators; where two begin at one place the longer counts.
var itemSeps = []string{":=@", "=@", ":=", "==", "=", "@", ":"}

// parseItem splits an item at its first separator. A backslash before a
// separator's character takes it for the name.
func parseItem(text string) (reqItem, error) {
	var name strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			name.WriteByte(text[i])
			continue
		}
		for _, sep := range itemSeps {
			if strings.HasPrefix(text[i:], sep) && name.Len() > 0 {
				return reqItem{name.String(), sep, text[i+len(sep):]}, nil
			}
		}
		name.WriteByte(text[i])
	}
	if before, ok := strings.CutSuffix(text, ";"); ok && before != "" {
		return reqItem{before, ";", ""}, nil
	}
	return reqItem{}, kit.Usage("item %q: want name=value, name:=JSON, name==query, Header:value, name@file, name=@file or name:=@file", text)
}

// payload is what a request carries.
type payload struct {
	header      http.Header
	query       url.Values
	body        io.Reader
	length      int64
	contentType string
	close       func() error
}

// payload puts the flags and items together. There is one body only.
func (h *httpCall) payload(e *kit.Env, items []string) (*payload, error) {
	p := &payload{header: http.Header{}, query: url.Values{}, close: func() error { return nil }}
	object := &members{values: map[string]any{}}
	form, err := h.formFields(e)
	if err != nil {
		return nil, err
	}
	for _, text := range items {
		it, err := parseItem(text)
		if err == nil {
			err = p.take(it, object, form)
		}
		if err != nil {
			return nil, err
		}
	}
	sources := 0
	for _, given := range []bool{len(h.data) > 0, h.dataJSON != "", len(form.Fields) > 0, len(object.names) > 0 && len(form.Fields) == 0} {
		if given {
			sources++
		}
	}
	if sources > 1 {
		return nil, kit.Usage("--data, --data-json, --form and items cannot be used together")
	}
	switch {
	case len(h.data) > 0:
		return p, p.data(e, h.data)
	case h.dataJSON != "":
		return p, p.jsonText(e, h.dataJSON)
	case len(form.Fields) > 0:
		return p, p.form(form, object, h.multipart)
	case len(object.names) > 0:
		b, err := json.Marshal(object)
		p.memory(b, "application/json")
		return p, err
	case h.carries() && show.IsPiped(e.Stdin):
		p.contentType = "application/octet-stream"
		return p, p.file(e, "-")
	}
	return p, nil
}

// members are those of a JSON object, or fields of a form, in the order given.
type members struct {
	names  []string
	values map[string]any
}

func (m *members) set(name string, value any) {
	if _, there := m.values[name]; !there {
		m.names = append(m.names, name)
	}
	m.values[name] = value
}

// MarshalJSON writes the object.
func (m *members) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, name := range m.names {
		key, err1 := json.Marshal(name)
		value, err2 := json.Marshal(m.values[name])
		if err := cmp.Or(err1, err2); err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, key...), ':'), value...)
	}
	return append(b, '}'), nil
}

// carries reports whether a request of this method is expected to have a body.
func (h *httpCall) carries() bool {
	return slices.Contains([]string{nethttp.MethodPost, nethttp.MethodPut, nethttp.MethodPatch}, strings.ToUpper(h.method))
}

// take puts an item where it belongs.
func (p *payload) take(it reqItem, object *members, form *http.Form) error {
	var err error
	switch it.sep {
	case ":":
		p.header[nethttp.CanonicalHeaderKey(it.name)] = append(p.header[nethttp.CanonicalHeaderKey(it.name)], strings.TrimSpace(it.value))
		if it.value == "" {
			p.header[nethttp.CanonicalHeaderKey(it.name)] = []string{}
		}
	case ";":
		p.header[nethttp.CanonicalHeaderKey(it.name)] = []string{""}
	case "==":
		p.query.Add(it.name, it.value)
	case "=":
		object.set(it.name, it.value)
	case ":=":
		var v json.RawMessage
		v, err = rawJSON(it.name, []byte(it.value))
		object.set(it.name, v)
	case "=@":
		var b []byte
		b, err = readSmall(it.value)
		object.set(it.name, string(b))
	case ":=@":
		var b []byte
		if b, err = readSmall(it.value); err == nil {
			var v json.RawMessage
			v, err = rawJSON(it.name, b)
			object.set(it.name, v)
		}
	case "@":
		var f http.Field
		f, err = fileField(it.name, it.value)
		form.Fields = append(form.Fields, f)
	}
	return err
}

func rawJSON(name string, b []byte) (json.RawMessage, error) {
	if !json.Valid(b) {
		return nil, kit.Usage("item %s: not JSON", name)
	}
	return json.RawMessage(b), nil
}

// mostItem bounds a file that becomes a part of a JSON body.
const mostItem = 16 << 20

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostItem+1))
	if err == nil && len(b) > mostItem {
		err = kit.Usage("%s is too large for an item", path)
	}
	return b, err
}

// memory makes bytes the body.
func (p *payload) memory(b []byte, contentType string) {
	p.body, p.length, p.contentType = bytes.NewReader(b), int64(len(b)), contentType
}

// data is --data: text, or a file that is sent as it is. Several are put together
// with & between them.
func (p *payload) data(e *kit.Env, parts []string) error {
	p.contentType = "application/x-www-form-urlencoded"
	if path, ok := strings.CutPrefix(parts[0], "@"); ok && len(parts) == 1 {
		return p.file(e, path)
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = part
		if path, ok := strings.CutPrefix(part, "@"); ok {
			b, err := readSmall(path)
			if err != nil {
				return err
			}
			texts[i] = string(b)
		}
	}
	p.memory([]byte(strings.Join(texts, "&")), p.contentType)
	return nil
}

// file makes a file, or standard input (-), the body.
func (p *payload) file(e *kit.Env, path string) error {
	if path == "-" {
		p.body, p.length = e.Stdin, -1
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	p.body, p.length, p.close = f, info.Size(), f.Close
	if !info.Mode().IsRegular() {
		p.length = -1
	}
	return nil
}

func (p *payload) jsonText(e *kit.Env, text string) error {
	p.contentType = "application/json"
	if path, ok := strings.CutPrefix(text, "@"); ok {
		return p.file(e, path)
	}
	if !json.Valid([]byte(text)) {
		return kit.Usage("--data-json: not JSON")
	}
	p.memory([]byte(text), p.contentType)
	return nil
}

// form makes a form the body: with files, or when asked, in the multipart form.
// Values of items belong to it too.
func (p *payload) form(form *http.Form, object *members, multipart bool) error {
	for _, name := range object.names {
		text, ok := object.values[name].(string)
		if !ok {
			return kit.Usage("item %s: a form with files has no JSON values", name)
		}
		form.Fields = append(form.Fields, http.Field{Name: name, Value: text})
	}
	if !form.HasFiles() && !multipart {
		p.memory([]byte(form.Encoded()), "application/x-www-form-urlencoded")
		return nil
	}
	body, length, contentType, err := form.Multipart()
	p.body, p.length, p.contentType, p.close = body, length, contentType, body.Close
	return err
}

// formFields reads --form: K=V, K=@FILE, and K=@FILE;type=T;filename=N.
func (h *httpCall) formFields(_ *kit.Env) (*http.Form, error) {
	form := &http.Form{}
	for _, text := range h.form {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, kit.Usage("--form %q: want NAME=VALUE or NAME=@FILE", text)
		}
		path, isFile := strings.CutPrefix(value, "@")
		if !isFile {
			form.Fields = append(form.Fields, http.Field{Name: name, Value: value})
			continue
		}
		f, err := fileField(name, path)
		if err != nil {
			return nil, err
		}
		form.Fields = append(form.Fields, f)
	}
	return form, nil
}

// fileField makes a field of a file, with the options of curl's -F after it.
func fileField(name, spec string) (http.Field, error) {
	path, options, _ := strings.Cut(spec, ";")
	f := http.Field{Name: name, FileName: filepath.Base(path), Type: mime.TypeByExtension(filepath.Ext(path)), Size: -1}
	for option := range strings.SplitSeq(options, ";") {
		switch key, v, _ := strings.Cut(option, "="); key {
		case "type":
			f.Type = v
		case "filename":
			f.FileName = v
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return f, err
	}
	if info.Mode().IsRegular() {
		f.Size = info.Size()
	}
	f.Open = func() (io.ReadCloser, error) { return os.Open(path) }
	return f, nil
}
