package verbs

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/protocols/file"
)

// module is one way to probe, as a file of modules has it.
type module struct {
	Scheme       string            `toml:"scheme"` // of targets without one
	Timeout      string            `toml:"timeout"`
	Login        bool              `toml:"login"`
	ExpectStatus string            `toml:"expect_status"`
	ExpectBody   string            `toml:"expect_body"`
	ExpectHeader map[string]string `toml:"expect_header"`
	RoundTrip    string            `toml:"round_trip"`
	From         string            `toml:"from"`
	To           string            `toml:"to"`
	Settings     *secret.Profile   `toml:"settings"` // as in a profile, of the target
	Arrives      *secret.Profile   `toml:"arrives"`  // of the end where a round trip arrives

	timeout kit.Duration
	expect  expectation
}

// maxModules bounds a file of modules, and one of targets.
const maxModules = 1 << 20

// readModules reads a file of modules; none is one that only probes.
func readModules(ctx context.Context, path string) (map[string]*module, error) {
	all := struct {
		Modules map[string]*module `toml:"module"`
	}{map[string]*module{}}
	if path != "" {
		text, err := file.ReadAll(ctx, path, maxModules)
		if err != nil {
			return nil, err
		}
		d := toml.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := secret.PlainTOMLError(d.Decode(&all)); err != nil {
			return nil, kit.Usage("--modules %s: %v", path, err)
		}
	}
	for name, m := range all.Modules {
		if err := m.check(filepath.Dir(path)); err != nil {
			return nil, kit.Usage("--modules %s: module %s: %v", path, name, err)
		}
	}
	if all.Modules[""] == nil {
		all.Modules[""] = &module{}
	}
	return all.Modules, nil
}

// check reads the values of a module. A login needs to say for which server it is: who
// asks the exporter chooses the target.
func (m *module) check(dir string) error {
	for _, part := range []struct {
		key, value string
		set        func(string) error
	}{
		{"timeout", m.Timeout, m.timeout.Set}, {"expect_status", m.ExpectStatus, m.expect.status.Set}, {"expect_body", m.ExpectBody, m.expect.body.Set},
	} {
		if part.value == "" {
			continue
		}
		if err := part.set(part.value); err != nil {
			return fmt.Errorf("%s: %w", part.key, err)
		}
	}
	for name, re := range m.ExpectHeader {
		if err := m.expect.header.Set(name + ": " + re); err != nil {
			return fmt.Errorf("expect_header: %w", err)
		}
	}
	for key, p := range map[string]*secret.Profile{"settings": m.Settings, "arrives": m.Arrives} {
		if p == nil {
			continue
		}
		if err := p.Ready(dir); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if p.AnyLogin() {
			return fmt.Errorf("%s has a login and no url: it would go to every target that somebody asks for", key)
		}
	}
	if m.Arrives != nil && m.RoundTrip == "" {
		return fmt.Errorf("arrives is for round_trip")
	}
	return nil
}

// prober makes the prober of a module, and the environment for it.
func (m *module) prober(ctx context.Context, e *kit.Env) (*prober, *kit.Env, error) {
	p := newProber()
	p.login, p.expected = m.Login, m.expect
	p.trip = tripFlags{url: m.RoundTrip, from: m.From, to: m.To}
	env, err := e.Apart(ctx, m.Settings)
	if err == nil && m.RoundTrip != "" {
		p.trip.arrives, err = e.Apart(ctx, cmp.Or(m.Arrives, m.Settings))
	}
	return p, env, err
}

// target is a line of a file of targets.
type target struct{ url, module string }

// readTargets reads a file of URLs, one a line, with a module after a blank. Lines that
// begin with # are comments. An empty path is not a file.
func readTargets(ctx context.Context, path string) ([]target, error) {
	if path == "" {
		return nil, nil
	}
	text, err := file.ReadAll(ctx, path, maxModules)
	if err != nil {
		return nil, err
	}
	var list []target
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case len(words) > 2:
			return nil, kit.Usage("--targets %s: line %d: want URL, or URL MODULE", path, n)
		default:
			list = append(list, target{words[0], strings.Join(words[1:], "")})
		}
	}
	if len(list) == 0 {
		return nil, kit.Usage("--targets %s: there is no URL in it", path)
	}
	return list, nil
}

// within is the time limit of a module's probes.
func (m *module) within() time.Duration { return time.Duration(m.timeout) }
