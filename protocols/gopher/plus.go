package gopher

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// plusHeader reads the line that begins a Gopher+ answer (Gopher+ 2.3): "+" and
// the number of bytes, -1 for a text that a dot ends, -2 for all up to the end of
// the connection; or "-" and the same for an error.
func (a *answer) plusHeader() error {
	line, ok, err := a.firstLine()
	if err != nil {
		return err
	}
	if !ok && !a.eof {
		return &protocols.Error{Kind: protocols.KindProtocol, Sentinel: errors.ErrUnsupported, Text: "the answer does not begin as one of Gopher+"}
	}
	if !ok || len(line) < 2 || line[0] != '+' && line[0] != '-' {
		return a.notPlus()
	}
	size, err := strconv.ParseInt(strings.TrimSpace(line[1:]), 10, 64)
	if err != nil || size < -2 {
		return a.notPlus()
	}
	a.conn.Event(protocols.EventRecv, line, 0)
	for a.head[0] != '\n' {
		a.head = a.head[1:]
	}
	a.head = a.head[1:]
	a.text = size == -1
	if size >= 0 {
		a.size, a.left = size, size
	}
	if line[0] == '-' {
		return a.plusRefusal()
	}
	return nil
}

// notPlus: a plain Gopher server has answered, with a refusal or with what it
// made of the request.
func (a *answer) notPlus() error {
	if err := a.noted(); err != nil {
		return err
	}
	return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Text: "the server does not speak Gopher+"}
}

// plusRefusal reads an error (Gopher+ 2.3): a code and the administrator, and
// then a text.
func (a *answer) plusRefusal() error {
	in := a.lines(&a.c.limits)
	first, err := in.ReadLine()
	if err != nil && err != io.EOF {
		return cut(err)
	}
	code, _, _ := strings.Cut(strings.TrimSpace(string(first)), " ")
	text := string(first)
	next, err := in.ReadLine()
	if err != nil && err != io.EOF {
		return cut(err)
	}
	if err == nil && string(next) != "." {
		text = string(next)
	}
	n, _ := strconv.Atoi(code)
	e := refused(text)
	e.Code = n
	switch n {
	case 2:
		e.Kind, e.Sentinel, e.Retryable = protocols.KindTemporary, nil, true
	case 3:
		e.Kind, e.Sentinel, e.Hint = protocols.KindRefused, nil, "the item has moved"
	}
	return e
}

// Attribute is a block of a Gopher+ item's attributes (Gopher+ 2.5), such as
// ADMIN, ABSTRACT or VIEWS.
type Attribute struct {
	Name  string   `json:"name"`            // in upper case, without the plus
	Value string   `json:"value,omitempty"` // what stands after the name
	Lines []string `json:"lines,omitempty"` // of the block, without their indent
}

// View is a form in which an item can be had (Gopher+ 2.6).
type View struct {
	Type     string // MIME type, as "Text/plain"
	Language string // as "En_US"; may be empty
	Size     int64  // bytes, as exact as the server reports; -1: not known
}

// Attributes asks for the attributes of an item. A server that does not speak
// Gopher+ returns an error of class [errors.ErrUnsupported].
func (c *Client) Attributes(ctx context.Context, name string) ([]Attribute, error) {
	var all []Attribute
	err := c.once(ctx, name, func(ctx context.Context, it *item) (err error) {
		all, err = c.attributes(ctx, it)
		return err
	})
	return all, c.wrap(err, "attributes", name)
}

