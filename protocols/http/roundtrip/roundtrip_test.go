package roundtrip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/http/roundtrip"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// site answers in all the ways that a RoundTripper has to bring over.
func site() nethttp.Handler {
	m := nethttp.NewServeMux()
	m.HandleFunc("/echo", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %d %q %q", r.Method, r.Host, r.URL.RequestURI(), r.ContentLength, r.Header["X-A"], body[:min(len(body), 30)])
	})
	m.HandleFunc("/to/{code}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		var code int
		fmt.Sscan(r.PathValue("code"), &code)
		w.Header().Set("Location", "/echo?from="+r.PathValue("code"))
		w.WriteHeader(code)
	})
	m.HandleFunc("/loop", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.Redirect(w, r, "/loop", nethttp.StatusFound)
	})
	m.HandleFunc("/status/{code}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		var code int
		fmt.Sscan(r.PathValue("code"), &code)
		w.WriteHeader(code)
	})
	m.HandleFunc("/basic", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		user, password, _ := r.BasicAuth()
		if user != "alice" || password != "sesame" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(401)
		}
		fmt.Fprint(w, "hello ", user)
	})
	m.HandleFunc("/set", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.SetCookie(w, &nethttp.Cookie{Name: "c", Value: "1", Path: "/"})
		nethttp.Redirect(w, r, "/cookie", nethttp.StatusFound)
	})
	m.HandleFunc("/cookie", func(w nethttp.ResponseWriter, r *nethttp.Request) { fmt.Fprint(w, r.Header.Get("Cookie")) })
	m.HandleFunc("/trailer", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprint(w, "body")
		w.Header().Set("X-Sum", "42")
	})
	m.HandleFunc("/slow", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		fmt.Fprint(w, "start")
		w.(nethttp.Flusher).Flush()
		<-r.Context().Done()
	})
	return m
}

// TestLikeNetHTTP: a program of net/http sees with the transport what it sees without.
func TestLikeNetHTTP(t *testing.T) {
	ts := httptest.NewServer(site())
	defer ts.Close()
	ours := roundtrip.New(roundtrip.Config{})
	defer ours.Close()
	large := strings.Repeat("x", 3<<20)
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/echo?a=b%20c", ""}, {"HEAD", "/echo", ""}, {"POST", "/echo", "text"}, {"PUT", "/echo", large}, {"DELETE", "/echo", ""},
		{"GET", "/to/301", ""}, {"POST", "/to/302", "text"}, {"POST", "/to/303", "text"}, {"POST", "/to/307", "text"}, {"PUT", "/to/308", large},
		{"GET", "/loop", ""}, {"GET", "/status/204", ""}, {"GET", "/status/304", ""}, {"GET", "/status/404", ""}, {"GET", "/status/503", ""},
		{"GET", "/basic", ""}, {"GET", "/set", ""}, {"GET", "/trailer", ""},
	} {
		for _, stream := range []bool{false, true} {
			var got [2]string
			for i, rt := range []nethttp.RoundTripper{nethttp.DefaultTransport, ours} {
				got[i] = exchange(t, rt, c.method, ts.URL+c.path, c.body, stream)
			}
			if got[0] != got[1] {
				t.Errorf("%s %s, stream %v:\n%s, net/http has\n%s", c.method, c.path, stream, got[1], got[0])
			}
		}
	}
}

// exchange makes a request with a fresh client and returns all that came of it.
func exchange(t *testing.T, rt nethttp.RoundTripper, method, at, body string, stream bool) string {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	if stream && body != "" {
		in = io.MultiReader(in)
	}
	r, err := nethttp.NewRequestWithContext(t.Context(), method, at, in)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["X-A"] = []string{"1", "2"}
	jar, _ := cookiejar.New(nil)
	resp, err := (&nethttp.Client{Transport: rt, Jar: jar}).Do(r)
	if err != nil {
		return "error " + err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.Status, " ", resp.Proto, " ", resp.ContentLength, " ", resp.Header.Get("Content-Type"), " ", resp.Request.URL, " ", string(b), " ", err, " ", resp.Trailer)
}

// TestLogin: Digest and Basic with the credentials of the options, in all versions that
// net/http knows, and many goroutines.
func TestLogin(t *testing.T) {
	web := labtest.HTTP(t)
	o := *web.Options
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.URLCredential(labtest.URL(t, web.URL)), nil
	}
	tr := roundtrip.New(roundtrip.Config{Options: &o})
	defer tr.Close()
	var group sync.WaitGroup
	for range 16 {
		for _, way := range []string{"basic", "digest"} {
			group.Go(func() {
				resp, err := (&nethttp.Client{Transport: tr}).Post(labtest.URL(t, web.URL).Scheme+"://"+labtest.URL(t, web.URL).Host+"/-/auth/"+way, "text/plain", strings.NewReader("x"))
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				if b, _ := io.ReadAll(resp.Body); !strings.Contains(string(b), "welcome") {
					t.Errorf("%s: %s %q", way, resp.Status, b)
				}
			})
		}
	}
	group.Wait()
}

