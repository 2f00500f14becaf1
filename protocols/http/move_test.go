package http

import (
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestMoveNeverReplacesAFolder: what has the new name is replaced only when it is a file.
func TestMoveNeverReplacesAFolder(t *testing.T) {
	const there, made = "HTTP/1.1 412 There\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 Moved\r\nContent-Length: 0\r\n\r\n"
	const file = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n"
	const folder = "HTTP/1.1 301 There\r\nLocation: /b/\r\nContent-Length: 0\r\n\r\n"
	for name, c := range map[string]struct {
		answers []string
		want    string // Overwrite of each MOVE
		kind    protocols.Kind
	}{
		"free":     {[]string{made}, "F", 0},
		"a file":   {[]string{there, file, made}, "FT", 0},
		"a folder": {[]string{there, folder, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", made}, "F", protocols.KindRefused},
	} {
		r := startRaw(t, c.answers...)
		wantKind(t, labtest.Open(t, New, r.url, nil).Move(t.Context(), "a", "b"), c.kind)
		got := ""
		for _, head := range r.requests() {
			if _, rest, ok := strings.Cut(head, "\r\nOverwrite: "); ok {
				got += rest[:1]
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestPathAsIs: dot segments are resolved unless the user wants them sent.
func TestPathAsIs(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	for _, asIs := range []bool{false, true} {
		r := startRaw(t, ok, ok)
		c := labtest.Open(t, New, r.url, nil)
		c.Settings.PathAsIs = asIs
		labtest.Read(t, c, "a/../b/./c")
		labtest.Read(t, c, r.url+"a/../b/./c?q")
		for i, head := range r.requests() {
			if want := map[bool]string{false: "GET /b/c", true: "GET /a/../b/./c"}[asIs]; !strings.HasPrefix(head, want) {
				t.Errorf("%v, request %d: %q", asIs, i, head)
			}
		}
	}
}
