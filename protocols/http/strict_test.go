package http

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/hsts"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// TestHSTS: what a verified host has said holds for its own URL, for names and for
// redirects, also for the login; an unverified one is not heard.
func TestHSTS(t *testing.T) {
	a, err := base.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{
		ServerOptions: base.ServerOptions{Authority: a, TLS: base.TLSImplicit},
		Handler: func(w nethttp.ResponseWriter, r *nethttp.Request) bool {
			seen = append(seen, r.URL.Path+" "+r.Header.Get("X-Own"))
			w.Header().Set("Strict-Transport-Security", "max-age=60")
			if r.URL.Path == "/away" {
				nethttp.Redirect(w, r, "http://"+r.Host+"/back", nethttp.StatusFound)
			}
			return true
		},
	})
	port := labtest.URL(t, s.URL()).Port()
	options := func(insecure bool) *protocols.Options {
		return &protocols.Options{
			TLS:     protocols.TLS{Config: &tls.Config{RootCAs: a.Pool(), InsecureSkipVerify: insecure}},
			Resolve: map[string]string{"localhost:" + port: "127.0.0.1"},
		}
	}
	for _, insecure := range []bool{true, false} {
		store := hsts.New()
		open := func(u string) *Client {
			c := labtest.Open(t, New, u, options(insecure))
			c.Settings.HSTS, c.Settings.Header = store, Header{"X-Own": {"1"}}
			return c
		}
		labtest.Read(t, open("https://localhost:"+port+"/"), "learn")
		if store.Wants("localhost", time.Now()) == insecure {
			t.Errorf("insecure %v: known is %v", insecure, !insecure)
		}
		if insecure {
			continue
		}
		seen = nil
		c := open("http://localhost:" + port + "/")
		for _, name := range []string{"plain", "http://localhost:" + port + "/url?q", "away"} {
			labtest.Read(t, c, name)
		}
		if got := strings.Join(seen, ","); got != "/plain 1,/url 1,/away 1,/back 1" {
			t.Errorf("the server saw %s", got)
		}
	}
}

// TestOffline: a request as it would go out; nothing is sent, no secret shown.
func TestOffline(t *testing.T) {
	c := labtest.Open(t, New, "http://ann:s3cret@127.0.0.1:1/", nil)
	c.Settings.Header = Header{"X-Api-Key": {"k3y"}, "Accept": {}}
	var b strings.Builder
	r := NewRequest("POST", labtest.URL(t, "http://127.0.0.1:1/a%20b?q=1"), strings.NewReader("body"))
	if err := Offline(t.Context(), c, r, &b); err != nil {
		t.Fatal(err)
	}
	want := "POST /a%20b?q=1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAccept-Encoding: identity\r\nAuthorization: ****\r\nUser-Agent: netclients\r\nX-Api-Key: ****\r\nContent-Length: 4\r\n\r\nbody"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	if err := Offline(t.Context(), c, NewRequest("NO WAY", r.URL, nil), io.Discard); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("%v", err)
	}
}

// TestPace: each request waits for its turn, those that go ahead too; what is not a turn is
// the error.
func TestPace(t *testing.T) {
	asked := 0
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{Handler: func(nethttp.ResponseWriter, *nethttp.Request) bool { asked++; return true }})
	c := labtest.Open(t, New, s.URL(), nil)
	turns := 0
	c.Settings.Pace = func(context.Context) error {
		if turns++; turns > 6 {
			return context.DeadlineExceeded
		}
		return nil
	}
	names := func(yield func(string) bool) {
		for i := 0; i < 6 && yield("n"); i++ {
		}
	}
	err := c.BulkGet(t.Context(), names, func(_ string, o *protocols.Object, err error) error {
		if err == nil {
			_, err = io.Copy(io.Discard, o.Body)
		}
		return err
	})
	if err != nil || turns != 6 || asked != 6 {
		t.Errorf("%d turns for %d requests, %v", turns, asked, err)
	}
	if _, err := c.Get(t.Context(), "n", nil); !errors.Is(err, context.DeadlineExceeded) || asked != 6 {
		t.Errorf("%v after %d requests", err, asked)
	}
}
