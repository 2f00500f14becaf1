//go:build linux

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

// openGopher opens Gophernicus, with or without TLS.
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
				t.Errorf("a missing menu: %v", err)
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
			if name[0] == '0' { // the server converts line ends to CRLF
				got = bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n"))
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, want %d: %v", name, len(got), len(want), err)
			}
		}
		if _, err := c.Get(t.Context(), "0/nothere", nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("missing item: %v", err)
		}
		if _, err := c.Attributes(t.Context(), "0/hello.txt"); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Gopher+ on a server without it: %v", err)
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

// openGopherPlus opens pygopherd, which speaks Gopher+.
func openGopherPlus(t *testing.T) *gopher.Client {
	t.Helper()
	c, err := gopher.New(&url.URL{Scheme: "gopher", Host: Require(t, "GOPHER_PLUS")["GOPHER_PLUS"], Path: "/"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestGopherPlus(t *testing.T) {
	c := openGopherPlus(t)
	want, err := os.ReadFile(filepath.Join(Root(t), "hello.txt"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(Root(t), "hello.txt"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Stat(t.Context(), "0/hello.txt")
	if err != nil || !e.Modified.Equal(info.ModTime()) {
		t.Errorf("%+v, %v; want the time %v", e, err, info.ModTime())
	}
	all, err := c.Attributes(t.Context(), "0/hello.txt")
	if v := gopher.Views(all); err != nil || len(v) != 1 || v[0].Type != "text/plain" {
		t.Errorf("%+v, %v", v, err)
	}
	for _, view := range []string{"", "text/plain"} {
		c.Settings.View = view
		o, err := c.Get(t.Context(), "0/hello.txt", nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(o.Body)
		o.Body.Close()
		if err != nil || !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), want) {
			t.Errorf("view %q: %q, %v", view, got, err)
		}
	}
	if _, err := c.Attributes(t.Context(), "0/nothere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing item: %v", err)
	}
	if r, err := c.Probe(t.Context()); err != nil || !slices.ContainsFunc(r.Capabilities, func(c protocols.Capability) bool { return c.Name == "gopher+" }) {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestGopherPlusMirror: the second run fetches only the menus.
func TestGopherPlusMirror(t *testing.T) {
	addr := Require(t, "GOPHER_PLUS")["GOPHER_PLUS"]
	src := transfer.Endpoint{Name: "1/tree", URL: "gopher://" + addr + "/1/tree", Protocol: "gopher", Open: func() (protocols.Client, error) {
		return gopher.New(&url.URL{Scheme: "gopher", Host: addr, Path: "/1/tree"}, nil)
	}}
	dir := t.TempDir()
	dst := transfer.Endpoint{URL: "file://" + dir, Open: func() (protocols.Client, error) { return file.New(dir, nil), nil }}
	first, err := transfer.Sync(t.Context(), src, dst, nil, func(r transfer.Result) {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Name, r.Err)
		}
	})
	if err != nil || first.Failed > 0 || first.Done < 10 {
		t.Fatal(first, err)
	}
	second, err := transfer.Sync(t.Context(), src, dst, nil, func(r transfer.Result) {
		if r.Status == transfer.StatusDone && filepath.Base(r.Name) != "gophermap" {
			t.Errorf("again: %s", r.Name)
		}
	})
	if err != nil || second.Failed > 0 || second.Skipped == 0 {
		t.Error(second, err)
	}
}
