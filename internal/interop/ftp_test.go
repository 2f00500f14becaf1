//go:build linux

package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
)

// ftpWay is one way to reach a server with FTP.
type ftpWay struct {
	name, service, scheme string
	user                  string
	mode                  protocols.TLSMode
	maxTLS                uint16
	set                   ftp.Settings
}

var ftpWays = []ftpWay{
	{name: "vsftpd", service: "FTP", scheme: "ftp", user: Alice, mode: protocols.TLSOff},
	{name: "vsftpd PASV", service: "FTP", scheme: "ftp", user: Alice, mode: protocols.TLSOff, set: ftp.Settings{NoEPSV: true}},
	{name: "vsftpd active", service: "FTP", scheme: "ftp", user: Alice, mode: protocols.TLSOff, set: ftp.Settings{Active: true}},
	{name: "vsftpd explicit TLS 1.3", service: "FTP", scheme: "ftpes", user: Alice},
	{name: "vsftpd explicit TLS 1.2", service: "FTP", scheme: "ftp", user: Alice, maxTLS: tls.VersionTLS12},
	{name: "vsftpd explicit TLS active", service: "FTP", scheme: "ftpes", user: Alice, set: ftp.Settings{Active: true}},
	{name: "vsftpd implicit TLS", service: "FTPS", scheme: "ftps", user: Alice},
	{name: "vsftpd IPv6", service: "FTP6", scheme: "ftp", user: Alice, mode: protocols.TLSOff},
	{name: "vsftpd IPv6 active", service: "FTP6", scheme: "ftp", user: Alice, mode: protocols.TLSOff, set: ftp.Settings{Active: true}},
	{name: "ProFTPD", service: "FTP_PRO", scheme: "ftp", user: Alice, mode: protocols.TLSOff},
	{name: "ProFTPD active", service: "FTP_PRO", scheme: "ftp", user: Alice, mode: protocols.TLSOff, set: ftp.Settings{Active: true}},
	{name: "ProFTPD LIST", service: "FTP_PRO", scheme: "ftp", user: Alice, mode: protocols.TLSOff, set: ftp.Settings{NoMLSD: true}},
	{name: "ProFTPD TLS", service: "FTP_PRO", scheme: "ftpes", user: Alice},
	{name: "Pure-FTPd", service: "FTP_PURE", scheme: "ftp", user: Alice, mode: protocols.TLSOff},
	{name: "Pure-FTPd active", service: "FTP_PURE", scheme: "ftp", user: Alice, mode: protocols.TLSOff, set: ftp.Settings{Active: true}},
	{name: "Pure-FTPd TLS", service: "FTP_PURE", scheme: "ftpes", user: Alice},
	{name: "ProFTPD TLS unencrypted data", service: "FTP_PRO", scheme: "ftpes", user: Alice, set: ftp.Settings{ClearData: true}},
}

func (w ftpWay) open(t *testing.T, o *protocols.Options) *ftp.Client {
	t.Helper()
	addrs := Require(t, w.service)
	if o == nil {
		o = &protocols.Options{}
	}
	o.TLS = protocols.TLS{Mode: w.mode, Config: &tls.Config{RootCAs: Pool(t), MaxVersion: w.maxTLS}}
	u := &url.URL{Scheme: w.scheme, Host: addrs[w.service], Path: "/", User: url.UserPassword(w.user, Password)}
	c, err := ftp.New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	c.Settings = w.set
	t.Cleanup(func() { c.Close() })
	return c
}

func content(n int) []byte {
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}

func get(t *testing.T, c protocols.Client, name string, o *protocols.GetOptions) []byte {
	t.Helper()
	obj, err := protocols.Get(t.Context(), c, name, o)
	if err != nil {
		t.Fatalf("get %s: %v", name, err)
	}
	b, err := io.ReadAll(obj.Body)
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	if err := obj.Body.Close(); err != nil {
		t.Fatalf("close %s: %v", name, err)
	}
	return b
}

