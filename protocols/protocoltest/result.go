package protocoltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Call is the use of a client that a dialogue belongs to. Its results are what
// the R: lines hold, one JSON value each.
type Call func(ctx context.Context, c protocols.Client) (results []any, err error)

// List is the [Call] that lists name to the end.
func List(name string) Call {
	return func(ctx context.Context, c protocols.Client) (results []any, err error) {
		for e, err := range protocols.List(ctx, c, name) {
			if err != nil {
				return results, err
			}
			results = append(results, e)
		}
		return results, nil
	}
}

// content is the result of [Get].
type content struct {
	Entry   protocols.Entry `json:"entry"`
	Content string          `json:"content"`
}

// Get is the [Call] that reads name. Content before an error is not a result.
func Get(name string, o *protocols.GetOptions) Call {
	return func(ctx context.Context, c protocols.Client) ([]any, error) {
		obj, err := protocols.Get(ctx, c, name, o)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(obj.Body)
		if cerr := obj.Body.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, err
		}
		return []any{content{obj.Entry, string(body)}}, nil
	}
}

// Put is the [Call] that stores text under name.
func Put(name, text string, o *protocols.PutOptions) Call {
	return func(ctx context.Context, c protocols.Client) ([]any, error) {
		e, err := protocols.Put(ctx, c, name, strings.NewReader(text), o)
		return []any{e}, err
	}
}

// Stat is the [Call] that describes name.
func Stat(name string) Call {
	return func(ctx context.Context, c protocols.Client) ([]any, error) {
		e, err := protocols.Stat(ctx, c, name)
		return []any{e}, err
	}
}

// Raw is the [Call] that sends one command as it is.
func Raw(command string) Call {
	return func(ctx context.Context, c protocols.Client) ([]any, error) {
		r, err := protocols.Do(ctx, c, command)
		return []any{r}, err
	}
}

// Probe is the [Call] that probes. Times are left out of the result.
func Probe() Call {
	return func(ctx context.Context, c protocols.Client) ([]any, error) {
		r, err := c.Probe(ctx)
		if r == nil {
			return nil, errors.Join(err, errors.New("Probe gave no report"))
		}
		return []any{map[string]any{"up": r.Up, "phase": r.Phase, "banner": r.Banner, "tls": r.TLSVersion, "capabilities": r.Capabilities}}, err
	}
}

// Bulk is the [Call] that reads many objects.
func Bulk(names ...string) Call {
	return func(ctx context.Context, c protocols.Client) (results []any, err error) {
		err = protocols.BulkGet(ctx, c, sequence(names), func(name string, o *protocols.Object, err error) error {
			if err != nil {
				results = append(results, map[string]string{"name": name, "error": protocols.KindOf(err).String()})
				return nil
			}
			body, err := io.ReadAll(o.Body)
			results = append(results, content{o.Entry, string(body)})
			return err
		})
		return results, err
	}
}

// Nothing makes a [Call] of one that returns only an error.
func Nothing(f func(ctx context.Context, c protocols.Client) error) Call {
	return func(ctx context.Context, c protocols.Client) ([]any, error) { return nil, f(ctx, c) }
}

// Then is the [Call] that makes several, up to the first error.
func Then(calls ...Call) Call {
	return func(ctx context.Context, c protocols.Client) (all []any, err error) {
		for _, call := range calls {
			results, err := call(ctx, c)
			if err != nil {
				return all, err
			}
			all = append(all, results...)
		}
		return all, nil
	}
}

func sequence(names []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, n := range names {
			if !yield(n) {
				return
			}
		}
	}
}

// outcome is what a call gave, in the form of R: and E: lines.
type outcome struct {
	results []string
	err     string
}

func outcomeOf(results []any, err error) (o outcome) {
	if err != nil {
		return outcome{err: strings.ReplaceAll(fmt.Sprintf("%s %v", protocols.KindOf(err), err), "\n", " ")}
	}
	for _, r := range results {
		text, jerr := json.Marshal(r)
		if jerr != nil {
			text = []byte(jerr.Error())
		}
		o.results = append(o.results, string(text))
	}
	return o
}

func (o outcome) String() string {
	s := &Script{Result: o.results, Error: o.err}
	return strings.TrimSpace(s.Format())
}

// want returns the outcome in a script.
func (s *Script) want() outcome { return outcome{s.Result, s.Error} }