// TestMultiplexed: with HTTP/2 the requests of many goroutines go over one connection at
// the same time, and one that is cancelled leaves the others alone.
func TestMultiplexed(t *testing.T) {
	const n = 24
	var mu sync.Mutex
	all, peers := make(chan struct{}), map[string]bool{}
	waiting := 0
	ts := httptest.NewUnstartedServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		mu.Lock()
		peers[r.RemoteAddr] = true
		if r.URL.RawQuery == "" {
			waiting++
		}
		if waiting == n-1 {
			close(all)
			waiting++
		}
		mu.Unlock()
		select {
		case <-all:
			fmt.Fprint(w, r.Proto)
		case <-r.Context().Done():
		}
	}))
	ts.EnableHTTP2 = true
	ts.StartTLS()
	defer ts.Close()
	o := &protocols.Options{TLS: protocols.TLS{Config: ts.Client().Transport.(*nethttp.Transport).TLSClientConfig}}
	tr := roundtrip.New(roundtrip.Config{Options: o, Setup: func(c *http.Client) error { c.Settings.Version = http.HTTP2; return nil }})
	defer tr.Close()
	client := &nethttp.Client{Transport: tr}
	cut, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			ctx := t.Context()
			if i == 0 {
				ctx = cut
			}
			r, _ := nethttp.NewRequestWithContext(ctx, "GET", ts.URL+map[bool]string{true: "/?cut"}[i == 0], nil)
			time.Sleep(time.Duration(i) * 5 * time.Millisecond)
			resp, err := client.Do(r)
			if i == 0 {
				if !errors.Is(err, context.DeadlineExceeded) && err != nil {
					t.Errorf("the one that was cancelled: %v", err)
				}
			}
			if err != nil {
				if i > 0 {
					t.Errorf("request %d: %v", i, err)
				}
				return
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); string(b) != "HTTP/2.0" || err != nil {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
	group.Wait()
	if len(peers) != 1 {
		t.Errorf("%d connections", len(peers))
	}
}

// TestCloseWhileReading: Close ends a Read of another goroutine, and the transport goes on.
func TestCloseWhileReading(t *testing.T) {
	ts := httptest.NewServer(site())
	defer ts.Close()
	tr := roundtrip.New(roundtrip.Config{})
	defer tr.Close()
	client := &nethttp.Client{Transport: tr}
	resp, err := client.Get(ts.URL + "/slow")
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() { _, err := io.ReadAll(resp.Body); read <- err }()
	time.Sleep(20 * time.Millisecond)
	resp.Body.Close()
	if err := <-read; err == nil {
		t.Error("the body ended without an error")
	}
	if resp, err := client.Get(ts.URL + "/echo"); err != nil || resp.StatusCode != 200 {
		t.Errorf("afterwards: %v", err)
	} else {
		resp.Body.Close()
	}
	tr.CloseIdleConnections()
	tr.Close()
	if _, err := client.Get(ts.URL + "/echo"); !errors.Is(err, protocols.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	r := httptest.NewRequest("GET", ts.URL, nil)
	r.Trailer = nethttp.Header{"X": nil}
	if _, err := roundtrip.New(roundtrip.Config{}).RoundTrip(r); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("trailers: %v", err)
	}
	if _, err := roundtrip.New(roundtrip.Config{}).RoundTrip(&nethttp.Request{}); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("no URL: %v", err)
	}
}

// TestThrough: the adapter over a RoundTripper of the caller's.
func TestThrough(t *testing.T) {
	ts := httptest.NewServer(site())
	defer ts.Close()
	u, _ := url.Parse(ts.URL)
	u.User = url.UserPassword("alice", "sesame")
	c, err := http.New(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var seen []string
	c.Settings.Through = roundTripper(func(r *nethttp.Request) (*nethttp.Response, error) {
		seen = append(seen, r.URL.Path)
		return nethttp.DefaultTransport.RoundTrip(r)
	})
	for path, want := range map[string]string{"basic": "hello alice", "to/302": "GET"} {
		if got := labtest.Read(t, c, path); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", path, got)
		}
	}
	data := bytes.Repeat([]byte("0123456789"), 200<<10)
	at, _ := u.Parse("/echo")
	at.User = nil
	resp, err := c.Do(t.Context(), http.NewRequest("POST", at, bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(resp.Body); !strings.Contains(string(b), fmt.Sprint(len(data))) {
		t.Errorf("%s", b)
	}
	resp.Body.Close()
	if len(seen) < 5 { // a login, a redirect, a body
		t.Errorf("seen %q", seen)
	}
	c.Settings.Through = roundTripper(func(*nethttp.Request) (*nethttp.Response, error) { return nil, io.ErrUnexpectedEOF })
	if _, err := c.Get(t.Context(), "echo", nil); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("its error: %v", err)
	}
	far, _ := http.New(labtest.URL(t, "http://alice:sesame@192.0.2.1/"), nil)
	far.Settings.Through = roundTripper(func(r *nethttp.Request) (*nethttp.Response, error) {
		if r.Header.Get("Authorization") != "" {
			t.Error("a password without TLS")
		}
		return &nethttp.Response{StatusCode: 401, Proto: "HTTP/1.1", Header: nethttp.Header{"Www-Authenticate": {`Basic realm="x"`}}, Body: nethttp.NoBody, Request: r}, nil
	})
	if _, err := far.Get(t.Context(), "x", nil); !errors.Is(err, protocols.ErrCleartext) {
		t.Errorf("a secret without TLS: %v", err)
	}
}

type roundTripper func(*nethttp.Request) (*nethttp.Response, error)

func (f roundTripper) RoundTrip(r *nethttp.Request) (*nethttp.Response, error) { return f(r) }
