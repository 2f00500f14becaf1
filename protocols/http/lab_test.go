package http

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/socklab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// ways are the versions, each with the server that speaks it.
var ways = []struct {
	name    string
	version Version
	server  weblab.HTTPOptions
	proto   string
}{
	{"HTTP/1.1", Auto, weblab.HTTPOptions{}, "HTTP/1.1"},
	{"HTTP/1.1 TLS", Auto, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}}, "HTTP/1.1"},
	{"HTTP/2", HTTP2, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}}, "HTTP/2.0"},
	{"HTTP/3", HTTP3, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, HTTP3: true}, "HTTP/3.0"},
}

// TestLife takes a file through its whole life in every version.
func TestLife(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := labtest.Start(t, weblab.StartHTTP, w.server)
			o := &protocols.Options{}
			if w.server.TLS != lab.TLSNone {
				o.TLS.Config = s.Authority().ClientConfig()
			}
			c := labtest.Open(t, New, labtest.WithUser(s.URL()), o)
			c.Settings.Version, c.Settings.HTTP3 = w.version, QUIC
			life(t, c, s)
			resp, _ := do(t, c, &Request{URL: labtest.URL(t, s.URL())})
			if resp.Proto != w.proto {
				t.Errorf("spoke %s, want %s", resp.Proto, w.proto)
			}
		})
	}
}

func life(t *testing.T, c *Client, s *weblab.HTTPServer) {
	ctx := t.Context()
	data := make([]byte, 2<<20+7)
	lab.Pattern(5)(data, 0)
	e, err := c.Put(ctx, "incoming/a file, ü.bin", bytes.NewReader(data), nil)
	if err != nil || e.Size != int64(len(data)) {
		t.Fatalf("put: %v, %+v", err, e)
	}
	if got := labtest.Read(t, c, "incoming/a file, ü.bin"); got != string(data) {
		t.Fatal("the content came back another one")
	}
	part, obj, err := fetch(t, c, "incoming/a file, ü.bin", &protocols.GetOptions{Offset: 1000, Length: 5000, Same: &e})
	if err != nil || part != string(data[1000:6000]) || obj.Size != int64(len(data)) {
		t.Errorf("part: %v, %d bytes, size %d", err, len(part), obj.Size)
	}
	if st, err := c.Stat(ctx, "incoming/a file, ü.bin"); err != nil || st.Size != int64(len(data)) || st.ID == "" || st.Modified.IsZero() {
		t.Errorf("stat: %v, %+v", err, st)
	}
	if _, err := c.Put(ctx, "incoming/stream", io.MultiReader(strings.NewReader("from "), strings.NewReader("a stream")), &protocols.PutOptions{Size: -1}); err != nil {
		t.Error(err)
	}
	if got := labtest.Read(t, c, "incoming/stream"); got != "from a stream" {
		t.Errorf("stream: %q", got)
	}
	if err := errors.Join(c.Make(ctx, "incoming/dir"), c.Move(ctx, "incoming/stream", "incoming/dir/moved")); err != nil {
		t.Error(err)
	}
	if err := c.Unmake(ctx, "incoming/dir"); protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("a folder that is not empty: %v", err)
	}
	if err := c.Make(ctx, "incoming/dir"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("make what is there: %v", err)
	}
	if got := names(t, c, "incoming/"); !slices.Equal(got, []string{"a file, ü.bin", "dir"}) {
		t.Errorf("list: %q", got)
	}
	if err := errors.Join(c.Remove(ctx, "incoming/dir/moved"), c.Unmake(ctx, "incoming/dir"), c.Remove(ctx, "incoming/a file, ü.bin")); err != nil {
		t.Error(err)
	}
	if _, err := c.Stat(ctx, "incoming/a file, ü.bin"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of what is gone: %v", err)
	}
	report, err := c.Probe(ctx)
	if err != nil || !report.Up || len(report.Capabilities) < 2 || report.Connect == 0 {
		t.Errorf("probe: %v, %+v", err, report)
	}
	if s.Authority() != nil && (report.TLSVersion != "TLS 1.3" || report.CertNotAfter.IsZero()) {
		t.Errorf("probe: %+v", report)
	}
}

// names lists a folder and checks that each entry's URL opens it.
func names(t *testing.T, c *Client, name string) []string {
	t.Helper()
	var got []string
	for e, err := range c.List(t.Context(), name) {
		if err != nil {
			t.Fatal(err)
		}
		u, err := protocols.ParseURL(e.URL, "")
		if err != nil {
			t.Fatal(err)
		}
		if back, _ := pathOf(u); strings.TrimSuffix(back, "/") != e.Path || strings.HasSuffix(back, "/") != (e.Type == protocols.TypeDir) {
			t.Errorf("URL %s leads to %q, not to %q", e.URL, back, e.Path)
		}
		got = append(got, e.Name)
	}
	slices.Sort(got)
	return got
}

