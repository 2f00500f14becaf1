package adapter_test

import (
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/adapter"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// spec is that of dict (RFC 2229), in little.
var spec = protocols.Spec{Name: "dict", Schemes: []protocols.Scheme{{Name: "dict", Port: 2628, TLS: protocols.TLSNone}}}

// serve answers each line of one connection after another.
func serve(t *testing.T, greeting string, answers map[string]string) *adapter.Base {
	t.Helper()
	addr := labtest.Answer(t, greeting, func(line string) string { return answers[line] })
	b, err := adapter.New(&spec, &url.URL{Scheme: "dict", Host: addr}, &protocols.Options{Limits: protocols.Limits{Line: 100}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestConversation(t *testing.T) {
	b := serve(t, "220-dictd\r\n220 ready\r\n", map[string]string{
		"DEFINE * dot": "150 1 definitions\r\n151 \"dot\" web \"Web \\\"1\\\"\"\r\nDot\r\n..a point\r\n.\r\n250 ok\r\n",
		"LONG":         strings.Repeat("x", 200) + "\r\n",
	})
	op, err := b.Begin(t.Context(), "get", "dot")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Begin(t.Context(), "get", "dot"); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("a second operation: %v", err)
	}
	if r, err := op.Reply(); err != nil || r.Code != 220 || len(r.Lines) != 2 {
		t.Errorf("greeting %+v, %v", r, err)
	}
	if err := op.Send("DEFINE", "*", "dot"); err != nil {
		t.Fatal(err)
	}
	if r, err := op.Reply(); err != nil || r.Code != 150 {
		t.Errorf("%+v, %v", r, err)
	}
	r, err := op.Reply()
	if err != nil || !slices.Equal(adapter.Words(r.Text()), []string{"dot", "web", `Web "1"`}) {
		t.Errorf("%+v, %v", r, err)
	}
	if text, err := io.ReadAll(op.Text()); err != nil || string(text) != "Dot\r\n.a point\r\n" {
		t.Errorf("%q, %v", text, err)
	}
	if line, err := op.Line(); err != nil || line != "250 ok" {
		t.Errorf("%q, %v", line, err)
	}
	if err := op.Send("LONG"); err != nil {
		t.Fatal(err)
	}
	_, err = op.Line()
	if err = op.End(err); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("a line that is too long: %v", err)
	}
	if _, err := b.Begin(t.Context(), "get", "a\r\nQUIT"); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("a name with a line break: %v", err)
	}
	if r, err := b.Probe(t.Context()); err != nil || !r.Up {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCloseEndsAnOperation(t *testing.T) {
	b := serve(t, "", nil)
	op, err := b.Begin(t.Context(), "get", "x")
	if err != nil {
		t.Fatal(err)
	}
	go b.Close()
	_, err = op.Line()
	if err = op.End(err); !errors.Is(err, protocols.ErrClosed) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v", err)
	}
	if _, err := b.Begin(t.Context(), "get", "x"); !errors.Is(err, protocols.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := adapter.New(&spec, &url.URL{Scheme: "ftp", Host: "h"}, nil); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("another scheme: %v", err)
	}
}

func FuzzWords(f *testing.F) {
	f.Add(`a "b c" d\ e`)
	f.Fuzz(func(t *testing.T, line string) {
		for _, w := range adapter.Words(line) {
			if len(w) > len(line) {
				t.Errorf("%q has the word %q", line, w)
			}
		}
	})
}