// TestFTP uploads, reads, changes and deletes one file, on every server and in
// every way.
func TestFTP(t *testing.T) {
	for _, w := range ftpWays {
		t.Run(w.name, func(t *testing.T) {
			c := w.open(t, nil)
			dir, local := Upload(t)
			ftpLife(t, c, dir, local)
		})
	}
}

func ftpLife(t *testing.T, c *ftp.Client, dir, local string) {
	ctx := t.Context()
	data := content(3<<20 + 17)
	name := dir + "/a file, ümlaut.bin"
	when := time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC)
	e, err := c.Put(ctx, name, bytes.NewReader(data), &protocols.PutOptions{Modified: when, Mode: 0o640, HasMode: true})
	if err != nil {
		t.Fatal(err)
	}
	if e.Size != int64(len(data)) {
		t.Errorf("put reported %d bytes, want %d", e.Size, len(data))
	}
	onDisk := filepath.Join(local, "a file, ümlaut.bin")
	info, err := os.Stat(onDisk)
	if err != nil {
		t.Fatal(err)
	}
	if !info.ModTime().Equal(when) || info.Mode().Perm() != 0o640 {
		t.Errorf("on disk: time %v, mode %v; want %v, 0640", info.ModTime().UTC(), info.Mode(), when)
	}
	if got := get(t, c, name, nil); !bytes.Equal(got, data) {
		t.Errorf("get: %d bytes, which differ from the uploaded file", len(got))
	}
	if got := get(t, c, name, &protocols.GetOptions{Offset: 1 << 20}); !bytes.Equal(got, data[1<<20:]) {
		t.Errorf("get from an offset: %d wrong bytes", len(got))
	}
	if got := get(t, c, name, &protocols.GetOptions{Offset: 100, Length: 5000}); !bytes.Equal(got, data[100:5100]) {
		t.Errorf("get of a part: %d wrong bytes", len(got))
	}
	st, err := c.Stat(ctx, name)
	if err != nil || st.Size != int64(len(data)) || st.Type != protocols.TypeFile {
		t.Errorf("stat: %+v, %v", st, err)
	}
	ftpChanges(t, c, dir, local, name)
}

func ftpChanges(t *testing.T, c *ftp.Client, dir, local, name string) {
	ctx := t.Context()
	steps := []struct {
		op  string
		err error
	}{
		{"mkdir", c.Make(ctx, dir+"/sub")},
		{"mv", c.Move(ctx, name, dir+"/sub/b")},
		{"chmod", c.Chmod(ctx, dir+"/sub/b", "600")},
	}
	for _, s := range steps {
		if s.err != nil {
			t.Fatalf("%s: %v", s.op, s.err)
		}
	}
	var names []string
	for e, err := range c.List(ctx, dir+"/sub") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprint(e.Name, " ", e.Type, " ", e.Size, " ", protocols.OctalMode(e.Mode)))
	}
	if want := []string{"b file 3145745 0600"}; !slices.Equal(names, want) {
		t.Errorf("list: %q, want %q", names, want)
	}
	if _, err := c.Put(ctx, dir+"/sub/b", strings.NewReader("tail"), &protocols.PutOptions{Append: true}); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Size(ctx, dir+"/sub/b"); err != nil || n != 3145749 {
		t.Errorf("size after append: %d, %v", n, err)
	}
	if err := c.Remove(ctx, dir+"/sub/b"); err != nil {
		t.Fatal(err)
	}
	if err := c.Remove(ctx, dir+"/sub/b"); !errors.Is(err, fs.ErrNotExist) || protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("removing a removed file: %v", err)
	}
	if err := c.Unmake(ctx, dir+"/sub"); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(local); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFTPResume resumes an upload of which the server already has the first part.
