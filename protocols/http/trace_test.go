package http

import (
	"crypto/sha256"
	"io"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// TestFileGetsAllBytes: what the kernel moves into a file is the content, for a
// head with a part of the body after it, on plain and on TLS connections.
func TestFileGetsAllBytes(t *testing.T) {
	for _, mode := range []lab.TLSMode{lab.TLSNone, lab.TLSImplicit} {
		s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: mode}})
		o := &protocols.Options{}
		if mode != lab.TLSNone {
			o.TLS.Config = s.Authority().ClientConfig()
		}
		c := labtest.Open(t, New, s.URL(), o)
		want, err := s.Tree().ReadFile("pub/large.bin")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			f, err := os.Create(filepath.Join(t.TempDir(), "f"))
			if err != nil {
				t.Fatal(err)
			}
			obj, err := c.Get(t.Context(), "pub/large.bin", nil)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(f, obj.Body)
			obj.Body.Close()
			f.Close()
			got, rerr := os.ReadFile(f.Name())
			if err != nil || rerr != nil || n != int64(len(want)) || sha256.Sum256(got) != sha256.Sum256(want) {
				t.Errorf("TLS %v: %d bytes, %v, %v", mode, n, err, rerr)
			}
		}
		if n := s.Connections(); n != 1 {
			t.Errorf("TLS %v: %d connections", mode, n)
		}
	}
}

// TestSecretHeadersAreMasked: neither what goes out nor what comes in shows a value
// under a name that suggests a secret; what a server asks for is shown.
func TestSecretHeadersAreMasked(t *testing.T) {
	names := []string{"X-Api-Key", "X-Auth-Token", "Client-Secret", "My-Password", "X-Session-Id", "X-Amz-Security-Token", "Cookie", "Authentication-Info"}
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, Handler: func(w nethttp.ResponseWriter, r *nethttp.Request) bool {
		for _, name := range names {
			w.Header().Set(name, "hush")
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="shown"`)
		return false
	}})
	for _, v := range []Version{HTTP1, HTTP2} {
		var text strings.Builder
		o := &protocols.Options{TLS: protocols.TLS{Config: s.Authority().ClientConfig()}, Trace: func(e protocols.Event) { text.WriteString(e.Text + "\n") }}
		c := labtest.Open(t, New, s.URL(), o)
		c.Settings.Version, c.Settings.Header = v, Header{"X-Plain": {"shown too"}}
		for _, name := range names {
			c.Settings.Header.Set(name, "hush")
		}
		labtest.Read(t, c, "README.txt")
		out := text.String()
		if strings.Contains(out, "hush") || strings.Count(out, ": "+masked) != 2*len(names) {
			t.Errorf("version %d: a secret stands in the trace, or a header is missing:\n%s", v, out)
		}
		if !strings.Contains(out, `realm="shown"`) || !strings.Contains(out, "shown too") {
			t.Errorf("version %d: hidden though no secret:\n%s", v, out)
		}
	}
}

// TestPasswordIsMasked: no trace event holds it, or a token or cookie.
func TestPasswordIsMasked(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}})
	for _, v := range []Version{HTTP1, HTTP2} {
		var text string
		o := &protocols.Options{TLS: protocols.TLS{Config: s.Authority().ClientConfig()}, Mechanism: "basic", Trace: func(e protocols.Event) { text += e.Text + "\n" }}
		c := labtest.Open(t, New, labtest.WithUser(s.URL()), o)
		c.Settings.Version, c.Settings.Jar = v, NewJar()
		labtest.Read(t, c, s.URL()+"-/cookies?sid=s3ss10n")
		labtest.Read(t, c, "-/cookies")
		for _, secret := range []string{"YWxpY2U6c2VjcmV0", ":secret", "Cookie: sid"} {
			if len(text) == 0 || strings.Contains(text, secret) {
				t.Errorf("version %d: %q stands in the trace:\n%s", v, secret, text)
			}
		}
	}
}
