package http

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// TestBadAnswers: what breaks the protocol is an error of kind Protocol, and
// never content.
func TestBadAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, answer := range map[string]string{
		"endless header list":       "ENDLESS " + ok + "|X-A: b\r\n",
		"endless header":            "ENDLESS " + ok + "X-A: |aaaaaaaa",
		"endless status line":       "ENDLESS HTTP/1.1 200 |aaaaaaaa",
		"100 for ever":              "ENDLESS |HTTP/1.1 100 Continue\r\n\r\n",
		"103 for ever":              "ENDLESS |HTTP/1.1 103 Early Hints\r\n\r\n",
		"101 unasked":               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
		"endless chunk extension":   "ENDLESS " + ok + "Transfer-Encoding: chunked\r\n\r\n5;|aaaaaaaa",
		"chunk of more than 64 bit": ok + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n",
		"negative chunk":            ok + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
		"chunks cut":                ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"endless trailers":          "ENDLESS " + ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n|X-A: b\r\n",
		"two lengths":               ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"negative length":           ok + "Content-Length: -5\r\n\r\nhello",
		"length past 64 bit":        ok + "Content-Length: 99999999999999999999\r\n\r\nhello",
		"length too long":           ok + "Content-Length: 10\r\nConnection: close\r\n\r\nhello",
		"unknown transfer coding":   ok + "Transfer-Encoding: rot13\r\n\r\nhello",
		"no HTTP":                   "220 ftp.example.org ready\r\n\r\n",
		"HTTP/0.9":                  "<html>hello</html>\r\n\r\n",
		"head cut":                  ok + "Content-Type: te",
		"nothing":                   "",
		"status 42":                 "HTTP/1.1 42 Odd\r\nContent-Length: 0\r\n\r\n",
		"304 unasked":               "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
		"part unasked":              "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/10\r\nContent-Length: 5\r\n\r\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := labtest.Open(t, New, startRaw(t, answer).url, &protocols.Options{Limits: protocols.Limits{Header: 256 << 10}})
			obj, err := c.Get(quick(t), "", nil)
			if err == nil {
				_, err = io.ReadAll(obj.Body)
				obj.Body.Close()
			}
			wantKind(t, err, protocols.KindProtocol)
		})
	}
}

// TestBadParts: the answer must be just the part that was asked for.
func TestBadParts(t *testing.T) {
	const part = "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n"
	for name, c := range map[string]struct {
		answer string
		class  error
		kind   protocols.Kind
	}{
		"from 0":          {part + "Content-Range: bytes 0-4/10\r\n\r\nhello", nil, protocols.KindProtocol},
		"no range":        {part + "\r\nhello", nil, protocols.KindProtocol},
		"nonsense":        {part + "Content-Range: bytes 9-5/10\r\n\r\nhello", nil, protocols.KindProtocol},
		"other length":    {part + "Content-Range: bytes 5-12/13\r\n\r\nhello", nil, protocols.KindProtocol},
		"behind the end":  {part + "Content-Range: bytes 5-9/8\r\n\r\nhello", nil, protocols.KindProtocol},
		"all of it":       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhellohello", errors.ErrUnsupported, protocols.KindRefused},
		"another one":     {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"new\"\r\n\r\nhellohello", protocols.ErrChanged, protocols.KindRefused},
		"grown":           {part + "Content-Range: bytes 5-9/11\r\n\r\nhello", protocols.ErrChanged, protocols.KindRefused},
		"shorter than us": {"HTTP/1.1 416 No\r\nContent-Range: bytes */3\r\nContent-Length: 0\r\n\r\n", protocols.ErrChanged, protocols.KindRefused},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRaw(t, c.answer)
			_, _, err := fetch(t, labtest.Open(t, New, r.url, nil), "x", &protocols.GetOptions{Offset: 5, Same: &protocols.Entry{Size: 10, ID: `"old"`}})
			wantKind(t, err, c.kind)
			if c.class != nil && !errors.Is(err, c.class) {
				t.Errorf("want class %v: %v", c.class, err)
			}
			if head := r.requests()[0]; !strings.Contains(head, "Range: bytes=5-\r\n") || !strings.Contains(head, "If-Range: \"old\"\r\n") {
				t.Errorf("the request has no range or condition: %q", head)
			}
		})
	}
}

// TestWholePart: 206 with all of the object is as good as 200, whatever was asked for.
func TestWholePart(t *testing.T) {
	const whole = "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nContent-Range: bytes 0-4/5\r\n\r\nhello"
	for _, o := range []*protocols.GetOptions{nil, {Length: 5}} {
		r := startRaw(t, whole)
		if got, _, err := fetch(t, labtest.Open(t, New, r.url, nil), "x", o); got != "hello" || err != nil {
			t.Errorf("%+v: %q, %v", o, got, err)
		}
	}
	_, _, err := fetch(t, labtest.Open(t, New, startRaw(t, whole).url, nil), "x", &protocols.GetOptions{Offset: 2})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a range that was ignored: %v", err)
	}
}