func TestFTPResume(t *testing.T) {
	for _, w := range []ftpWay{ftpWays[0], ftpWays[3], ftpWays[9]} {
		t.Run(w.name, func(t *testing.T) {
			c := w.open(t, nil)
			dir, local := Upload(t)
			data := content(1 << 20)
			part := filepath.Join(local, "r.bin"+protocols.PartSuffix)
			if err := os.WriteFile(part, data[:300_000], 0o666); err != nil {
				t.Fatal(err)
			}
			os.Chmod(part, 0o666)
			if _, err := c.Put(t.Context(), dir+"/r.bin", bytes.NewReader(data[300_000:]), &protocols.PutOptions{Offset: 300_000}); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(local, "r.bin")); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v; want the %d uploaded bytes", len(got), err, len(data))
			}
		})
	}
}

// TestFTPAbort stops downloads and listings early: the session remains usable.
func TestFTPAbort(t *testing.T) {
	for _, w := range []ftpWay{ftpWays[0], ftpWays[3], ftpWays[9], ftpWays[12]} {
		t.Run(w.name, func(t *testing.T) {
			c := w.open(t, nil)
			for range 3 {
				obj, err := c.Get(t.Context(), "blob.bin", nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(obj.Body, make([]byte, 10)); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Size(t.Context(), "hello.txt"); !errors.Is(err, protocols.ErrBusy) {
					t.Errorf("second operation: %v, want ErrBusy", err)
				}
				obj.Body.Close()
				for range c.List(t.Context(), "") {
					break
				}
				if n, err := c.Size(t.Context(), "hello.txt"); err != nil || n != 13 {
					t.Fatalf("after stopping: %d, %v", n, err)
				}
			}
		})
	}
}

// TestFTPCancel cancels operations by their context: they end at once, and the
// client reconnects for the next verb.
func TestFTPCancel(t *testing.T) {
	c := ftpWays[0].open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	obj, err := c.Get(ctx, "blob.bin", nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{obj.Body}); !errors.Is(err, context.Canceled) {
		t.Errorf("reading after the cancel: %v", err)
	}
	obj.Body.Close()
	if n, err := c.Size(t.Context(), "hello.txt"); err != nil || n != 13 {
		t.Errorf("after a cancel: %d, %v", n, err)
	}
}

// TestFTPBulk reads many files over one session.
func TestFTPBulk(t *testing.T) {
	for _, w := range []ftpWay{ftpWays[0], ftpWays[3], ftpWays[9], ftpWays[12]} {
		t.Run(w.name, func(t *testing.T) {
			c := w.open(t, nil)
			dir, local := Upload(t)
			var names []string
			for i := range 40 {
				name := fmt.Sprintf("f%02d", i)
				if err := os.WriteFile(filepath.Join(local, name), content(i*1000), 0o644); err != nil {
					t.Fatal(err)
				}
				names = append(names, dir+"/"+name)
				if i == 20 {
					names = append(names, dir+"/missing")
				}
			}
			good, bad := 0, 0
			err := c.BulkGet(t.Context(), slices.Values(names), func(name string, o *protocols.Object, err error) error {
				if err != nil {
					bad++
					if !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s: %v", name, err)
					}
					return nil
				}
				b, err := io.ReadAll(o.Body)
				if err != nil {
					return err
				}
				want, err := os.ReadFile(filepath.Join(local, o.Name))
				if err != nil || !bytes.Equal(b, want) || o.Modified.IsZero() {
					t.Errorf("%s: %d bytes, want %d; time %v", name, len(b), len(want), o.Modified)
				}
				good++
				return nil
			})
			if err != nil || good != 40 || bad != 1 {
				t.Errorf("%d good, %d bad, %v", good, bad, err)
			}
		})
	}
}

