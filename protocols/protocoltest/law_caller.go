package protocoltest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// smuggled are arguments that would end a command or cut it.
var smuggled = []string{"a\r\nEVIL b", "a\nEVIL b", "a\rEVIL b", "a\x00b", "\n", "a/b\r\n"}

// lawCaller puts line breaks and NUL into every argument of every verb: nothing
// may be sent, not even a connection be made.
func lawCaller(t *testing.T, h *Harness) {
	tried := 0
	for _, v := range verbs {
		for _, arg := range smuggled {
			c := h.open(t, h.URL, noNetwork(t))
			has, err := v.call(t.Context(), c, arg)
			if !has {
				break
			}
			tried++
			if protocols.KindOf(err) != protocols.KindUsage {
				t.Errorf("%s of %q: kind %v, want usage: %v", v.name, arg, protocols.KindOf(err), err)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Errorf("%s of %q: the message holds them: %q", v.name, arg, err)
			}
			c.Close()
		}
	}
	if tried == 0 {
		t.Error("the client has no verb that takes an argument")
	}
}

// lawCredentials does it with user and password, which are known only when the
// connection is there.
func lawCredentials(t *testing.T, h *Harness) {
	d := &h.Dialogs[0]
	for _, cred := range []protocols.Credential{{User: "a\r\nEVIL", Password: "b"}, {User: "a", Password: "b\r\nEVIL"}, {User: "a", Password: "b\x00"}} {
		bubble(t, func(t *testing.T) {
			hung := d.script.with(d.script.firstCommand(), Step{Mark: "S!", Text: "hang"})
			tr := h.try(t, d, "credentials with line breaks", hung)
			o, _ := tr.player.Options()
			o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) { return cred, nil }
			o.TLS.Mode = protocols.TLSOff
			o.Trace = func(e protocols.Event) {
				if e.Kind == protocols.EventSend {
					tr.errorf("sent %q", e.Text)
				}
			}
			tr.client = h.open(t, h.URL, o)
			_, err := d.Call(t.Context(), tr.client)
			if protocols.KindOf(err) != protocols.KindUsage {
				tr.errorf("%+v: kind %v, want usage: %v", cred, protocols.KindOf(err), err)
			}
			if err != nil && strings.Contains(err.Error(), cred.Password) {
				tr.errorf("the password stands in the error: %v", err)
			}
			tr.end()
		})
	}
}

// firstCommand returns the index of the client's first line.
func (s *Script) firstCommand() int {
	for i, st := range s.Steps {
		if st.Mark == "C:" {
			return i
		}
	}
	return len(s.Steps)
}

var errReader = errors.New("the reader fails")

// failingReader returns some text and then an error.
type failingReader struct{ r *strings.Reader }

func (f failingReader) Read(p []byte) (int, error) {
	if f.r.Len() == 0 {
		return 0, errReader
	}
	return f.r.Read(p)
}
