package outside

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/roundtrip"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// redirects is a server that sends clients on, in each way, with a cookie.
func redirects(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/to/{status}", func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(r.PathValue("status"))
		if err != nil {
			t.Error(err)
		}
		http.SetCookie(w, &http.Cookie{Name: "from", Value: r.PathValue("status"), Path: "/"})
		w.Header().Set("Location", "/here")
		w.WriteHeader(status)
	})
	mux.HandleFunc("/here", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Method, " ", len(body), " ", r.Header.Get("Cookie"), " ", err)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// TestRedirects: with the RoundTripper of this module a program of net/http sees what it
// sees with its own.
func TestRedirects(t *testing.T) {
	at := redirects(t)
	ours := roundtrip.New(roundtrip.Config{})
	defer ours.Close()
	theirs := &http.Transport{}
	defer theirs.CloseIdleConnections()
	for _, method := range []string{"GET", "POST", "PUT", "HEAD"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			got := map[http.RoundTripper]string{}
			for _, rt := range []http.RoundTripper{theirs, ours} {
				jar, err := cookiejar.New(nil)
				if err != nil {
					t.Fatal(err)
				}
				var body io.Reader
				if method[0] == 'P' {
					body = strings.NewReader(strings.Repeat("x", 100_000))
				}
				r, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprint(at, "/to/", status), body)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := (&http.Client{Transport: rt, Jar: jar}).Do(r)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				got[rt] = fmt.Sprint(resp.Status, " ", resp.Request.URL.Path, " ", string(text), " ", err)
			}
			if got[ours] != got[theirs] {
				t.Errorf("%s %d: %q, net/http has %q", method, status, got[ours], got[theirs])
			}
		}
	}
}

// TestLogins: Basic and Digest for existing code, from many goroutines.
func TestLogins(t *testing.T) {
	web := labtest.HTTP(t)
	u := labtest.URL(t, web.URL)
	login := protocols.URLCredential(u)
	u.User = nil
	o := *web.Options
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) { return login, nil }
	tr := roundtrip.New(roundtrip.Config{Options: &o})
	defer tr.Close()
	client := &http.Client{Transport: tr}
	var group sync.WaitGroup
	for _, way := range []string{"basic", "digest"} {
		for range 16 {
			group.Go(func() {
				resp, err := client.Get(strings.TrimSuffix(u.String(), "/") + "/-/auth/" + way)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), "welcome") {
					t.Errorf("%s: %s %q, %v", way, resp.Status, text, err)
				}
			})
		}
	}
	group.Wait()
}
