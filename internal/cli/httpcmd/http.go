// Package httpcmd has the verbs that only HTTP has, and its flags.
package httpcmd

import (
	"context"
	"errors"
	"io"
	nethttp "net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/http/h3"
	"github.com/netclients/netclients/protocols/transfer"
)

// httpVerbs are the verbs that only HTTP has, and generic ones that do more here.
func Verbs() []*kit.Verb {
	return []*kit.Verb{
		httpHead(),
		requestVerb("post", "send data, print the answer",
			"http post httpbin.org/post name=Ann age:=30 X-Trace:1", "http post host/form --form title=Report --form file=@report.pdf", "http post host/api -d @body.json -H 'Content-Type: application/json'"),
		requestVerb("patch", "change a part of an object, print the answer",
			"http patch host/users/7 email=ann@example.org"),
		requestVerb("delete", "delete an object, print the answer",
			"http delete host/users/7"),
		requestVerb("options", "what can be done with an object",
			"http options host/"),
		anyRequest(),
		{
			Name: "robots", Args: "URL [AGENT]", Short: "may a robot fetch it: what robots.txt says",
			Works: kit.Is[*http.Client], Run: kit.On(httpRobots),
			Examples: []string{"http robots www.example.org/private/"},
		},
		httpCookies(),
		httpCat(),
		httpGet(),
		httpSync(),
	}
}

// httpCat is cat that shows what came with a refusal too, and takes the letters of curl.
func httpCat() *kit.Verb {
	as := &asCurl{}
	cat := func(ctx context.Context, e *kit.Env, c *http.Client, at *protocols.Target, args []string) error {
		if call, err := as.call("cat"); err != nil {
			return err
		} else if call != nil {
			return call.request(ctx, e, c, at, nil)
		}
		err := verbs.Cat(ctx, e, c, at, args)
		if errors.Is(err, http.ErrNotModified) {
			return nil
		}
		if no, ok := errors.AsType[*http.StatusError](err); ok {
			showPage(e.Out, no)
		}
		return err
	}
	return &kit.Verb{
		Name: "cat", Args: "URL...", Short: "write the content to standard output",
		Works: kit.Is[*http.Client], Run: kit.Each(cat), Flags: as.flags,
		Examples: []string{"cat https://example.org/", "cat -i https://example.org/", "http cat --compressed --range 0-99 example.org/file", "cat data:,hello"},
	}
}

// page shows people what came with a refusal, where it is text. Standard output is
// for content only; with JSON it is in the error.
func showPage(o *show.Output, no *http.StatusError) {
	text := strings.TrimRight(no.Said(), "\r\n")
	if text == "" || o.JSON || o.Quiet || !o.Verbose && !show.IsTerminal(o.Words) {
		return
	}
	_ = o.W.Flush()
	io.WriteString(o.Words, show.SafeLines(text)+"\n")
	if no.Cut || len(no.Body) > len(no.Said()) {
		o.Say("netclients: body cut short; use --no-fail to get all of it")
	}
}

// httpGet is get with names that servers choose, and conditions.
func httpGet() *kit.Verb {
	g := &verbs.Getter{}
	chosen, remote := &kit.ChosenNames{}, false
	g.Asks = func(t *protocols.Target) bool { return remote && kit.Is[*http.Client](kit.Sample(t.Spec)) }
	g.Named = func(ctx context.Context, e *kit.Env, t *protocols.Target) (string, error) {
		if !g.Asks(t) {
			return "", nil
		}
		return remoteName(ctx, e, t, chosen, g.Out)
	}
	g.Settle = func(r transfer.Result, err error) (transfer.Result, error) {
		if errors.Is(err, http.ErrNotModified) {
			r.Status, r.Note, r.Err = transfer.StatusSkipped, "not modified", nil
			return r, nil
		}
		return r, err
	}
	as := &asCurl{}
	run := func(ctx context.Context, e *kit.Env, args []string) error {
		if call, err := as.getCall(); err != nil {
			return err
		} else if call != nil {
			return kit.Each(call.request)(ctx, e, args)
		}
		return g.Run(ctx, e, args)
	}
	return &kit.Verb{
		Name: "get", Args: "URL...", Short: "save to files",
		Works: kit.Is[*http.Client], Run: run,
		Flags: func(fs *pflag.FlagSet) {
			g.Flags(fs)
			as.getFlags(fs)
			fs.BoolVarP(&remote, "remote-name", "J", false, "save under the name the server suggests (Content-Disposition), made safe")
			chosen.Flag(fs)
		},
		Examples: []string{"get https://example.org/file.iso", "get --continue --segments 4 https://example.org/file.iso", "http get --if-newer page.html -o page.html example.org/"},
	}
}

