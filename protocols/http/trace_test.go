package http

import (
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
)

// TestFileGetsAllBytes: what the kernel moves into a file is the content, for a
// head with a part of the body behind it, on plain and on TLS connections.
func TestFileGetsAllBytes(t *testing.T) {
	for _, tls := range []bool{false, true} {
		s := startLab(t, lab.HTTPOptions{TLS: tls})
		o := &protocols.Options{}
		if tls {
			o.TLS.Config = s.Authority().ClientConfig()
		}
		c := openClient(t, s.URL(), o)
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
				t.Errorf("TLS %v: %d bytes, %v, %v", tls, n, err, rerr)
			}
		}
		if n := s.Connections(); n != 1 {
			t.Errorf("TLS %v: %d connections", tls, n)
		}
	}
}

// TestPasswordIsMasked: no trace event holds it, or a token or cookie.
func TestPasswordIsMasked(t *testing.T) {
	s := startLab(t, lab.HTTPOptions{TLS: true})
	for _, v := range []Version{HTTP1, HTTP2} {
		var text string
		o := &protocols.Options{TLS: protocols.TLS{Config: s.Authority().ClientConfig()}, Mechanism: "basic", Trace: func(e protocols.Event) { text += e.Text + "\n" }}
		c := openClient(t, withUser(s.URL()), o)
		c.Settings.Version, c.Settings.Jar = v, NewJar()
		mustFetch(t, c, s.URL()+"-/cookies?sid=s3ss10n")
		mustFetch(t, c, "-/cookies")
		for _, secret := range []string{"YWxpY2U6c2VjcmV0", ":secret", "Cookie: sid"} {
			if len(text) == 0 || strings.Contains(text, secret) {
				t.Errorf("version %d: %q stands in the trace:\n%s", v, secret, text)
			}
		}
	}
}
