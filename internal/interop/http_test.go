//go:build linux

package interop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/http/h3"
	"github.com/netclients/netclients/protocols/transfer"
)

// httpWays are the ways to reach nginx.
var httpWays = []struct {
	name, service, scheme, proxy string
	version                      http.Version
	maxTLS                       uint16
}{
	{name: "nginx", service: "HTTP", scheme: "http"},
	{name: "nginx TLS 1.3", service: "HTTPS", scheme: "https"},
	{name: "nginx TLS 1.2", service: "HTTPS", scheme: "https", maxTLS: tls.VersionTLS12},
	{name: "nginx HTTP/2", service: "HTTPS", scheme: "https", version: http.HTTP2},
	{name: "nginx by tinyproxy", service: "HTTP", scheme: "http", proxy: "PROXY"},
	{name: "nginx TLS by tinyproxy", service: "HTTPS", scheme: "https", proxy: "PROXY"},
	{name: "nginx by SOCKS5", service: "HTTP", scheme: "http", proxy: "SOCKS5"},
}

// openHTTP makes a client of a service, with a login.
func openHTTP(t *testing.T, scheme, service string, o *protocols.Options) *http.Client {
	t.Helper()
	addrs := Require(t, service)
	if o == nil {
		o = &protocols.Options{}
	}
	if o.TLS.Config == nil {
		o.TLS.Config = &tls.Config{RootCAs: Pool(t)}
	}
	u := &url.URL{Scheme: scheme, Host: addrs[service], Path: "/", User: url.UserPassword(Alice, Password)}
	c, err := http.New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestHTTP reads from and writes to nginx in every way.
func TestHTTP(t *testing.T) {
	for _, w := range httpWays {
		t.Run(w.name, func(t *testing.T) {
			o := &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: Pool(t), MaxVersion: w.maxTLS}}, AllowPlaintextAuth: w.proxy != ""}
			if w.proxy != "" {
				via, err := transport.ParseProxy(map[string]string{"PROXY": "http://", "SOCKS5": "socks5://"}[w.proxy] + Require(t, w.proxy)[w.proxy])
				if err != nil {
					t.Fatal(err)
				}
				o.Proxy = func(*url.URL) (*url.URL, error) { return via, nil }
			}
			c := openHTTP(t, w.scheme, w.service, o)
			c.Settings.Version, c.Settings.HTTP3 = w.version, h3.Start
			httpLife(t, c)
		})
	}
}

func httpLife(t *testing.T, c *http.Client) {
	ctx := t.Context()
	if got := get(t, c, "hello.txt", nil); string(got) != "hello, world\n" {
		t.Errorf("hello.txt: %q", got)
	}
	blob, err := os.ReadFile(filepath.Join(Root(t), "blob.bin"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Stat(ctx, "blob.bin")
	if err != nil || e.Size != int64(len(blob)) || e.ID == "" || e.Modified.IsZero() {
		t.Errorf("stat: %v, %+v", err, e)
	}
	part := get(t, c, "blob.bin", &protocols.GetOptions{Offset: 5000, Length: 70_000, Same: &e})
	if !bytes.Equal(part, blob[5000:75_000]) {
		t.Errorf("part: %d bytes", len(part))
	}
	if rest := get(t, c, "blob.bin", &protocols.GetOptions{Offset: e.Size, Same: &e}); len(rest) != 0 {
		t.Errorf("after the end: %d bytes", len(rest))
	}
	old := e
	old.ID = `"another"`
	if _, err := c.Get(ctx, "blob.bin", &protocols.GetOptions{Offset: 5000, Same: &old}); !errors.Is(err, protocols.ErrChanged) {
		t.Errorf("a part of a changed object: %v", err)
	}
	if _, err := c.Get(ctx, "no/such", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if got := get(t, c, "auth/hello.txt", nil); string(got) != "hello, world\n" {
		t.Errorf("with login: %q", got)
	}
	httpDAV(t, c)
}

// httpDAV writes with WebDAV.
func httpDAV(t *testing.T, c *http.Client) {
	ctx := t.Context()
	dir, local := Upload(t)
	dir = "dav/" + filepath.Base(dir)
	data := content(2<<20 + 3)
	if _, err := c.Put(ctx, dir+"/a file, ü.bin", bytes.NewReader(data), nil); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(local, "a file, ü.bin")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes on disk, %v", len(got), err)
	}
	if _, err := c.Put(ctx, dir+"/stream", struct{ *strings.Reader }{strings.NewReader("chunks")}, &protocols.PutOptions{Size: -1}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(c.Make(ctx, dir+"/sub"), c.Move(ctx, dir+"/stream", dir+"/sub/moved")); err != nil {
		t.Error(err)
	}
	var names []string
	for e, err := range c.List(ctx, dir+"/") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"a file, ü.bin", "sub"}) {
		t.Errorf("list: %q", names)
	}
	if got := get(t, c, dir+"/sub/moved", nil); string(got) != "chunks" {
		t.Errorf("moved: %q", got)
	}
	if err := errors.Join(c.Remove(ctx, dir+"/sub/moved"), c.Unmake(ctx, dir+"/sub"), c.Remove(ctx, dir+"/a file, ü.bin")); err != nil {
		t.Error(err)
	}
}

// TestHTTPPlaces: nginx's own features: redirects, codings, cookies, refusals.
func TestHTTPPlaces(t *testing.T) {
	c := openHTTP(t, "http", "HTTP", nil)
	c.Settings.Compressed, c.Settings.Jar = true, http.NewJar()
	for name, want := range map[string]string{
		"redirect": "hello, world\n", "gz/text.txt": "line one\nline two\n", "gz/hello.txt": "hello, world\n",
	} {
		if got := get(t, c, name, nil); string(got) != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	get(t, c, "cookie", nil)
	if got := get(t, c, "cookie", nil); string(got) != "cookie=sid=42\n" {
		t.Errorf("cookie: %q", got)
	}
	for name, kind := range map[string]protocols.Kind{"loop": protocols.KindProtocol, "bare/": protocols.KindRefused, "busy": protocols.KindTemporary} {
		if _, err := c.Get(t.Context(), name, nil); protocols.KindOf(err) != kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := get(t, c, "norange/hello.txt", &protocols.GetOptions{Length: 5}); string(got) != "hello" {
		t.Errorf("the start, from a server without ranges: %q", got)
	}
	if _, err := c.Get(t.Context(), "norange/hello.txt", &protocols.GetOptions{Offset: 5}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("an offset, from a server without ranges: %v", err)
	}
}

// TestHTTPClientCertificate: the certificate is the login; without one the
// request is refused.
func TestHTTPClientCertificate(t *testing.T) {
	Require(t, "HTTPS_MTLS")
	dir := filepath.Dir(CA(t))
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key"))
	if err != nil {
		t.Fatal(err)
	}
	c := openHTTP(t, "https", "HTTPS_MTLS", &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: Pool(t), Certificates: []tls.Certificate{pair}}}})
	if got := get(t, c, "who", nil); string(got) != "CN=alice\n" {
		t.Errorf("who: %q", got)
	}
	if _, err := openHTTP(t, "https", "HTTPS_MTLS", nil).Get(t.Context(), "who", nil); protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("without a certificate: %v", err)
	}
	wrong := openHTTP(t, "https", "HTTPS", &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{}}})
	if _, err := wrong.Get(t.Context(), "hello.txt", nil); protocols.KindOf(err) != protocols.KindTLS {
		t.Errorf("an unknown certificate authority: %v", err)
	}
}