// remoteName asks for the name in Content-Disposition, for a file in the folder dir.
func remoteName(ctx context.Context, e *kit.Env, t *protocols.Target, chosen *kit.ChosenNames, dir string) (string, error) {
	c, err := e.Dial(t)
	if err != nil {
		return "", err
	}
	defer c.Close()
	at, err := protocols.Stat(ctx, c, t.Name)
	if err != nil || at.Facts["filename"] == "" {
		return "", nil // get will say what is wrong
	}
	place, err := chosen.Open(dir)
	if err != nil {
		return "", err
	}
	defer place.Close()
	return place.Name(at.Facts["filename"])
}

func httpRobots(ctx context.Context, e *kit.Env, c *http.Client, at *protocols.Target, args []string) error {
	agent := "netclients"
	if len(args) > 0 {
		agent = args[0]
	}
	rules, err := c.Robots(ctx, at.Name, agent)
	if err != nil {
		return err
	}
	r := struct {
		Protocol string   `json:"protocol"`
		URL      string   `json:"url"`
		Agent    string   `json:"agent"`
		Allowed  bool     `json:"allowed"`
		Delay    float64  `json:"crawl_delay,omitempty"`
		Requests int      `json:"requests,omitempty"` // so many in per_seconds
		Per      float64  `json:"per_seconds,omitempty"`
		Sitemaps []string `json:"sitemaps,omitempty"`
	}{at.Spec.Name, protocols.Redact(at.URL), agent, rules.Allowed(at.URL.RequestURI()), rules.Delay.Seconds(), rules.Requests, rules.Per.Seconds(), rules.Sitemaps}
	err = e.Out.Record(r, func() string {
		word := "allowed"
		if !r.Allowed {
			word = "disallowed"
		}
		return show.Safe(strings.Join(append([]string{word}, r.Sitemaps...), "  "))
	})
	if err == nil && !r.Allowed {
		err = &protocols.Error{Kind: protocols.KindRefused, Text: "robots.txt closes it to " + agent}
	}
	return err
}

// httpOptions are the flags that all verbs of HTTP have.
type httpOptions struct {
	s               http.Settings
	headers, allow  []string
	block, cookies  []string
	jarFile, newer  string
	jarFormat       kit.Choice
	one, two, three bool
	redirects       kit.Count
	jar             *jarFile
	strictPath      string
	strict          *strictFile
	rate            pace
}

func Flags() *kit.Setup {
	h := &httpOptions{redirects: kit.NewCount(20, 1000), jarFormat: kit.OneOf("netscape", "netscape", "lwp")}
	flags := kit.FlagsFor(h.flags, h.configure)
	flags.Link = func(e *kit.Env, c protocols.Client) error {
		client, _ := protocols.As[*http.Client](c)
		client.Settings.Decoded = int64(e.Flags.MaxSize)
		h.learn(e.Out.Hidden)
		return nil
	}
	flags.Closed = true
	return flags.With(kit.Scope{
		"if-newer": {"cat", "get"}, "index-only": kit.Listers, "no-robots": kit.Listers,
	}, []string{"account", "authzid", "alpn"}, []string{"basic", "digest", "bearer"})
}

// learn has the secrets of headers and cookies masked where a server repeats them.
func (h *httpOptions) learn(m *mask.Mask) {
	LearnHeaders(m, h.headers)
	for _, line := range h.cookies {
		for pair := range strings.SplitSeq(line, ";") {
			_, value, _ := strings.Cut(pair, "=")
			m.Add(strings.TrimSpace(value))
		}
	}
}

// LearnHeaders has the values of headers masked that hold secrets. Lines are as -H has them.
func LearnHeaders(m *mask.Mask, lines []string) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); !http.SecretHeader(name) {
			continue
		}
		m.Add(value)
		if _, token, ok := strings.Cut(value, " "); ok { // "Bearer TOKEN"
			m.Add(token)
		}
	}
}

func (h *httpOptions) flags(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&h.headers, "header", "H", nil, "`HEADER` of the request, 'Name: value'; 'Name:' drops one of ours, 'Name;' sends it empty")
	fs.StringArrayVar(&h.cookies, "cookie", nil, "send cookies: `NAME=VALUE`; more with ; between")
	fs.StringVar(&h.jarFile, "cookie-jar", "", "read cookies from this `FILE`, and write them back")
	fs.Var(&h.jarFormat, "cookie-format", "of the jar: netscape, as curl has it, or lwp, as libwww-perl has it; a jar that is there keeps its own")
	fs.StringArrayVar(&h.allow, "cookie-allow", nil, "take cookies of this `DOMAIN` only")
	fs.StringArrayVar(&h.block, "cookie-block", nil, "take no cookies of this `DOMAIN`")
	fs.BoolVar(&h.s.NoFollow, "no-follow", false, "do not follow redirects")
	fs.Var(&h.redirects, "max-redirects", "most redirects to follow")
	fs.BoolVar(&h.s.AnyStatus, "no-fail", false, "take 4xx and 5xx for an answer like others: the body is the content, the exit code 0")
	fs.BoolVar(&h.s.AllowDowngrade, "allow-downgrade", false, "follow redirects from https to http")
	fs.BoolVar(&h.s.Compressed, "compressed", false, "ask for gzip, deflate, br and zstd, and decode them")
	fs.BoolVar(&h.s.PathAsIs, "path-as-is", false, "send . and .. in the path of a URL, do not resolve them")
	fs.StringVar(&h.newer, "if-newer", "", "only when newer than this `FILE or date` (cat, get)")
	fs.StringVar(&h.strictPath, "hsts", "", "hosts that want HTTPS only: read them from this `FILE`, as curl has it, and write them back")
	fs.Var(&h.rate, "rate", "start at most so many requests in a time, such as 2/s or 30/m")
	fs.StringVar(&h.s.UnixSocket, "unix-socket", "", "connect to the socket at this `PATH`")
	fs.BoolVar(&h.one, "http1", false, "HTTP/1.1 only")
	fs.BoolVar(&h.two, "http2", false, "HTTP/2 only")
	fs.BoolVar(&h.three, "http3", false, "HTTP/3 (QUIC) only")
	fs.BoolVar(&h.s.NoRobots, "no-robots", false, "list and sync what robots.txt closes to robots too")
	fs.BoolVar(&h.s.IndexOnly, "index-only", false, "take sizes and times from index pages only, ask for none")
}

