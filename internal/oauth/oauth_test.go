package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/authlab"
	"github.com/netclients/netclients/internal/oauth"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

func client(t *testing.T, s *authlab.Server) *oauth.Client {
	t.Helper()
	p, err := oauth.Discover(t.Context(), s.Issuer(), nil, &protocols.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := oauth.New(p, "cli", "", &protocols.Options{})
	t.Cleanup(func() { c.Close() })
	return c
}

// browse is a browser without a person.
func browse(t *testing.T) func(string) {
	return func(at string) {
		go func() {
			resp, err := http.Get(at)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		}()
	}
}

func TestBrowser(t *testing.T) {
	s := labtest.Start(t, authlab.Start, authlab.Options{Client: "cli"})
	c := client(t, s)
	token, err := c.Browser(t.Context(), browse(t))
	if err != nil {
		t.Fatal(err)
	}
	if !s.Valid(token.AccessToken) || token.RefreshToken == "" || time.Until(token.Expiry) < time.Minute {
		t.Errorf("the token is of no use: until %v", token.Expiry)
	}
	next, err := c.Refresh(t.Context(), token.RefreshToken)
	if err != nil || !s.Valid(next.AccessToken) || next.RefreshToken == token.RefreshToken {
		t.Errorf("refreshed: %v", err)
	}
	_, err = c.Refresh(t.Context(), token.RefreshToken) // used already
	if !errors.Is(err, oauth.ErrEnded) || protocols.KindOf(err) != protocols.KindAuth || strings.Contains(err.Error(), token.RefreshToken) {
		t.Errorf("a refresh token that was used: %v", err)
	}
	if err := c.Revoke(t.Context(), next.RefreshToken); err != nil || s.Refreshable() != 0 || s.Valid(next.AccessToken) {
		t.Errorf("revoked: %v, %d refresh tokens left", err, s.Refreshable())
	}
}

// TestForeignAnswer: a page that another site has opened, with another state, is not
// taken for the answer.
func TestForeignAnswer(t *testing.T) {
	s := labtest.Start(t, authlab.Start, authlab.Options{})
	c := client(t, s)
	token, err := c.Browser(t.Context(), func(at string) {
		u, err := url.Parse(at)
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := http.Get(u.Query().Get("redirect_uri") + "?code=forged&state=other")
		if err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("a forged answer: %v", err)
		}
		resp.Body.Close()
		browse(t)(at)
	})
	if err != nil || !s.Valid(token.AccessToken) {
		t.Error(err)
	}
}

func TestDevice(t *testing.T) {
	s := labtest.Start(t, authlab.Start, authlab.Options{Pending: 1})
	shown := ""
	token, err := client(t, s).Device(t.Context(), func(d oauth.Device) { shown = d.URL + " " + d.Code })
	if err != nil || !s.Valid(token.AccessToken) {
		t.Fatal(err)
	}
	labtest.Equal(t, "what was shown", shown, s.Issuer()+"/enter LAB-CODE")
	labtest.Equal(t, "requests", s.Count("urn:ietf:params:oauth:grant-type:device_code"), 2)
}

func TestRefusals(t *testing.T) {
	s := labtest.Start(t, authlab.Start, authlab.Options{Deny: true, NoRevocation: true})
	c := client(t, s)
	_, err := c.Browser(t.Context(), browse(t))
	if protocols.KindOf(err) != protocols.KindAuth || !strings.Contains(err.Error(), "access_denied") {
		t.Errorf("browser: %v", err)
	}
	if _, err = c.Device(t.Context(), func(oauth.Device) {}); protocols.KindOf(err) != protocols.KindAuth || !strings.Contains(err.Error(), "access_denied") {
		t.Errorf("device: %v", err)
	}
	if err = c.Revoke(t.Context(), "x"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("revoke: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = c.Browser(ctx, func(string) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody logs in: %v", err)
	}
}

func TestDiscover(t *testing.T) {
	for name, want := range map[string]protocols.Kind{
		"google": protocols.KindOK, "microsoft": protocols.KindOK, "gogle": protocols.KindUsage, "http://login.example.org": protocols.KindAuth, "http://127.0.0.1:1": protocols.KindConnect,
	} {
		p, err := oauth.Discover(t.Context(), name, nil, &protocols.Options{})
		if protocols.KindOf(err) != want || err == nil && (p.TokenURL == "" || p.AuthURL == "" || p.DeviceURL == "") {
			t.Errorf("%s: %v, %+v", name, err, p)
		}
	}
	web := labtest.Start(t, authlab.Start, authlab.Options{ServerOptions: base.ServerOptions{Faults: labtest.Faults(t, "code:GET=404 no")}})
	if _, err := oauth.Discover(t.Context(), web.Issuer(), nil, &protocols.Options{}); protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("no metadata: %v", err)
	}
	s := labtest.Start(t, authlab.Start, authlab.Options{})
	other := strings.Replace(s.Issuer(), "127.0.0.1", "localhost", 1)
	if _, err := oauth.Discover(t.Context(), other, nil, &protocols.Options{}); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("another issuer: %v", err)
	}
}