// TestIndexPages: the same entries without WebDAV, in all forms of pages.
func TestIndexPages(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	want := names(t, labtest.Open(t, New, s.URL(), nil), "pub/")
	for _, o := range []weblab.HTTPOptions{{NoDAV: true}, {NoDAV: true, NoSizes: true}} {
		s := labtest.Start(t, weblab.StartHTTP, o)
		c := labtest.Open(t, New, s.URL(), nil)
		if got := names(t, c, "pub"); !slices.Equal(slices.DeleteFunc(got, dangling), slices.DeleteFunc(slices.Clone(want), dangling)) {
			t.Errorf("%+v: %q, want %q", o, got, want)
		}
		for e := range c.List(t.Context(), "pub/") {
			if e.Name == "large.bin" && (e.Size != 3<<20 || e.Modified.IsZero()) {
				t.Errorf("%+v: size and time are not asked for: %+v", o, e)
			}
		}
		if err := drain(c.List(t.Context(), "README.txt")); protocols.KindOf(err) != protocols.KindRefused {
			t.Errorf("a file as a folder: %v", err)
		}
	}
}

func dangling(name string) bool { return name == "dangling" }

func drain(list func(func(protocols.Entry, error) bool)) (last error) {
	list(func(_ protocols.Entry, err error) bool { last = err; return err == nil })
	return last
}

func TestRobotsCloseEntries(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{NoDAV: true, Robots: "User-agent: *\nDisallow: /pub/nested/\nDisallow: /*.bin$\n"})
	c := labtest.Open(t, New, s.URL(), nil)
	closed := func() (out []string) {
		for e, err := range c.List(t.Context(), "pub/") {
			if err != nil {
				t.Fatal(err)
			}
			if e.Type == protocols.TypeOther {
				out = append(out, e.Name)
			}
		}
		return out
	}
	if got := closed(); !slices.Equal(got, []string{"all-bytes.bin", "large.bin", "nested"}) {
		t.Errorf("closed: %q", got)
	}
	c.Settings.NoRobots, c.robots = true, map[string]*robots{}
	if got := closed(); got != nil {
		t.Errorf("closed though nobody asks: %q", got)
	}
}

// TestLogins: each way, with one round trip more at the first request only.
func TestLogins(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{Token: "t0ken"})
	cred := func(_ context.Context, r protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: "alice", Password: "secret", Token: "t0ken"}, nil
	}
	for _, way := range []string{"basic", "digest", "digest-md5", "bearer"} {
		c := labtest.Open(t, New, s.URL(), &protocols.Options{Credentials: cred})
		before := len(s.Commands())
		for range 3 {
			if got := labtest.Read(t, c, "-/auth/"+way); got != "welcome, alice\n" {
				t.Errorf("%s: %q", way, got)
			}
		}
		if n := len(s.Commands()) - before; n != 4 {
			t.Errorf("%s: %d requests, want 4", way, n)
		}
	}
	for _, way := range []string{"basic", "digest", "bearer"} {
		wrong := labtest.Open(t, New, strings.Replace(s.URL(), "://", "://alice:wr0ng@", 1), nil)
		_, _, err := fetch(t, wrong, "-/auth/"+way, nil)
		wantKind(t, err, protocols.KindAuth)
		if strings.Contains(fmt.Sprint(err), "wr0ng") {
			t.Errorf("the password stands in %v", err)
		}
	}
	only := labtest.Open(t, New, s.URL(), &protocols.Options{Credentials: cred, Mechanism: "digest"})
	_, _, err := fetch(t, only, "-/auth/basic", nil)
	wantKind(t, err, protocols.KindAuth)
	eager := labtest.Open(t, New, s.URL(), &protocols.Options{Credentials: cred, Mechanism: "basic"})
	before := len(s.Commands())
	labtest.Read(t, eager, "-/auth/basic")
	if n := len(s.Commands()) - before; n != 1 {
		t.Errorf("--auth basic: %d requests, want 1", n)
	}
}

// TestPutWithLogin: a body that can be read once is sent after the login, since
// the server was asked first.
func TestPutWithLogin(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, labtest.WithUser(s.URL()), nil)
	if _, err := c.Put(t.Context(), "incoming/x", io.MultiReader(strings.NewReader("once")), &protocols.PutOptions{Size: -1}); err != nil {
		t.Fatal(err)
	}
	if got := labtest.Read(t, c, "incoming/x"); got != "once" {
		t.Errorf("%q", got)
	}
}

