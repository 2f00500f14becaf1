//go:build linux

package interop

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// startWeb starts the embedded HTTP server for another client.
func startWeb(t *testing.T, o weblab.HTTPOptions) *weblab.HTTPServer {
	t.Helper()
	s, err := weblab.StartHTTP(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// runCurl runs curl and returns its standard output.
func runCurl(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), requireProgram(t, "curl"), append([]string{"-q", "-sS", "--noproxy", "*", "--max-time", "20"}, args...)...)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		t.Fatalf("curl %q: %v %s", args, err, words.String())
	}
	return out.String()
}

// TestLabHTTPByCurl: curl can use the embedded server: TLS, HTTP/2, Digest,
// ranges, codings, redirects, uploads with 100-continue, WebDAV.
func TestLabHTTPByCurl(t *testing.T) {
	s := startWeb(t, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, Token: "t0ken"})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, s.Authority().CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	upload := filepath.Join(t.TempDir(), "up")
	if err := os.WriteFile(upload, content(3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	readme, err := s.Tree().ReadFile("/README.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"--http1.1", "--http2"} {
		curl := func(args ...string) string { return runCurl(t, append([]string{version, "--cacert", ca}, args...)...) }
		for want, args := range map[string][]string{
			string(readme):            {s.URL() + "README.txt"},
			string(readme[5:10]):      {"-r", "5-9", s.URL() + "README.txt"},
			weblab.Coded:              {"--compressed", s.URL() + "-/coded/gzip"},
			"welcome, alice\n":        {"--digest", "-u", "alice:secret", s.URL() + "-/auth/digest"},
			"201":                     {"-o", "/dev/null", "-w", "%{http_code}", "-u", "alice:secret", "-T", upload, s.URL() + "incoming/up" + version},
			"207":                     {"-o", "/dev/null", "-w", "%{http_code}", "-X", "PROPFIND", "-H", "Depth: 1", s.URL()},
			"401":                     {"-o", "/dev/null", "-w", "%{http_code}", "-u", "alice:wrong", s.URL() + "-/auth/basic"},
			"3 " + s.URL() + "README": {"-L", "-o", "/dev/null", "-w", "%{num_redirects} %{url_effective}", s.URL() + "-/redirect/3"},
		} {
			if got := curl(args...); got != want && !(strings.HasPrefix(want, "3 ") && strings.HasPrefix(got, want)) {
				t.Errorf("curl %s %q: %.80q, want %.80q", version, args, got, want)
			}
		}
		if got, err := s.Tree().ReadFile("/incoming/up" + version); err != nil || !bytes.Equal(got, content(3<<20)) {
			t.Errorf("%s: uploaded %d bytes, %v", version, len(got), err)
		}
	}
}

// TestCookieJarWithCurl: each program reads the other's file.
func TestCookieJarWithCurl(t *testing.T) {
	s := startWeb(t, weblab.HTTPOptions{})
	file := filepath.Join(t.TempDir(), "jar")
	query := "-/cookies?" + url.Values{"sid": {"42; Path=/; Max-Age=3600; HttpOnly"}, "lang": {"de; Path=/; Max-Age=3600"}}.Encode()
	runCurl(t, "-c", file, s.URL()+query)

	jar := http.NewJar()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := jar.Load(f, time.Now()); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range jar.Cookies() {
		names = append(names, fmt.Sprint(c.Name, "=", c.Value, " ", c.HTTPOnly))
	}
	if !slices.Equal(names, []string{"lang=de false", "sid=42 true"}) {
		t.Errorf("from curl's jar: %q", names)
	}

	var ours bytes.Buffer
	if err := jar.Save(&ours, true, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, ours.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := runCurl(t, "-b", file, s.URL()+"-/cookies"); !strings.Contains(got, "sid=42") || !strings.Contains(got, "lang=de") {
		t.Errorf("curl sent %q from our jar", got)
	}
}

// TestHTTPBulk: many objects from nginx over one connection, including a missing
// one and a redirected one; and from a server that only supports HTTP/1.0.
func TestHTTPBulk(t *testing.T) {
	for _, service := range []string{"HTTP", "HTTP_PY"} {
		addr := Require(t, service)[service]
		c, err := http.New(&url.URL{Scheme: "http", Host: addr, Path: "/"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		names := slices.Repeat([]string{"hello.txt", "text.txt", "gone", "blob.bin", "tree"}, 20)
		sizes := map[string]int64{"hello.txt": 13, "text.txt": 18, "blob.bin": 1 << 20}
		var got []string
		err = c.BulkGet(t.Context(), slices.Values(names), func(name string, o *protocols.Object, err error) error {
			got = append(got, name)
			if want, ok := sizes[name]; ok && err == nil {
				if n, err := io.Copy(io.Discard, o.Body); n != want || err != nil {
					t.Errorf("%s %s: %d bytes, %v", service, name, n, err)
				}
			} else if ok == (err != nil) && name != "tree" {
				t.Errorf("%s %s: %v", service, name, err)
			}
			return nil
		})
		if err != nil || !slices.Equal(got, names) {
			t.Errorf("%s: %d of %d, %v", service, len(got), len(names), err)
		}
	}
}

// TestCookieJarWithPython: Python's LWPCookieJar reads our file, and we read its
// file.
func TestCookieJarWithPython(t *testing.T) {
	python := requireProgram(t, "python3")
	file := filepath.Join(t.TempDir(), "jar")
	now := time.Now()
	ours := http.NewJar()
	ours.Set(&http.Cookie{Name: "sid", Value: "4 2", Domain: "host.example", HostOnly: true, Path: "/", HTTPOnly: true, Created: now}, now)
	ours.Set(&http.Cookie{Name: "lang", Value: "de", Domain: "a.example", Path: "/p", Secure: true, Expires: now.Add(time.Hour), Created: now}, now)
	var b bytes.Buffer
	if err := ours.SaveLWP(&b, true, now); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	const program = `import sys, http.cookiejar
j = http.cookiejar.LWPCookieJar(sys.argv[1]); j.load(ignore_discard=True)
print(sorted((c.name, c.value, c.domain, c.path, c.secure, c.domain_initial_dot) for c in j)); j.save(ignore_discard=True)`
	out, err := exec.CommandContext(t.Context(), python, "-c", program, file).CombinedOutput()
	const want = "[('lang', 'de', '.a.example', '/p', True, True), ('sid', '4 2', 'host.example', '/', False, False)]\n"
	if err != nil || string(out) != want {
		t.Fatalf("python: %v %s", err, out)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	again := http.NewJar()
	if err := again.Load(f, now); err != nil || len(again.Cookies()) != 2 || again.Cookies()[1].Value != "4 2" {
		t.Errorf("from python's jar: %v, %+v", err, again.Cookies())
	}
}