// configure sets a client up. Clients of one command share the cookies.
func (h *httpOptions) configure(c *http.Client) error {
	c.Settings = h.s
	c.Settings.HTTP3 = h3.Start
	c.Settings.MaxRedirects = h.redirects.Value
	if h.redirects.Value == 0 {
		c.Settings.NoFollow = true
	}
	for _, on := range []struct {
		set     bool
		version http.Version
	}{{h.one, http.HTTP1}, {h.two, http.HTTP2}, {h.three, http.HTTP3}} {
		if on.set && c.Settings.Version != http.Auto {
			return kit.Usage("--http1, --http2 and --http3 cannot be used together")
		}
		if on.set {
			c.Settings.Version = on.version
		}
	}
	var err error
	if c.Settings.Header, err = ParseHeaders(h.headers); err != nil {
		return err
	}
	if h.rate.every > 0 {
		c.Settings.Pace = h.rate.wait
	}
	if c.Settings.Condition, err = condition(h.newer); err != nil {
		return err
	}
	return errors.Join(h.strictFor(c), h.cookiesFor(c))
}

// strictFor sets the hosts that want HTTPS only; they are read when they are first needed.
func (h *httpOptions) strictFor(c *http.Client) (err error) {
	if h.strictPath == "" {
		return nil
	}
	if h.strict == nil {
		if h.strict, err = openStrict(h.strictPath); err != nil {
			return err
		}
	}
	c.Settings.HSTS, c.Settings.Closed = h.strict.Store, h.strict.save
	return nil
}

// ParseHeaders reads -H.
func ParseHeaders(lines []string) (http.Header, error) {
	var h http.Header
	for _, line := range lines {
		if h == nil {
			h = http.Header{}
		}
		if name, ok := strings.CutSuffix(line, ";"); ok && !strings.Contains(line, ":") {
			h[nethttp.CanonicalHeaderKey(name)] = []string{""}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" {
			return nil, kit.Usage("-H: want 'Name: value'")
		}
		name, value = nethttp.CanonicalHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		if value == "" {
			h[name] = []string{}
			continue
		}
		h[name] = append(h[name], value)
	}
	return h, nil
}

// dateForms are what --if-newer takes beside a file.
var dateForms = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02"}

func condition(text string) (http.Condition, error) {
	if text == "" {
		return http.Condition{}, nil
	}
	info, err := os.Stat(text)
	if err == nil {
		return http.Condition{Newer: info.ModTime()}, nil
	}
	if t, err := nethttp.ParseTime(text); err == nil {
		return http.Condition{Newer: t}, nil
	}
	for _, form := range dateForms {
		if t, err := timeParse(form, text); err == nil {
			return http.Condition{Newer: t}, nil
		}
	}
	if strings.ContainsAny(text, "/.") {
		return http.Condition{}, nil // a file that is not there yet: everything is newer
	}
	return http.Condition{}, kit.Usage("--if-newer %q: neither a file nor a date", text)
}

// cookiesFor sets the jar of the command on a client; it is made when it is first needed.
func (h *httpOptions) cookiesFor(c *http.Client) error {
	if h.jarFile == "" && len(h.cookies) == 0 {
		return nil
	}
	if h.jar == nil {
		j := newJarFile(h.jarFile, h.jarFormat.Value == "lwp")
		j.Allow, j.Block = slices.Clone(h.allow), slices.Clone(h.block)
		if err := j.load(); err != nil {
			return err
		}
		h.jar = j
	}
	for _, line := range h.cookies {
		if err := c.AddCookie(h.jar.Jar, line); err != nil {
			return err
		}
	}
	c.Settings.Jar, c.Settings.Closed = h.jar.Jar, h.saved
	return nil
}

// saved writes the files that a run has changed.
func (h *httpOptions) saved() error {
	err := h.jar.save()
	if h.strict != nil {
		err = errors.Join(err, h.strict.save())
	}
	return err
}
