package httpcmd

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"maps"
	nethttp "net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// httpCall is a verb that makes one request and prints its answer.
type httpCall struct {
	verb, method    string
	data, form      []string
	dataJSON, out   string
	include         bool
	multipart, wait bool
	offline         bool
}

// requestVerb makes a verb of the method of its name.
func requestVerb(name, short string, examples ...string) *kit.Verb {
	h := &httpCall{verb: name, method: strings.ToUpper(name)}
	return &kit.Verb{
		Name: name, Args: "URL [ITEM...]", Short: short,
		Works: kit.Is[*http.Client], Flags: h.flags, Run: kit.On(h.call),
		Examples: examples,
	}
}

// anyRequest is the verb of any method, which the user names.
func anyRequest() *kit.Verb {
	h := &httpCall{verb: "request"}
	return &kit.Verb{
		Name: "request", Args: "[METHOD] URL [ITEM...]", Short: "make a request with any method; GET when none is named", Stands: func(word string) bool { return isMethod(word) || kit.HostPort(word) },
		Works: kit.Is[*http.Client], Flags: h.flags,
		Run: func(ctx context.Context, e *kit.Env, args []string) error {
			if !isMethod(args[0]) && kit.HostPort(args[0]) {
				args = append([]string{nethttp.MethodGet}, args...)
			}
			if len(args) < 2 {
				return kit.Usage("http request: URL is missing: netclients http request METHOD URL")
			}
			h.method = args[0]
			if h.method == strings.ToLower(h.method) {
				h.method = strings.ToUpper(h.method) // methods are in upper case; people type get
			}
			return kit.On(h.call)(ctx, e, args[1:])
		},
		Examples: []string{"http request GET host/search q==words", "http request PROPFIND host/dav/ Depth:1", "http request PUT host/file --data @file"},
	}
}

// isMethod reports whether a word is a method as HTTP writes them.
func isMethod(word string) bool {
	return len(word) > 2 && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
}

// httpHead is the head verb: one line for each header of each URL.
func httpHead() *kit.Verb {
	h := &httpCall{verb: "head", method: nethttp.MethodHead, include: true}
	return &kit.Verb{
		Name: "head", Args: "URL...", Short: "print the head of the answer",
		Works: kit.Is[*http.Client], Run: kit.Each(h.call),
		Flags: func(fs *pflag.FlagSet) {
			fs.BoolVar(&h.offline, "offline", false, "show the request, and send nothing")
		},
		Examples: []string{"http head example.org", "http head --json example.org | jq .headers"},
	}
}

func (h *httpCall) flags(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&h.data, "data", "d", nil, "body: `TEXT`, @FILE, or @- for standard input; several are joined with &; POST, PUT and PATCH without any take a piped input")
	fs.StringVar(&h.dataJSON, "data-json", "", "JSON body: `TEXT`, @FILE or @-")
	fs.StringArrayVar(&h.form, "form", nil, "field of a form: `NAME=VALUE`, or NAME=@FILE[;type=T][;filename=N]")
	fs.BoolVar(&h.multipart, "multipart", false, "send a form without files in the multipart form too")
	fs.BoolVar(&h.wait, "expect", false, "wait for the server's consent before the body is sent")
	fs.BoolVar(&h.offline, "offline", false, "show the request, and send nothing")
	fs.BoolVarP(&h.include, "include", "i", h.verb == "options", "print the head of the answer too")
	fs.StringVarP(&h.out, "output", "o", "", "save the body to this `FILE`")
}

// call makes the request, with retries where they do no harm, and prints.
func (h *httpCall) call(ctx context.Context, e *kit.Env, c *http.Client, at *protocols.Target, items []string) error {
	p, err := h.payload(e, items)
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	u := *at.URL
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if len(p.query) > 0 {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+p.query.Encode(), "&")
	}
	if p.contentType != "" && p.header["Content-Type"] == nil && c.Settings.Header["Content-Type"] == nil {
		p.header["Content-Type"] = []string{p.contentType}
	}
	if err := h.ranged(e, p); err != nil {
		return err
	}
	r := &http.Request{Method: h.method, URL: &u, Header: p.header, Body: p.body, Length: p.length, Expect: p.body != nil && (h.wait || p.length < 0)}
	if h.offline {
		w, err := e.Out.Bytes()
		if err != nil {
			return err
		}
		return http.Offline(ctx, c, r, verbs.StdoutFile(w))
	}
	start := time.Now()
	tellRequest(e, r)
	resp, err := h.attempts(ctx, e, c, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if !h.include {
		tellHead(e, resp)
	}
	err = resp.AsError()
	if c.Settings.AnyStatus {
		err = nil
	}
	return cmp.Or(h.print(ctx, e, resp, start), err)
}

