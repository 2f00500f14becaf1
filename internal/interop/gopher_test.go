package interop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/gopher"
	"github.com/netclients/netclients/protocols/transfer"
)

// openGopher opens Gophernicus, plain or behind TLS.
func openGopher(t *testing.T, service, scheme string) *gopher.Client {
	t.Helper()
	addrs := Require(t, "GOPHER", service)
	o := &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: Pool(t)}}}
	c, err := gopher.New(&url.URL{Scheme: scheme, Host: addrs[service], Path: "/"}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func eachGopher(t *testing.T, f func(t *testing.T, c *gopher.Client)) {
	t.Run("plain", func(t *testing.T) { f(t, openGopher(t, "GOPHER", "gopher")) })
	t.Run("TLS", func(t *testing.T) { f(t, openGopher(t, "GOPHERS", "gophers")) })
}

func TestGopherMenus(t *testing.T) {
	eachGopher(t, func(t *testing.T, c *gopher.Client) {
		types := map[string]protocols.Type{}
		for e, err := range c.List(t.Context(), "1/gopher") {
			if err != nil {
				t.Fatal(err)
			}
			types[e.Name] = e.Type
		}
		for name, want := range map[string]protocols.Type{
			"netclients test server": protocols.TypeInfo, "hello": protocols.TypeFile, "tree": protocols.TypeMenu,
			"find": protocols.TypeSearch, "link": protocols.TypeLink, "telnet": protocols.TypeOther,
		} {
			if types[name] != want {
				t.Errorf("%s: %q, want %q", name, types[name], want)
			}
		}
		for _, err := range c.List(t.Context(), "1/nothere") {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a menu that is not there: %v", err)
			}
		}
	})
}

func TestGopherFiles(t *testing.T) {
	eachGopher(t, func(t *testing.T, c *gopher.Client) {
		for _, name := range []string{"0/hello.txt", "9/blob.bin", "9/empty.bin", "0/text.txt"} {
			o, err := c.Get(t.Context(), name, nil)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got, err := io.ReadAll(o.Body)
			o.Body.Close()
			want, _ := os.ReadFile(filepath.Join(Root(t), name[1:]))
			if name[0] == '0' { // the server makes line ends those of the network
				got = bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n"))
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, want %d: %v", name, len(got), len(want), err)
			}
		}
		if _, err := c.Get(t.Context(), "0/nothere", nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("not there: %v", err)
		}
		if _, err := c.Attributes(t.Context(), "0/hello.txt"); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Gopher+ of a server that has none: %v", err)
		}
	})
}

func TestGopherProbe(t *testing.T) {
	eachGopher(t, func(t *testing.T, c *gopher.Client) {
		r, err := c.Probe(t.Context())
		if err != nil || !r.Up || !slices.ContainsFunc(r.Capabilities, func(c protocols.Capability) bool { return c.Name == "ServerSoftware" }) {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestGopherMirror(t *testing.T) {
	addrs := Require(t, "GOPHER")
	dir := t.TempDir()
	src := transfer.Endpoint{Name: "1/tree", URL: "gopher://" + addrs["GOPHER"] + "/1/tree", Protocol: "gopher", Open: func() (protocols.Client, error) {
		return gopher.New(&url.URL{Scheme: "gopher", Host: addrs["GOPHER"], Path: "/1/tree"}, nil)
	}}
	dst := transfer.Endpoint{URL: "file://" + dir, Open: func() (protocols.Client, error) { return file.New(dir, nil), nil }}
	sum, err := transfer.Sync(t.Context(), src, dst, nil, nil)
	if err != nil || sum.Failed > 0 {
		t.Fatal(sum, err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "d1", "e1", "file1.txt"))
	if err != nil || string(bytes.TrimSpace(got)) != "file 1" {
		t.Errorf("%q, %v", got, err)
	}
}