// TestFaults: what is cut is never whole; the client works again afterwards.
func TestFaults(t *testing.T) {
	for spec, want := range map[string]protocols.Kind{
		"cut=70k*1": protocols.KindConnect, "close=70k*1": protocols.KindProtocol, "truncate=5000*1": protocols.KindProtocol, "garbage:GET*1": protocols.KindProtocol,
		"drop:GET*1": protocols.KindProtocol, "endless:GET*1": protocols.KindProtocol, "multiline:GET*1": protocols.KindProtocol, "code:GET=503 no*1": protocols.KindTemporary, "reset:GET*1": protocols.KindConnect,
	} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			f, err := lab.ParseFaults(spec)
			if err != nil {
				t.Fatal(err)
			}
			s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{Faults: f}})
			c := labtest.Open(t, New, s.URL(), &protocols.Options{Limits: protocols.Limits{Header: 256 << 10}})
			_, _, err = fetch(t, c, "pub/large.bin", nil)
			wantKind(t, err, want)
			if got := labtest.Read(t, c, "pub/large.bin"); len(got) != 3<<20 {
				t.Errorf("the next one has %d bytes", len(got))
			}
		})
	}
}

func TestHang(t *testing.T) {
	f, _ := lab.ParseFaults("hang:GET*1")
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{Faults: f}})
	c := labtest.Open(t, New, s.URL(), &protocols.Options{IdleTimeout: 200 * time.Millisecond})
	_, _, err := fetch(t, c, "README.txt", nil)
	wantKind(t, err, protocols.KindTimeout)
	labtest.Read(t, c, "README.txt")
}

func TestCancel(t *testing.T) {
	started := make(chan struct{}, 1)
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{Handler: func(_ nethttp.ResponseWriter, r *nethttp.Request) bool {
		if r.URL.Path == "/slow" {
			started <- struct{}{}
			<-r.Context().Done()
		}
		return r.URL.Path == "/slow"
	}})
	c := labtest.Open(t, New, s.URL(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	_, err := c.Get(ctx, "slow", nil)
	wantKind(t, err, protocols.KindInterrupted)
	labtest.Read(t, c, "README.txt")
}

// TestOnlyHTTP2: a server that takes nothing but HTTP/2 gets it.
func TestOnlyHTTP2(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}})
	dials := 0
	o := &protocols.Options{TLS: protocols.TLS{Config: s.Authority().ClientConfig()}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials > 1 {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		ours, theirs := net.Pipe()
		go func() {
			theirs.Read(make([]byte, 4096))
			theirs.Write([]byte{21, 3, 3, 0, 2, 2, 120}) // alert: no_application_protocol
			theirs.Close()
		}()
		return ours, nil
	}}
	resp, _ := do(t, labtest.Open(t, New, s.URL(), o), &Request{URL: labtest.URL(t, s.URL())})
	if resp.Proto != "HTTP/2.0" || dials != 2 {
		t.Errorf("spoke %s after %d connections", resp.Proto, dials)
	}
}

// TestConnectionIsKept: requests share one, and a server that let it go meanwhile
// costs no error.
func TestConnectionIsKept(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, s.URL(), nil)
	for range 5 {
		labtest.Read(t, c, "README.txt")
		labtest.Read(t, c, "-/chunked")
	}
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections for ten requests", n)
	}
	r := startRaw(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 500 no\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nyo")
	c = labtest.Open(t, New, r.url, nil)
	labtest.Read(t, c, "x")
	fetch(t, c, "x", nil)
	if got := labtest.Read(t, c, "x"); got != "yo" {
		t.Errorf("%q", got)
	}
}

func TestBusy(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, s.URL(), nil)
	obj, err := c.Get(t.Context(), "pub/large.bin", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Stat(t.Context(), "README.txt"); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("a second operation: %v", err)
	}
	obj.Body.Close()
	labtest.Read(t, c, "README.txt")
}

// TestUploadFromFile: by length, from where the file stands.
func TestUploadFromFile(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	path := filepath.Join(t.TempDir(), "f")
	data := make([]byte, 5<<20)
	lab.Pattern(9)(data, 0)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := labtest.Open(t, New, labtest.WithUser(s.URL()), nil)
	if _, err := c.Put(t.Context(), "incoming/f", f, nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.Tree().ReadFile("incoming/f")
	if err != nil || sha256.Sum256(got) != sha256.Sum256(data) {
		t.Errorf("%d bytes arrived, %v", len(got), err)
	}
}

func TestForms(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, s.URL(), nil)
	form := &Form{Fields: []Field{{Name: "a b", Value: "ü&="}, {Name: "c\"d\r\n", Value: "x"}}}
	if got := form.Encoded(); got != "a+b=%C3%BC%26%3D&c%22d%0D%0A=x" {
		t.Errorf("%q", got)
	}
	form.Fields = append(form.Fields, Field{Name: "f", FileName: "x.txt", Size: 4, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("file")), nil }})
	body, length, kind, err := form.Multipart()
	if err != nil {
		t.Fatal(err)
	}
	_, got := do(t, c, &Request{Method: "POST", URL: labtest.URL(t, s.URL()+"-/redirect/1?to=/-/echo&status=307"), Body: body, Length: length, Header: Header{"Content-Type": {kind}}})
	for _, want := range []string{`name=\"a b\"\r\n\r\nü\u0026=\r\n`, `name=\"c%22d%0D%0A\"`, `filename=\"x.txt\"\r\nContent-Type: application/octet-stream\r\n\r\nfile\r\n--`, fmt.Sprintf(`"bytes":%d`, length)} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}