// ranged adds the header of --range, which has a meaning for GET, and where servers agree
// for HEAD (RFC 9110 14.2).
func (h *httpCall) ranged(e *kit.Env, p *payload) error {
	span := &e.Flags.Span
	if !span.Given {
		return nil
	}
	if m := strings.ToUpper(h.method); m != nethttp.MethodGet && m != nethttp.MethodHead {
		return kit.Usage("http %s: --range is for GET and HEAD", h.verb)
	}
	if p.header["Range"] == nil {
		p.header["Range"] = []string{"bytes=" + span.String()}
	}
	return nil
}

// repeats are the methods that may be sent twice (RFC 9110 9.2.2).
var repeats = []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "TRACE"}

// attempts makes a request until it is answered, refused for good, or --retries
// is used up: then the last answer counts, whatever it is.
func (h *httpCall) attempts(ctx context.Context, e *kit.Env, c *http.Client, r *http.Request) (*http.Response, error) {
	p := e.Retries()
	p.Again = func(err error) bool { return protocols.IsRetryable(err) && repeatable(r) }
	var resp *http.Response
	var err error
	note := p.Note
	p.Note = func(n int, pause time.Duration, failure error) {
		if resp != nil {
			resp.Body.Close()
		}
		resp, err = nil, failure
		note(n, pause, failure)
	}
	_ = p.Do(ctx, func() error {
		if seeker, ok := r.Body.(io.Seeker); ok && err != nil {
			if _, bad := seeker.Seek(0, io.SeekStart); bad != nil {
				return bad
			}
		}
		if resp, err = c.Do(ctx, r); err == nil && !c.Settings.AnyStatus {
			return resp.AsError()
		}
		return err
	})
	return resp, err
}

// repeatable reports whether a request may be sent twice, and its body read twice.
func repeatable(r *http.Request) bool {
	_, ok := r.Body.(io.Seeker)
	return (ok || r.Body == nil) && slices.Contains(repeats, strings.ToUpper(r.Method))
}

// responseJSON is what --json prints of an answer.
type responseJSON struct {
	Protocol   string              `json:"protocol"`
	URL        string              `json:"url"`
	Method     string              `json:"method"`
	Status     int                 `json:"status"`
	Reason     string              `json:"reason,omitempty"`
	Version    string              `json:"version"`
	Headers    map[string][]string `json:"headers"`
	Trailers   map[string][]string `json:"trailers,omitempty"`
	Redirects  int                 `json:"redirects"`
	Bytes      int64               `json:"bytes"`
	Body       *string             `json:"body,omitempty"`
	BodyBase64 string              `json:"body_base64,omitempty"`
	Saved      string              `json:"saved,omitempty"`
	Address    string              `json:"address,omitempty"`
	TLSVersion string              `json:"tls_version,omitempty"`
	ResolveMs  *float64            `json:"resolve_ms,omitempty"`
	ConnectMs  *float64            `json:"connect_ms,omitempty"`
	TLSMs      *float64            `json:"tls_ms,omitempty"`
	FirstMs    *float64            `json:"first_byte_ms,omitempty"`
	TotalMs    float64             `json:"total_ms"`
}

// mostJSONBody is the largest body that is put into JSON as text; a larger one goes
// through as it comes, in base64.
const mostJSONBody = 4 << 20

// print writes the answer: its head where that is wanted, and its body.
func (h *httpCall) print(ctx context.Context, e *kit.Env, resp *http.Response, start time.Time) error {
	if e.Out.JSON {
		return h.printJSON(ctx, e, resp, start)
	}
	if h.include {
		if err := printHead(e.Out, resp); err != nil {
			return err
		}
	}
	if h.out != "" {
		_, err := h.save(ctx, e, resp.Body)
		return err
	}
	if resp.Method == nethttp.MethodHead {
		return nil
	}
	body, err := h.pretty(e.Out, resp)
	if body == nil || err != nil {
		return err
	}
	w, err := e.Out.Bytes()
	if err != nil {
		return err
	}
	_, err = io.Copy(verbs.StdoutFile(w), body)
	return e.Out.Copied(err)
}

// mostPretty is the largest JSON body that is indented.
const mostPretty = 1 << 20

// pretty shows JSON to people: indented and coloured, in the order given. It returns the
// body where it is to go out as it is.
func (h *httpCall) pretty(o *show.Output, resp *http.Response) (io.Reader, error) {
	if !o.TTY || !strings.Contains(resp.Header.Get("Content-Type"), "json") {
		return resp.Body, nil
	}
	start, err := io.ReadAll(io.LimitReader(resp.Body, mostPretty))
	if err != nil {
		return nil, err
	}
	if text, ok := show.Pretty(o.Paint, start); ok {
		return nil, o.Line(text)
	}
	return io.MultiReader(bytes.NewReader(start), resp.Body), nil
}