// TestGetLast: the end of an object, in one request.
func TestGetLast(t *testing.T) {
	for name, c := range map[string]struct {
		answer, want string
		offset       int64
		kind         protocols.Kind
	}{
		"a part":       {"HTTP/1.1 206 P\r\nContent-Range: bytes 5-8/9\r\nContent-Length: 4\r\n\r\nfghi", "fghi", 5, 0},
		"shorter":      {"HTTP/1.1 206 P\r\nContent-Range: bytes 0-2/3\r\nContent-Length: 3\r\n\r\nabc", "abc", 0, 0},
		"short, whole": {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", 0, 0},
		"empty":        {"HTTP/1.1 416 No\r\nContent-Range: bytes */0\r\nContent-Length: 0\r\n\r\n", "", 0, 0},
		"not the end":  {"HTTP/1.1 206 P\r\nContent-Range: bytes 4-7/9\r\nContent-Length: 4\r\n\r\nefgh", "", 0, protocols.KindProtocol},
		"too much":     {"HTTP/1.1 206 P\r\nContent-Range: bytes 4-8/9\r\nContent-Length: 5\r\n\r\nefghi", "", 0, protocols.KindProtocol},
		"all of it":    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "", 0, protocols.KindRefused},
		"missing":      {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "", 0, protocols.KindRefused},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRaw(t, c.answer)
			obj, err := labtest.Open(t, New, r.url, nil).GetLast(t.Context(), "x", 4)
			if wantKind(t, err, c.kind); err != nil {
				return
			}
			defer obj.Body.Close()
			if b, err := io.ReadAll(obj.Body); string(b) != c.want || err != nil || obj.Offset != c.offset {
				t.Errorf("%q from %d, %v", b, obj.Offset, err)
			}
			if head := r.requests()[0]; !strings.Contains(head, "\r\nRange: bytes=-4\r\n") {
				t.Errorf("the request: %q", head)
			}
		})
	}
	if obj, err := labtest.Open(t, New, "data:,abcdefghi", nil).GetLast(t.Context(), "data:,abcdefghi", 4); err != nil || obj.Offset != 5 {
		t.Errorf("%+v, %v", obj, err)
	}
}

// TestRedirects: to where redirects may lead, and what goes along.
func TestRedirects(t *testing.T) {
	to := func(target string) string {
		return "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + target + "\r\n\r\n"
	}
	for name, c := range map[string]struct {
		location string
		kind     protocols.Kind
	}{
		"file":       {"file:///etc/passwd", protocols.KindRefused},
		"ftp":        {"ftp://127.0.0.1/x", protocols.KindRefused},
		"gopher":     {"gopher://127.0.0.1:25/xHELO", protocols.KindRefused},
		"data":       {"data:,x", protocols.KindRefused},
		"line break": {"/%0d%0aX-Injected: 1", protocols.KindProtocol},
		"no URL":     {"http://[::1", protocols.KindProtocol},
		"no host":    {"http:///x", protocols.KindProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRaw(t, to(c.location), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
			_, _, err := fetch(t, labtest.Open(t, New, r.url, nil), "x", nil)
			wantKind(t, err, c.kind)
			if len(r.requests()) != 1 {
				t.Errorf("it was followed: %q", r.requests())
			}
		})
	}
}

func TestRedirectCircle(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{Handler: func(w nethttp.ResponseWriter, r *nethttp.Request) bool {
		if r.URL.Path == "/round" {
			nethttp.Redirect(w, r, "/round", nethttp.StatusFound)
		}
		return r.URL.Path == "/round"
	}})
	_, _, err := fetch(t, labtest.Open(t, New, s.URL(), nil), "round", nil)
	wantKind(t, err, protocols.KindProtocol)
	if n := len(s.Commands()); n != 21 {
		t.Errorf("%d requests, want 21", n)
	}
	c := labtest.Open(t, New, s.URL(), nil)
	c.Settings.MaxRedirects = 4
	_, _, err = fetch(t, c, "-/redirect/9", nil)
	wantKind(t, err, protocols.KindProtocol)
	if got := labtest.Read(t, c, "-/redirect/4"); !strings.Contains(got, "Welcome") {
		t.Errorf("four redirects: %q", got)
	}
}

