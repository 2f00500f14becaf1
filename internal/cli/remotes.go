package cli

import (
	"context"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/pattern"
)

// remoteForm is NAME:PATH, where NAME may be a profile.
var remoteForm = pattern.Lazy{Text: `^([A-Za-z0-9][A-Za-z0-9_.-]*):([^:]*)$`}

// remotes puts the URL of a profile in the place of NAME:PATH, and names the profile.
// One command uses the settings of one profile.
func expandRemotes(ctx context.Context, a *app, args []string) ([]string, error) {
	var conf *secret.Config
	var out []string
	used := ""
	for i, arg := range args {
		m := remoteForm.Re().FindStringSubmatch(arg)
		if m == nil || kit.HasScheme(arg) || kit.SpecOf(a.reg, strings.ToLower(m[1])) != nil || i > 0 && args[i-1] == "--" {
			out = append(out, arg)
			continue
		}
		if conf == nil {
			var err error
			if conf, err = secret.LoadConfig(ctx, "", os.Getenv); err != nil {
				return nil, err
			}
		}
		p := conf.Profiles[m[1]]
		if p == nil || p.URL == "" {
			out = append(out, arg)
			continue
		}
		if used != "" && used != m[1] {
			return nil, kit.Usage("%s: and %s: are two profiles; a command takes the settings of one: write the other as a URL", used, m[1])
		}
		if used == "" {
			out = append(out, "--profile="+m[1])
		}
		used = m[1]
		out = append(out, below(string(p.URL), m[2]))
	}
	return out, nil
}

// below returns the URL of a path in the folder of another URL.
func below(base, path string) string {
	if path == "" {
		return base
	}
	plain := url.URL{Path: strings.TrimLeft(path, "/")}
	return strings.TrimRight(base, "/") + "/" + strings.TrimPrefix(plain.EscapedPath(), "./")
}

// profileJSON is a line of profiles.
type profileJSON struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
	User string `json:"user,omitempty"`
}

// profiles lists the profiles of the configuration file.
func profiles(ctx context.Context, e *kit.Env, _ []string) error {
	conf, err := secret.LoadConfig(ctx, "", os.Getenv)
	if err != nil {
		return err
	}
	t := e.Out.NewTable("NAME", "URL", "USER")
	for _, name := range profileNames(conf) {
		p := profileJSON{name, string(conf.Profiles[name].URL), string(conf.Profiles[name].User)}
		if e.Out.JSON {
			err = e.Out.Object(p)
		} else {
			err = t.Row(show.Safe(p.Name), show.Safe(p.URL), show.Safe(p.User))
		}
		if err != nil {
			return err
		}
	}
	if len(conf.Profiles) == 0 {
		e.Out.Say("no profiles in " + conf.Path + "; netclients help config shows how to write one")
	}
	if e.Out.JSON || len(conf.Profiles) == 0 {
		return nil
	}
	return t.End()
}

func profileNames(conf *secret.Config) []string {
	var names []string
	for name := range conf.Profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
