package verbs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
)

// expectation holds the flags that say which answer means that a server is up.
type expectation struct {
	status statuses
	body   bodyPattern
	header headerPatterns
}

func (x *expectation) flags(fs *pflag.FlagSet) {
	fs.Var(&x.status, "expect-status", "HTTP: up with these statuses, such as 200,301-308 or 2xx (default 200-399)")
	fs.Var(&x.body, "expect-body", "HTTP: up when the body matches the regular expression")
	fs.Var(&x.header, "expect-header", "HTTP: up when a header matches, 'Name: RE'; may be repeated")
}

func (x *expectation) given() bool {
	return x.status != nil || x.body.re != nil || x.header != nil
}

// set hands the expectation to a client. One that has no answers with a status takes
// none.
func (x *expectation) set(c protocols.Client, t *protocols.Target) error {
	e, ok := protocols.As[protocols.Expecter](c)
	if !ok {
		if x.given() {
			return kit.Usage("probe %s: --expect-status, --expect-body and --expect-header are for http and https", protocols.Redact(t.URL))
		}
		return nil
	}
	e.Expect(protocols.Expectation{Status: x.status, Body: x.body.re, Header: x.header})
	return nil
}

// statuses takes ranges of status codes.
type statuses []protocols.StatusRange

func (s *statuses) String() string { return "" }

// Type names the value in help texts.
func (s *statuses) Type() string { return "LIST" }

// Set adds the ranges of a list with commas.
func (s *statuses) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		r, ok := statusRange(strings.ToLower(strings.TrimSpace(part)))
		if !ok {
			return fmt.Errorf("want statuses from 100 to 999, such as 200, 200-399 or 2xx")
		}
		*s = append(*s, r)
	}
	return nil
}

func statusRange(part string) (r protocols.StatusRange, ok bool) {
	if hundred, class := strings.CutSuffix(part, "xx"); class {
		part = hundred + "00-" + hundred + "99"
	}
	from, to, isRange := strings.Cut(part, "-")
	if !isRange {
		to = from
	}
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	return protocols.StatusRange{First: first, Last: last}, err1 == nil && err2 == nil && first >= 100 && last <= 999 && first <= last
}

// bodyPattern takes a regular expression.
type bodyPattern struct{ re *regexp.Regexp }

func (p *bodyPattern) String() string { return "" }

// Type names the value in help texts.
func (p *bodyPattern) Type() string { return "RE" }

// Set compiles the expression.
func (p *bodyPattern) Set(text string) (err error) {
	p.re, err = regexp.Compile(text)
	return err
}

// headerPatterns takes 'Name: RE'.
type headerPatterns map[string]*regexp.Regexp

func (h *headerPatterns) String() string { return "" }

// Type names the value in help texts.
func (h *headerPatterns) Type() string { return "'NAME: RE'" }

// Set adds one header.
func (h *headerPatterns) Set(text string) error {
	name, expr, ok := strings.Cut(text, ":")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return fmt.Errorf("want 'Name: REGULAR EXPRESSION'")
	}
	re, err := regexp.Compile(strings.TrimSpace(expr))
	if err != nil {
		return err
	}
	if *h == nil {
		*h = headerPatterns{}
	}
	(*h)[name] = re
	return nil
}
