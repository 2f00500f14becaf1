package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// catalogJSON is one protocol of the catalog.
type catalogJSON struct {
	Protocol string        `json:"protocol"`
	Summary  string        `json:"summary"`
	Schemes  []schemeEntry `json:"schemes"`
	Verbs    []string      `json:"verbs"`
	RFCs     []int         `json:"rfcs"`
	Replaces string        `json:"replaces"`
}

type schemeEntry struct {
	Scheme string `json:"scheme"`
	Port   int    `json:"port,omitempty"`
	TLS    string `json:"tls"`
}

func (a *app) entryOf(s *protocols.Spec) catalogJSON {
	c := catalogJSON{Protocol: s.Name, Summary: s.Summary, RFCs: s.RFCs, Replaces: s.Replaces}
	for _, sc := range s.Schemes {
		c.Schemes = append(c.Schemes, schemeEntry{sc.Name, sc.Port, string(sc.TLS)})
	}
	for _, v := range a.verbsOf(s) {
		c.Verbs = append(c.Verbs, v.Name)
	}
	return c
}

// protocols prints the catalog, or the named part of it.
func (a *app) protocols(_ context.Context, e *kit.Env, names []string) error {
	var known []string
	for _, s := range a.reg.Specs() {
		known = append(known, s.Name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return kit.Usage("protocols: no protocol %q%s", n, didYouMean(n, known))
		}
	}
	for _, s := range a.reg.Specs() {
		if len(names) > 0 && !slices.Contains(names, s.Name) || len(names) == 0 && s.Hidden && !e.Out.JSON {
			continue
		}
		c := a.entryOf(s)
		if err := e.Out.Record(c, func() string { return c.text(e.Out.Paint) }); err != nil {
			return err
		}
	}
	return nil
}

// pageWidth is where long lists for people are broken.
const pageWidth = 78

// text is a protocol's block of the catalog.
func (c *catalogJSON) text(paint show.Painter) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", paint.As(show.Bold, c.Protocol), c.Summary)
	for _, part := range []struct {
		title string
		words []string
	}{
		{"schemes", schemesText(c.Schemes)}, {"verbs", c.Verbs}, {"python", strings.Fields(c.Replaces)}, {"RFC", numbers(c.RFCs)},
	} {
		if len(part.words) > 0 {
			fmt.Fprintf(&b, "  %-9s%s\n", part.title, strings.Join(wrap(part.words, pageWidth-11), "\n           "))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// wrap joins words to lines of at most so many columns.
func wrap(words []string, most int) []string {
	var lines []string
	line := ""
	for _, w := range words {
		switch {
		case line == "":
			line = w
		case len(line)+1+len(w) <= most:
			line += " " + w
		default:
			lines = append(lines, line)
			line = w
		}
	}
	return append(lines, line)
}

// tlsWords say how TLS belongs to a scheme.
var tlsWords = map[string]string{
	string(protocols.TLSNone): "", string(protocols.TLSUpgrade): "TLS by --tls", string(protocols.TLSRequired): "TLS required", string(protocols.TLSImplicit): "TLS from the start",
}

func schemesText(list []schemeEntry) []string {
	var out []string
	for i, s := range list {
		text := s.Scheme
		if s.Port != 0 {
			text += " " + strconv.Itoa(s.Port)
		}
		if word := tlsWords[s.TLS]; word != "" {
			text += " (" + word + ")"
		}
		if i < len(list)-1 {
			text += ","
		}
		out = append(out, text)
	}
	return out
}

func numbers(ns []int) []string {
	var out []string
	for _, n := range ns {
		out = append(out, strconv.Itoa(n))
	}
	return out
}