func TestTrailersAndChunks(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, HTTP3: true})
	for _, v := range []Version{HTTP1, HTTP2, HTTP3} {
		c := labtest.Open(t, New, s.URL(), &protocols.Options{TLS: protocols.TLS{Config: s.Authority().ClientConfig()}})
		c.Settings.Version, c.Settings.HTTP3 = v, QUIC
		resp, _ := do(t, c, &Request{URL: labtest.URL(t, s.URL()+"-/trailers")})
		if resp.Trailer.Get("X-Sum") != "42" {
			t.Errorf("version %d: trailers %v", v, resp.Trailer)
		}
		_, got := do(t, c, &Request{Method: "POST", URL: labtest.URL(t, s.URL()+"-/echo"), Body: io.MultiReader(strings.NewReader("chunked")), Length: -1, Expect: true})
		if !strings.Contains(got, `"body":"chunked"`) || v == HTTP1 && !strings.Contains(got, `"length":-1`) {
			t.Errorf("version %d: %s", v, got)
		}
	}
}

// TestCertificates: a wrong one ends the call before a request is sent, in every version.
func TestCertificates(t *testing.T) {
	a, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	expired, err := a.Expired()
	if err != nil {
		t.Fatal(err)
	}
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit, Authority: a, Certificate: &expired}, HTTP3: true})
	for _, v := range []Version{Auto, HTTP2, HTTP3} {
		c := labtest.Open(t, New, s.URL(), &protocols.Options{TLS: protocols.TLS{Config: a.ClientConfig()}})
		c.Settings.Version, c.Settings.HTTP3 = v, QUIC
		_, _, err := fetch(t, c, "README.txt", nil)
		wantKind(t, err, protocols.KindTLS)
	}
	if got := s.Commands(); len(got) != 0 {
		t.Errorf("requests: %q", got)
	}
}

func TestUnixSocket(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{Hosts: []string{"somewhere.example"}})
	path := filepath.Join(t.TempDir(), "sock")
	p, err := socklab.NewProxy(s.Addr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := labtest.Open(t, New, "http://somewhere.example/", &protocols.Options{Dial: dialInstead(path, s.Addr())})
	c.Settings.UnixSocket = path
	if got := labtest.Read(t, c, "README.txt"); !strings.Contains(got, "Welcome") {
		t.Errorf("%q", got)
	}
}

func TestProxies(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}})
	connect, err := socklab.StartConnectProxy(socklab.ProxyOptions{User: "pat", Password: "pr0xy"})
	if err != nil {
		t.Fatal(err)
	}
	defer connect.Close()
	via := labtest.URL(t, "http://pat:pr0xy@"+connect.Addr())
	o := &protocols.Options{TLS: protocols.TLS{Config: s.Authority().ClientConfig()}, Proxy: proxyTo(via)}
	if got := labtest.Read(t, labtest.Open(t, New, s.URL(), o), "README.txt"); !strings.Contains(got, "Welcome") {
		t.Errorf("through a tunnel: %q", got)
	}
	whole := startRaw(t, "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=p\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	at := labtest.URL(t, whole.url)
	at.User = via.User
	c := labtest.Open(t, New, "http://alice:secret@origin.example/", &protocols.Options{Proxy: proxyTo(at)})
	labtest.Read(t, c, "a/b")
	if first := whole.requests()[0]; strings.Contains(first, "Authorization") {
		t.Errorf("a login that was not asked for: %q", first)
	}
	head := whole.requests()[1]
	if !strings.HasPrefix(head, "GET http://origin.example/a/b HTTP/1.1\r\n") || !strings.Contains(head, "Proxy-Authorization: Basic cGF0OnByMHh5\r\n") || strings.Contains(head, "\r\nAuthorization") {
		t.Errorf("request to the proxy: %q", head)
	}
	eager := labtest.Open(t, New, "http://alice:secret@origin.example/", &protocols.Options{Proxy: proxyTo(at), Mechanism: "basic"})
	_, _, err = fetch(t, eager, "x", nil)
	wantKind(t, err, protocols.KindAuth) // an unencrypted password through a proxy
}
