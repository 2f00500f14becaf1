package show

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// ExitCode returns the code that the program ends with. Monitoring plug-ins and
// the commands that lab runs have codes of their own.
func ExitCode(err error) int {
	if c, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return c.ExitCode()
	}
	return protocols.KindOf(err).Exit()
}

// ErrorJSON is the line that --json writes to standard error.
type ErrorJSON struct {
	Protocol  string `json:"protocol"`
	Op        string `json:"op"`
	URL       string `json:"url"`
	Kind      string `json:"kind"`
	Code      int    `json:"code"`
	Enhanced  string `json:"enhanced"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
	Hint      string `json:"hint,omitempty"`
	Stage     string `json:"stage,omitempty"`
	Body      string `json:"body,omitempty"` // what came with a refusal, where it is text
}

// DetailOf returns what an error is made of.
func DetailOf(err error) ErrorJSON {
	e := &protocols.Error{}
	errors.As(protocols.Wrap(err, "", "", ""), &e)
	d := ErrorJSON{e.Proto, e.Op, e.URL, e.Kind.String(), e.Code, e.Enhanced, strings.ToValidUTF8(e.Message(), "\uFFFD"), e.Retryable, hint(e), e.Stage, ""}
	if with, ok := errors.AsType[interface {
		error
		Said() string
	}](err); ok {
		d.Body = with.Said()
	}
	return d
}

// PrintError reports a failure: one line and perhaps a hint, or one line of JSON.
func PrintError(w io.Writer, asJSON bool, err error) {
	if err == nil || silent(err) {
		return
	}
	if _, told := errors.AsType[interface {
		error
		ExitCode() int
	}](err); told {
		return
	}
	if asJSON {
		line, _ := Marshal(map[string]ErrorJSON{"error": DetailOf(err)})
		_, _ = w.Write(line)
		return
	}
	text := Safe(strings.Join(strings.Fields(err.Error()), " "))
	e := &protocols.Error{}
	errors.As(protocols.Wrap(err, "", "", ""), &e)
	if e.Stage != "" {
		text += " (stage: " + Safe(e.Stage) + ")"
	}
	fmt.Fprintf(w, "netclients: %s\n", text)
	if h := hint(e); h != "" {
		fmt.Fprintf(w, "  try: %s\n", Safe(h))
	}
}

// hint returns the error's own hint, or what the command line knows for its class.
func hint(e *protocols.Error) string {
	if e.Hint != "" {
		return e.Hint
	}
	for _, h := range hints {
		if errors.Is(e, h.class) {
			return h.text
		}
	}
	return ""
}

var hints = []struct {
	class error
	text  string
}{
	{protocols.ErrCleartext, "--tls require, or --allow-plaintext-auth if the network can be trusted"},
	{protocols.ErrNeedsTLS, "--tls require"},
	{protocols.ErrLoginNeeded, "--user NAME with --password-file FILE"},
	{protocols.ErrTooMany, "a smaller --parallel"},
}