// once runs one request that has no stream.
func (c *Client) once(ctx context.Context, name string, f func(ctx context.Context, it *item) error) error {
	ctx, release, err := c.enter(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	it, err := c.item(name)
	if err != nil {
		return err
	}
	return f(ctx, &it)
}

func (c *Client) attributes(ctx context.Context, it *item) ([]Attribute, error) {
	ask := *it
	ask.plus, ask.search, ask.searches = "!", "", false
	a, err := c.ask(ctx, &ask)
	if err != nil {
		return nil, err
	}
	defer a.close()
	return readAttributes(a.lines(&c.limits), &c.limits)
}

// attributeLines reads the lines of attributes: those of one item are bounded.
type attributeLines struct {
	in    lineReader
	l     *protocols.Limits
	n     int
	total int64
}

// next returns a line, and io.EOF after the last one.
func (r *attributeLines) next() (string, error) {
	line, err := r.in.ReadLine()
	if err == nil && string(line) == "." {
		err = io.EOF
	}
	if err != nil {
		return "", err
	}
	r.n++
	if r.total += int64(len(line)); r.n > r.l.ReplyLines || r.total > r.l.Reply {
		return "", protocols.ProtocolError(proto, "", "more attributes than the limit allows")
	}
	return string(line), nil
}

// readAttributes reads blocks: "+NAME: value", and lines with a blank before them.
func readAttributes(in lineReader, l *protocols.Limits) (all []Attribute, err error) {
	r := &attributeLines{in: in, l: l}
	for {
		line, err := r.next()
		if err == io.EOF {
			return all, nil
		}
		if err == nil {
			err = addAttribute(&all, line)
		}
		if err != nil {
			return nil, cut(err)
		}
	}
}

func addAttribute(all *[]Attribute, line string) error {
	if rest, ok := strings.CutPrefix(line, "+"); ok {
		name, value, _ := strings.Cut(rest, ":")
		*all = append(*all, Attribute{Name: strings.ToUpper(strings.TrimSpace(name)), Value: strings.TrimSpace(value)})
		return nil
	}
	if len(*all) == 0 {
		return protocols.ProtocolError(proto, "", "attributes that belong to no block: "+wire.Clip(line))
	}
	last := &(*all)[len(*all)-1]
	last.Lines = append(last.Lines, strings.TrimPrefix(line, " "))
	return nil
}

// Views returns the forms that attributes tell of.
func Views(all []Attribute) []View {
	var out []View
	for _, a := range all {
		if a.Name != "VIEWS" {
			continue
		}
		for _, line := range a.Lines {
			if v, ok := parseView(line); ok {
				out = append(out, v)
			}
		}
	}
	return out
}

// parseView reads "Text/plain En_US: <10k>".
func parseView(line string) (v View, ok bool) {
	head, size, _ := strings.Cut(line, ":")
	f := strings.Fields(head)
	if len(f) == 0 {
		return v, false
	}
	v = View{Type: f[0], Size: parseSize(strings.Trim(strings.TrimSpace(size), "<>"))}
	if len(f) > 1 {
		v.Language = f[1]
	}
	return v, true
}

// parseSize reads "512", "10k", ".5K", "1.2M"; -1 for what is not a size.
func parseSize(s string) int64 {
	unit := 1.0
	s = strings.TrimSuffix(strings.ToLower(s), "b")
	for suffix, u := range map[string]float64{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if cut, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = cut, u
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0 && n*unit < 1<<60) {
		return -1
	}
	return int64(n * unit)
}

// modified finds the time in "Mod-Date: ... <19930724120000>" (Gopher+ 2.5).
func modified(all []Attribute) time.Time {
	for _, a := range all {
		for _, line := range a.Lines {
			if key, value, _ := strings.Cut(line, ":"); a.Name == "ADMIN" && strings.EqualFold(strings.TrimSpace(key), "Mod-Date") {
				_, stamp, _ := strings.Cut(value, "<")
				t, _ := time.Parse("20060102150405", strings.TrimSuffix(strings.TrimSpace(stamp), ">"))
				return t
			}
		}
	}
	return time.Time{}
}

func isTextView(view string) bool {
	typ, _, _ := strings.Cut(strings.ToLower(view), " ")
	return strings.HasPrefix(typ, "text/") || strings.HasSuffix(typ, "/gopher-menu")
}

// Stat describes an item: with the attributes of a Gopher+ server, else only as
// its name does, once the server has not refused it.
func (c *Client) Stat(ctx context.Context, name string) (e protocols.Entry, err error) {
	ctx, done := c.opts.Begin(ctx, operation(c, "stat", name))
	defer func() { done(err) }()
	err = c.once(ctx, name, func(ctx context.Context, it *item) error {
		e = c.entry(it)
		all, err := c.attributes(ctx, it)
		if errors.Is(err, errors.ErrUnsupported) {
			return c.touch(ctx, it)
		}
		c.describe(&e, all)
		return err
	})
	if err != nil {
		return protocols.Entry{}, c.wrap(err, "stat", name)
	}
	return e, nil
}

// touch asks for the item, and looks only whether it is refused.
func (c *Client) touch(ctx context.Context, it *item) error {
	a, err := c.ask(ctx, it)
	if err == nil {
		a.close()
	}
	return err
}

// describe adds what attributes tell: time, views, and the administrator. Sizes
// of views are rounded, so that they are no size of the entry.
func (c *Client) describe(e *protocols.Entry, all []Attribute) {
	e.Modified = modified(all)
	for _, a := range all {
		if a.Name == "INFO" {
			continue
		}
		if text := strings.TrimSpace(a.Value + "\n" + strings.Join(a.Lines, "\n")); text != "" {
			e.Facts[strings.ToLower(a.Name)] = text
		}
	}
}