// TestFTPProxies connects through a SOCKS5 and an HTTP CONNECT proxy, including
// data connections.
func TestFTPProxies(t *testing.T) {
	for _, p := range []struct{ name, service, scheme string }{{"SOCKS5", "SOCKS5", "socks5"}, {"SOCKS5h", "SOCKS5", "socks5h"}, {"CONNECT", "PROXY", "http"}} {
		t.Run(p.name, func(t *testing.T) {
			addrs := Require(t, p.service)
			proxy := &url.URL{Scheme: p.scheme, Host: addrs[p.service]}
			o := &protocols.Options{Proxy: func(*url.URL) (*url.URL, error) { return proxy, nil }}
			c := ftpWays[3].open(t, o) // with TLS: the client cannot tell whether a proxy's peer is loopback
			if got := sha256.Sum256(get(t, c, "blob.bin", nil)); got != sha256.Sum256(read(t, filepath.Join(Root(t), "blob.bin"))) {
				t.Error("content differs")
			}
			n := 0
			for _, err := range c.List(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n == 0 {
				t.Error("empty listing")
			}
		})
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFTPSecretInClear: through a proxy, the peer does not count as loopback.
func TestFTPSecretInClear(t *testing.T) {
	addrs := Require(t, "SOCKS5")
	proxy := &url.URL{Scheme: "socks5", Host: addrs["SOCKS5"]}
	c := ftpWays[0].open(t, &protocols.Options{Proxy: func(*url.URL) (*url.URL, error) { return proxy, nil }})
	if _, err := c.Size(t.Context(), "hello.txt"); !errors.Is(err, protocols.ErrCleartext) || protocols.KindOf(err) != protocols.KindAuth {
		t.Errorf("%v, want ErrCleartext of kind auth", err)
	}
}

// TestFTPRelay copies from server to server.
func TestFTPRelay(t *testing.T) {
	src, dst := ftpWays[0].open(t, nil), ftpWays[9].open(t, nil)
	dir, local := Upload(t)
	err := src.Relay(t.Context(), "blob.bin", dst, dir+"/copy")
	if err != nil {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Fatal(err)
		}
		t.Logf("these servers do not support it: %v", err)
		return
	}
	if !bytes.Equal(read(t, filepath.Join(local, "copy")), read(t, filepath.Join(Root(t), "blob.bin"))) {
		t.Error("content differs")
	}
}

// TestFTPErrors: kinds, classes and codes of refusals.
func TestFTPErrors(t *testing.T) {
	for _, w := range []ftpWay{ftpWays[0], ftpWays[9]} {
		t.Run(w.name, func(t *testing.T) {
			c := w.open(t, nil)
			_, err := c.Get(t.Context(), "missing", nil)
			if e, ok := errors.AsType[*protocols.Error](err); !ok || e.Code != 550 || e.Kind != protocols.KindRefused || e.Op != "get" || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("get: %v", err)
			}
			for _, err := range c.List(t.Context(), "missing") {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("list: %v", err)
				}
			}
			if _, err := c.Stat(t.Context(), "missing"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("stat: %v", err)
			}
			if _, err := c.Get(t.Context(), "a\r\nDELE b", nil); protocols.KindOf(err) != protocols.KindUsage {
				t.Errorf("line break in a name: %v", err)
			}
			w.user = "nobody-of-that-name"
			if _, err := w.open(t, nil).Size(t.Context(), "x"); protocols.KindOf(err) != protocols.KindAuth {
				t.Errorf("wrong user: %v", err)
			}
		})
	}
}

// TestFTPProbe reads greeting, features and certificate.
func TestFTPProbe(t *testing.T) {
	for _, w := range []ftpWay{ftpWays[0], ftpWays[3], ftpWays[6], ftpWays[12]} {
		t.Run(w.name, func(t *testing.T) {
			c := w.open(t, &protocols.Options{ProbeLogin: true})
			r, err := c.Probe(t.Context())
			if err != nil || !r.Up || r.Login == 0 || len(r.Capabilities) < 3 {
				t.Errorf("%+v, %v", r, err)
			}
			if secure := w.mode != protocols.TLSOff; secure != (r.TLSVersion != "" && r.CertNotAfter.After(time.Now())) {
				t.Errorf("TLS: %q, until %v", r.TLSVersion, r.CertNotAfter)
			}
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c, err := ftp.New(&url.URL{Scheme: "ftp", Host: addr}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := c.Probe(t.Context()); protocols.KindOf(err) != protocols.KindConnect || r.Up || r.Phase != "connect" {
		t.Errorf("closed port: %+v, %v", r, err)
	}
}