// TestHTTPSync syncs a tree from the index pages of nginx and of Python, twice.
func TestHTTPSync(t *testing.T) {
	for _, service := range []string{"HTTP", "HTTP_PY"} {
		t.Run(service, func(t *testing.T) {
			addr := Require(t, service)[service]
			from := &url.URL{Scheme: "http", Host: addr, Path: "/tree/"}
			to := filepath.Join(t.TempDir(), "tree")
			run := func() transfer.Summary {
				sum, err := transfer.Sync(t.Context(), transfer.Endpoint{
					Open: func() (protocols.Client, error) { return http.New(from, nil) }, Name: "tree/", URL: from.String(), Protocol: "http",
				}, transfer.Endpoint{
					Open: func() (protocols.Client, error) { return file.New(to, nil), nil }, URL: "file://" + to, Protocol: "file",
				}, nil, func(r transfer.Result) {
					if r.Err != nil {
						t.Error(r.Err)
					}
				})
				if err != nil {
					t.Error(err)
				}
				return sum
			}
			if sum := run(); sum.Done != 14 {
				t.Errorf("first run: %+v", sum)
			}
			if err := sameTree(filepath.Join(Root(t), "tree"), to); err != nil {
				t.Error(err)
			}
			if sum := run(); sum.Done != 0 || sum.Failed != 0 {
				t.Errorf("second run: %+v", sum)
			}
		})
	}
}

// sameTree compares all files of one tree with another.
func sameTree(a, b string) error {
	return filepath.WalkDir(a, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(a, path)
		if err != nil {
			return err
		}
		x, xerr := os.ReadFile(path)
		y, yerr := os.ReadFile(filepath.Join(b, name))
		if err := errors.Join(xerr, yerr); err != nil {
			return err
		}
		if !bytes.Equal(x, y) {
			return errors.New(name + " differs")
		}
		return nil
	})
}

// TestHTTPSegments: several connections for one object, or a single one if the
// server does not support ranges.
func TestHTTPSegments(t *testing.T) {
	addr := Require(t, "HTTP")["HTTP"]
	_, local := Upload(t)
	data := content(5<<20 + 1)
	if err := os.WriteFile(filepath.Join(local, "large"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"upload/", "norange/upload/"} {
		u := &url.URL{Scheme: "http", Host: addr, Path: "/" + place + filepath.Base(local) + "/large"}
		to := filepath.Join(t.TempDir(), "large")
		r, err := transfer.Copy(t.Context(), transfer.Endpoint{
			Open: func() (protocols.Client, error) { return http.New(u, nil) }, Name: u.Path[1:], URL: u.String(), Protocol: "http",
		}, transfer.Endpoint{
			Open: func() (protocols.Client, error) { return file.New(to, nil), nil }, URL: "file://" + to, Protocol: "file",
		}, &transfer.Options{Segments: 3})
		if err != nil || r.Bytes != int64(len(data)) {
			t.Errorf("%s: %v, %d bytes", place, err, r.Bytes)
		}
		if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: different content: %d bytes, %v", place, len(got), err)
		}
	}
}
