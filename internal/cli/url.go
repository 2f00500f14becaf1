package cli

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
)

// urlTool is one thing that can be done with the text of a URL.
type urlTool struct {
	args int // it wants; -1: one or more
	run  func(o *show.Output, args []string) error
}

// urlTools is the table of `netclients url`.
func (u *urlFlags) tools() map[string]urlTool {
	return map[string]urlTool{
		"parse":     {1, parseURLTool},
		"build":     {-1, buildURL},
		"join":      {2, joinURL},
		"defrag":    {1, defragURL},
		"quote":     {-1, each(u.quote)},
		"unquote":   {-1, each(u.unquote)},
		"encode":    {-1, encodeQuery},
		"decode":    {1, decodeQuery},
		"path":      {1, each(func(s string) (string, error) { v, err := url.Parse(s); return pathOf(v), err })},
		"from-path": {1, each(func(s string) (string, error) { return (&url.URL{Scheme: "file", Path: s}).String(), nil })},
	}
}

func pathOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Path
}

// urlFlags are the flags of `netclients url`.
type urlFlags struct {
	plus bool
	safe string
}

// urlCommand is `netclients url`.
func urlCommand() *kit.Command {
	f := &urlFlags{}
	return &kit.Command{
		Name: "url", Args: "TOOL ARG...", Short: "take URLs apart, join them, quote and unquote",
		Example: "  netclients url parse --json 'http://user@host:8080/a/b?q=1#top'\n  netclients url build scheme=http host=::1 port=8080 path='/a b'\n  netclients url join http://host/a/b ../c\n  netclients url quote 'a b/ü'\n  netclients url encode name=Ann 'city=San José'",
		Flags: func(fs *pflag.FlagSet) {
			fs.BoolVar(&f.plus, "plus", false, "a space is +, as in forms")
			fs.StringVar(&f.safe, "safe", "/", "`CHARACTERS` that quote leaves alone")
		},
		Run: f.run,
	}
}

func (u *urlFlags) run(_ context.Context, e *kit.Env, args []string) error {
	tools := u.tools()
	tool, ok := tools[args[0]]
	if !ok {
		return kit.Usage("url %s: the tools are %s", args[0], strings.Join(slices.Sorted(maps.Keys(tools)), " "))
	}
	if n := len(args) - 1; tool.args >= 0 && n != tool.args || n < 1 {
		return kit.Usage("url %s: wrong number of arguments", args[0])
	}
	return tool.run(e.Out, args[1:])
}

// each makes a tool of a function on one text.
func each(do func(string) (string, error)) func(*show.Output, []string) error {
	return func(o *show.Output, args []string) error {
		for _, arg := range args {
			s, err := do(arg)
			if err != nil {
				return kit.Usage("%v", err)
			}
			if err := o.Record(s, func() string { return show.Safe(s) }); err != nil {
				return err
			}
		}
		return nil
	}
}

// partsJSON are the parts of a URL.
type partsJSON struct {
	Scheme   string              `json:"scheme,omitempty"`
	User     string              `json:"user,omitempty"`
	Host     string              `json:"host,omitempty"`
	Port     string              `json:"port,omitempty"`
	Path     string              `json:"path"`
	Params   string              `json:"params,omitempty"` // what follows a semicolon in the last segment of the path, which has it too
	Opaque   string              `json:"opaque,omitempty"`
	Query    string              `json:"query,omitempty"`
	Values   map[string][]string `json:"values,omitempty"`
	Fragment string              `json:"fragment,omitempty"`
}

// parseURLTool takes a URL of any kind apart, also one that no client would open.
func parseURLTool(o *show.Output, args []string) error {
	text := strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(args[0], "<"), ">"), "URL:")
	u, err := url.Parse(text)
	if err != nil {
		return kit.Usage("not a URL: %v", err)
	}
	if err := checkPort(u.Port()); err != nil {
		return err
	}
	p := partsJSON{u.Scheme, u.User.Username(), u.Hostname(), u.Port(), u.Path, pathParams(u), u.Opaque, u.RawQuery, u.Query(), u.Fragment}
	if o.JSON {
		return o.Object(p)
	}
	t := o.NewTable("PART", "VALUE")
	for _, row := range [][2]string{{"scheme", p.Scheme}, {"user", p.User}, {"host", p.Host}, {"port", p.Port}, {"path", p.Path}, {"params", p.Params}, {"opaque", p.Opaque}, {"query", p.Query}, {"fragment", p.Fragment}} {
		if row[1] != "" {
			if err := t.Row(row[0], show.Safe(row[1])); err != nil {
				return err
			}
		}
	}
	return t.End()
}