// TestSecretsStayAtTheirOrigin: a redirect to another port gets no login, no
// cookie and no header of the user that may be a secret.
func TestSecretsStayAtTheirOrigin(t *testing.T) {
	other := startRaw(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	first := startRaw(t, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nSet-Cookie: host=only\r\nLocation: "+strings.Replace(other.url, "127.0.0.1", "localhost", 1)+"\r\n\r\n")
	c := labtest.Open(t, New, labtest.WithUser(first.url), &protocols.Options{Mechanism: "basic"})
	c.Settings.Jar = NewJar()
	c.Settings.Header = Header{"X-Api-Key": {"k3y"}, "Cookie": {"mine=1"}}
	r := &Request{URL: labtest.URL(t, first.url+"x"), Header: Header{"X-Token": {"t0ken"}, "Accept-Language": {"de"}}}
	do(t, c, r)
	before, after := first.requests()[0], other.requests()[0]
	for _, secret := range []string{"Authorization: Basic", "X-Api-Key: k3y", "Cookie: mine=1", "X-Token: t0ken"} {
		if !strings.Contains(before, secret) {
			t.Errorf("the first server did not get %q: %q", secret, before)
		}
		if strings.Contains(after, strings.SplitN(secret, ":", 2)[0]) {
			t.Errorf("the second server got %q: %q", secret, after)
		}
	}
	if !strings.Contains(after, "Accept-Language: de") || strings.Contains(after, "Referer") {
		t.Errorf("second request: %q", after)
	}
}

func TestNoDowngrade(t *testing.T) {
	plain := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	secure := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}})
	name := secure.URL() + "-/redirect/1?to=" + plain.URL() + "README.txt"
	o := &protocols.Options{TLS: protocols.TLS{Config: secure.Authority().ClientConfig()}}
	c := labtest.Open(t, New, secure.URL(), o)
	_, _, err := fetch(t, c, name, nil)
	wantKind(t, err, protocols.KindRefused)
	if len(plain.Commands()) != 0 {
		t.Error("it was followed all the same")
	}
	c.Settings.AllowDowngrade = true
	labtest.Read(t, c, name)
}

// TestMethodsAfterRedirects: RFC 9110 section 15.4.
func TestMethodsAfterRedirects(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	for _, c := range []struct {
		status       int
		method, want string
	}{
		{301, "POST", "GET"}, {302, "POST", "GET"}, {303, "POST", "GET"}, {307, "POST", "POST"}, {308, "POST", "POST"},
		{302, "PATCH", "PATCH"}, {303, "PATCH", "GET"}, {303, "GET", "GET"},
	} {
		client := labtest.Open(t, New, s.URL(), nil)
		r := &Request{Method: c.method, URL: labtest.URL(t, fmt.Sprintf("%s-/redirect/1?to=/-/echo&status=%d", s.URL(), c.status)), Body: strings.NewReader("body"), Length: 4, Header: Header{"Content-Type": {"text/x"}}}
		resp, got := do(t, client, r)
		kept := c.want != "GET"
		if !strings.Contains(got, `"method":"`+c.want+`"`) || strings.Contains(got, `"body":"body"`) != kept && c.method != "GET" || strings.Contains(got, "text/x") != kept && c.method != "GET" {
			t.Errorf("%d after %s: %s", c.status, c.method, got)
		}
		if resp.Hops != 1 {
			t.Errorf("%d hops", resp.Hops)
		}
	}
}

func TestInjection(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, s.URL(), nil)
	for name, r := range map[string]*Request{
		"method":        {Method: "GET / HTTP/1.1\r\nX: y", URL: labtest.URL(t, s.URL())},
		"header value":  {URL: labtest.URL(t, s.URL()), Header: Header{"X-A": {"b\r\nX-B: c"}}},
		"header name":   {URL: labtest.URL(t, s.URL()), Header: Header{"X-A: b\r\nX-B": {"c"}}},
		"empty method?": {Method: " ", URL: labtest.URL(t, s.URL())},
	} {
		_, err := c.Do(t.Context(), r)
		if protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"a\r\nb", "a\nb", "a\x00b"} {
		_, _, err := fetch(t, c, name, nil)
		wantKind(t, err, protocols.KindUsage)
		wantKind(t, c.Remove(t.Context(), name), protocols.KindUsage)
		wantKind(t, c.Move(t.Context(), "x", name), protocols.KindUsage)
	}
	if got := s.Commands(); len(got) != 0 {
		t.Errorf("something was sent: %q", got)
	}
	if _, _, err := fetch(t, c, "a b?c#d%", nil); protocols.KindOf(err) != protocols.KindRefused {
		t.Error(err)
	}
	if got := s.Commands(); len(got) != 1 || got[0] != "GET /a%20b%3Fc%23d%25" {
		t.Errorf("requests: %q", got)
	}
}