// tellRequest shows the head of a request, for -v.
func tellRequest(e *kit.Env, r *http.Request) {
	if !e.Out.Verbose || e.Out.JSON {
		return
	}
	e.Out.Say("> " + r.Method + " " + show.Safe(protocols.Redact(r.URL)))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			if http.SecretHeader(name) {
				v = "****"
			}
			e.Out.Say("> " + show.Safe(name+": "+v))
		}
	}
}

// tellHead shows the head of an answer, for -v.
func tellHead(e *kit.Env, resp *http.Response) {
	if !e.Out.Verbose || e.Out.JSON {
		return
	}
	e.Out.Say(show.Safe("< " + strings.TrimSpace(resp.Proto+" "+strconv.Itoa(resp.Status)+" "+resp.Reason)))
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, v := range resp.Header[name] {
			e.Out.Say(show.Safe("< " + name + ": " + e.Out.Hidden.Text(v)))
		}
	}
}

func printHead(o *show.Output, resp *http.Response) error {
	if err := o.Text(strings.TrimSpace(resp.Proto + " " + strconv.Itoa(resp.Status) + " " + resp.Reason)); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, v := range resp.Header[name] {
			if err := o.Line(o.Paint.As(show.Cyan, show.Safe(name)) + ": " + show.Safe(v)); err != nil {
				return err
			}
		}
	}
	if resp.Method == nethttp.MethodHead {
		return nil
	}
	return o.Line("")
}

// save stores the body under --output by way of a temporary name.
func (h *httpCall) save(ctx context.Context, e *kit.Env, body io.Reader) (int64, error) {
	to, err := e.File(h.out)
	if err != nil {
		return 0, err
	}
	c, err := e.Dial(to)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	entry, err := protocols.Put(ctx, c, to.Name, body, nil)
	return entry.Size, err
}

func (h *httpCall) printJSON(ctx context.Context, e *kit.Env, resp *http.Response, start time.Time) error {
	t := resp.Times
	j := responseJSON{
		Protocol: "http", URL: protocols.Redact(resp.URL), Method: resp.Method, Status: resp.Status, Reason: resp.Reason, Version: resp.Proto,
		Headers: resp.Header, Redirects: resp.Hops, Address: resp.Address,
		ResolveMs: show.KnownMillis(t.Resolve), ConnectMs: show.KnownMillis(t.Connect), TLSMs: show.KnownMillis(t.TLS), FirstMs: show.KnownMillis(t.FirstByte),
	}
	if resp.TLS != nil {
		j.TLSVersion = tls.VersionName(resp.TLS.Version)
	}
	started, err := h.body(ctx, e, resp, &j)
	j.Trailers = resp.Trailer
	j.TotalMs = show.Millis(time.Since(start))
	switch {
	case started:
		line, merr := show.Marshal(j)
		return cmp.Or(err, merr, e.Out.Write(append([]byte(`",`), line[1:]...)))
	case err != nil:
		return err
	}
	return e.Out.Object(j)
}

// body puts the body into JSON: text as it is, else base64; or into the file. A
// large one is written at once, as the first key of the object: then started is
// true, and the rest of the object must follow whatever happens.
func (h *httpCall) body(ctx context.Context, e *kit.Env, resp *http.Response, j *responseJSON) (started bool, err error) {
	if h.out != "" {
		j.Saved = h.out
		j.Bytes, err = h.save(ctx, e, resp.Body)
		return false, err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, mostJSONBody+1))
	switch j.Bytes = int64(len(b)); {
	case err != nil:
		return false, err
	case len(b) > mostJSONBody && e.Out.Whole():
		return false, kit.Usage("the body is too large for --jq, --template and --json=KEYS: -o FILE saves it, --json alone writes it")
	case len(b) > mostJSONBody:
		j.Bytes, err = stream(e.Out, `{"body_base64":"`, io.MultiReader(bytes.NewReader(b), resp.Body))
		return true, err
	case resp.Method == nethttp.MethodHead:
	case utf8.Valid(b):
		j.Body = new(string(b))
	default:
		j.BodyBase64 = base64.StdEncoding.EncodeToString(b)
	}
	return false, nil
}

// stream writes what comes in base64, after a start. It returns how many bytes came.
func stream(o *show.Output, start string, from io.Reader) (int64, error) {
	o.Count++
	if err := o.Write([]byte(start)); err != nil {
		return 0, err
	}
	to := base64.NewEncoder(base64.StdEncoding, verbs.WriterFunc(func(b []byte) (int, error) { return len(b), o.Write(b) }))
	n, err := io.Copy(to, from)
	return n, cmp.Or(err, to.Close())
}