// pathParams returns what follows a semicolon in the last segment of the path (RFC 1808 2.1), still escaped.
func pathParams(u *url.URL) string {
	path := u.EscapedPath()
	_, params, _ := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], ";")
	return params
}

func checkPort(port string) error {
	if _, err := strconv.ParseUint(cmp.Or(port, "0"), 10, 16); err != nil {
		return kit.Usage("not a URL: port %s is not one of 0 to 65535", port)
	}
	return nil
}

// urlParts are the parts that build takes. Params belong to the path.
var urlParts = [...]string{"fragment", "host", "opaque", "path", "port", "query", "scheme", "user"}

// buildURL puts parts together: PART=VALUE, the query encoded already.
func buildURL(o *show.Output, args []string) error {
	parts := map[string]string{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || !slices.Contains(urlParts[:], name) {
			return kit.Usage("url build: %q is not PART=VALUE; the parts are %s", arg, strings.Join(urlParts[:], " "))
		}
		parts[name] = value
	}
	if err := checkPort(parts["port"]); err != nil {
		return err
	}
	u := &url.URL{Scheme: parts["scheme"], Path: parts["path"], Opaque: parts["opaque"], RawQuery: parts["query"], Fragment: parts["fragment"], Host: parts["host"]}
	if strings.Contains(u.Host, ":") {
		u.Host = "[" + u.Host + "]"
	}
	if parts["port"] != "" {
		u.Host += ":" + parts["port"]
	}
	if parts["user"] != "" {
		u.User = url.User(parts["user"])
	}
	s := u.String()
	if !holds(s, u) {
		return kit.Usage("url build: %s would be read as other parts", show.Safe(s))
	}
	return o.Record(s, func() string { return show.Safe(s) })
}

// holds reports whether the text is read as the parts of a URL.
func holds(text string, u *url.URL) bool {
	back, err := url.Parse(text)
	return err == nil && back.Scheme == strings.ToLower(u.Scheme) && back.Host == u.Host && back.User.Username() == u.User.Username() &&
		back.Opaque == u.Opaque && strings.TrimPrefix(back.Path, "/") == strings.TrimPrefix(u.Path, "/") &&
		back.RawQuery == u.RawQuery && back.Fragment == u.Fragment
}

func joinURL(o *show.Output, args []string) error {
	return each(func(ref string) (string, error) {
		base, err := url.Parse(args[0])
		if err != nil {
			return "", err
		}
		u, err := base.Parse(ref)
		if err != nil {
			return "", err
		}
		return u.String(), nil
	})(o, args[1:])
}

func defragURL(o *show.Output, args []string) error {
	text, fragment, _ := strings.Cut(args[0], "#")
	return o.Record(map[string]string{"url": text, "fragment": fragment}, func() string { return show.Safe(text) })
}

// quote percent-encodes all but letters, digits, -._~ and the safe characters.
func (u *urlFlags) quote(s string) (string, error) {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' && u.plus:
			b.WriteByte('+')
		case c < 0x80 && strings.IndexByte(u.safe, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString(strings.ReplaceAll(url.QueryEscape(s[i:i+1]), "+", "%20"))
		}
	}
	return b.String(), nil
}

func (u *urlFlags) unquote(s string) (string, error) { return unquote(s, u.plus), nil }

// unquote decodes percent-encoded bytes. What is not one, such as %zz, stays as it is:
// one odd name does not stop a list of names.
func unquote(s string, plus bool) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && len(s) > i+2 {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c, i = byte(n), i+2
			}
		} else if c == '+' && plus {
			c = ' '
		}
		b.WriteByte(c)
	}
	return b.String()
}

// encodeQuery makes form data of NAME=VALUE arguments, in their order.
func encodeQuery(o *show.Output, args []string) error {
	parts := make([]string, len(args))
	for i, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return kit.Usage("url encode: %q is not NAME=VALUE", arg)
		}
		parts[i] = url.QueryEscape(name) + "=" + url.QueryEscape(value)
	}
	s := strings.Join(parts, "&")
	return o.Record(s, func() string { return s })
}

// decodeQuery prints the pairs of form data, or of a URL's query, in their order.
func decodeQuery(o *show.Output, args []string) error {
	_, query, ok := strings.Cut(args[0], "?")
	if !ok {
		query = args[0]
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		n, v := unquote(name, true), unquote(value, true)
		if err := o.Record(map[string]string{"name": n, "value": v}, func() string { return show.Safe(n + "=" + v) }); err != nil {
			return err
		}
	}
	return nil
}