// TestCodings: each coding is decoded, layers on top of each other too, and what
// is not whole is an error.
func TestCodings(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	for _, coding := range []string{"gzip", "deflate", "bare", "br", "zstd", "gzip,br", "gzip,gzip,gzip,gzip,gzip"} {
		c := labtest.Open(t, New, s.URL(), nil)
		c.Settings.Compressed = true
		if got := labtest.Read(t, c, "-/coded/"+coding); got != weblab.Coded {
			t.Errorf("%s: %q", coding, got)
		}
		got, _, err := fetch(t, c, s.URL()+"-/coded/"+coding+"?cut=3", nil)
		if protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%s without its end: %q, %v", coding, got, err)
		}
		c.Settings.Compressed = false
		if got := labtest.Read(t, c, "-/coded/"+coding); got == weblab.Coded {
			t.Errorf("%s: decoded though nobody asked", coding)
		}
	}
	c := labtest.Open(t, New, s.URL(), nil)
	c.Settings.Compressed = true
	_, _, err := fetch(t, c, "-/coded/gzip,gzip,gzip,gzip,gzip,gzip", nil)
	wantKind(t, err, protocols.KindProtocol)
}

func TestBomb(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, s.URL(), &protocols.Options{Limits: protocols.Limits{Decompressed: 1 << 20}})
	c.Settings.Compressed = true
	got, _, err := fetch(t, c, s.URL()+"-/coded/gzip?zeros=8000000", nil)
	wantKind(t, err, protocols.KindProtocol)
	if len(got) > 1<<20 {
		t.Errorf("%d bytes came out", len(got))
	}
}

// TestBombByRatio: few bytes that decode to very many are refused, unless so many
// are expected; zeros of a moderate size are no bomb.
func TestBombByRatio(t *testing.T) {
	zeros := make([]byte, 1<<20)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(zeros)
	w.Close()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	mebibyte := map[string]string{"gzip": z.String(), "zstd": string(enc.EncodeAll(zeros, nil))} // both may be repeated
	for _, x := range []struct {
		coding        string
		size, decoded int64 // MiB
		kind          protocols.Kind
	}{
		{"zstd", 64, 0, protocols.KindOK},
		{"gzip", 66, 0, protocols.KindProtocol},
		{"zstd", 67, 67, protocols.KindOK},
		{"zstd", 67, 65, protocols.KindProtocol},
	} {
		body := strings.Repeat(mebibyte[x.coding], int(x.size))
		r := startRaw(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", x.coding, len(body), body))
		c := labtest.Open(t, New, r.url, nil)
		c.Settings.Compressed, c.Settings.Decoded = true, x.decoded<<20
		obj, err := c.Get(quick(t), "x", nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, obj.Body)
		obj.Body.Close()
		if wantKind(t, err, x.kind); (n == x.size<<20) != (err == nil) || n < 64<<20 || n > max(x.decoded, 65)<<20+1<<20 {
			t.Errorf("%+v: %d bytes came out", x, n)
		}
	}
}

func TestCorruptCoding(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte("content"))
	z.Close()
	bad := b.Bytes()
	bad[len(bad)-5] ^= 1 // in the check sum
	r := startRaw(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(bad), bad))
	c := labtest.Open(t, New, r.url, nil)
	c.Settings.Compressed = true
	_, _, err := fetch(t, c, "x", nil)
	wantKind(t, err, protocols.KindProtocol)
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "99999999999999999999": longestAfter, "99999999": longestAfter, "-5": 0, "soon": 0,
		"Mon, 01 Jan 2024 00:01:00 GMT": time.Minute, "Mon, 01 Jan 2023 00:00:00 GMT": 0, "Mon, 01 Jan 2029 00:00:00 GMT": longestAfter,
	} {
		if got := retryAfter(Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	_, _, err := fetch(t, labtest.Open(t, New, s.URL(), nil), s.URL()+"-/status/503?after=2", nil)
	wantKind(t, err, protocols.KindTemporary)
	no, ok := errors.AsType[*StatusError](err)
	if protocols.RetryAfter(err) != 2*time.Second || !ok || string(no.Body) != "this is the body of a 503\n" {
		t.Errorf("%v: %v, %+v", err, protocols.RetryAfter(err), no)
	}
}

// TestStatusKinds: the exit codes of the contract.
func TestStatusKinds(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	for status, want := range map[int]protocols.Kind{
		400: protocols.KindRefused, 401: protocols.KindAuth, 403: protocols.KindRefused, 404: protocols.KindRefused, 409: protocols.KindRefused, 429: protocols.KindTemporary, 500: protocols.KindTemporary, 503: protocols.KindTemporary,
	} {
		_, _, err := fetch(t, labtest.Open(t, New, s.URL(), nil), fmt.Sprintf("-/status/%d", status), nil)
		wantKind(t, err, want)
		if e, _ := errors.AsType[*protocols.Error](err); e == nil || e.Code != status {
			t.Errorf("%d: %v", status, err)
		}
	}
}
