package httpcmd

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// cookieVerb shows and changes the cookies of a file. It asks no server.
type cookieVerb struct{ session bool }

func httpCookies() *kit.Verb {
	c := &cookieVerb{}
	return &kit.Verb{
		Name: "cookies", Args: "ACTION FILE [ARG...]", Short: "list, set or clear the cookies of a file",
		Works: kit.Is[*http.Client], Run: c.run,
		Flags: func(fs *pflag.FlagSet) {
			fs.BoolVar(&c.session, "session", false, "list or clear those only that end with the session")
		},
		Examples: []string{"http cookies list jar", "http cookies list jar example.org", "http cookies set jar https://example.org/ 'sid=42; Path=/; Secure'",
			"http cookies clear jar example.org / sid", "http cookies clear jar --session"},
	}
}

func (c *cookieVerb) run(_ context.Context, e *kit.Env, args []string) error {
	do, ok := map[string]func(*kit.Env, *jarFile, []string) error{"list": c.list, "set": c.set, "clear": c.clear}[args[0]]
	if !ok {
		return kit.Usage("http cookies %s: want list, set or clear", args[0])
	}
	if _, err := os.Stat(args[1]); err != nil && args[0] != "set" {
		return err
	}
	j := newJarFile(args[1], false)
	if err := j.load(); err != nil {
		return err
	}
	return do(e, j, args[2:])
}

// which reads [DOMAIN [PATH [NAME]]]: empty is any.
func which(args []string) (domain, path, name string, err error) {
	if len(args) > 3 {
		return "", "", "", kit.Usage("http cookies: want at most a domain, a path and a name")
	}
	of := append(slices.Clone(args), "", "", "")
	return of[0], of[1], of[2], nil
}

// cookieJSON is a line of list.
type cookieJSON struct {
	Protocol string     `json:"protocol"`
	Domain   string     `json:"domain"`
	Path     string     `json:"path"`
	Name     string     `json:"name"`
	Value    string     `json:"value"`
	Expires  *time.Time `json:"expires,omitempty"` // none: at the end of the session
	HostOnly bool       `json:"host_only"`
	Secure   bool       `json:"secure"`
	HTTPOnly bool       `json:"http_only"`
}

// clearedJSON is the line of clear.
type clearedJSON struct {
	Protocol string `json:"protocol"`
	Op       string `json:"op"`
	Cleared  int    `json:"cleared"`
}

func (c *cookieVerb) list(e *kit.Env, j *jarFile, args []string) error {
	domain, path, name, err := which(args)
	if err != nil {
		return err
	}
	for _, k := range j.Cookies() {
		if !k.Is(domain, path, name) || c.session && !k.Expires.IsZero() {
			continue
		}
		out := cookieJSON{"http", k.Domain, k.Path, k.Name, k.Value, nil, k.HostOnly, k.Secure, k.HTTPOnly}
		until := "session"
		if !k.Expires.IsZero() {
			out.Expires = new(k.Expires.UTC())
			until = k.Expires.UTC().Format(time.RFC3339)
		}
		if err := e.Out.Record(out, func() string {
			return show.Safe(fmt.Sprintf("%s  %s  %s=%s  %s", k.Domain, k.Path, k.Name, k.Value, until))
		}); err != nil {
			return err
		}
	}
	return nil
}

// set takes cookies as the answer of a server sets them, with the same rules.
func (c *cookieVerb) set(e *kit.Env, j *jarFile, args []string) error {
	if len(args) < 2 {
		return kit.Usage("http cookies set: want FILE URL 'NAME=VALUE[; Path=/][; Secure]...'...")
	}
	t, err := e.Target(args[0])
	if err != nil {
		return err
	}
	for _, line := range args[1:] {
		if err := j.SetLine(t.URL, line, time.Now()); err != nil {
			return protocols.Wrap(err, "http", "cookies", protocols.Redact(t.URL))
		}
	}
	return j.save()
}

func (c *cookieVerb) clear(e *kit.Env, j *jarFile, args []string) error {
	domain, path, name, err := which(args)
	if err != nil {
		return err
	}
	n := j.Clear(func(k *http.Cookie) bool { return k.Is(domain, path, name) && (!c.session || k.Expires.IsZero()) })
	if err := j.save(); err != nil {
		return err
	}
	if n == 0 && len(args) > 0 {
		return &protocols.Error{Proto: "http", Op: "cookies", Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: "no such cookie in " + j.path}
	}
	if e.Out.JSON {
		return e.Out.Object(clearedJSON{"http", "clear", n})
	}
	e.Out.Say("cleared: " + strconv.Itoa(n))
	return nil
}
