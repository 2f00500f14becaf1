// Package authlab has an authorization server for tests: metadata (RFC 8414), the
// device flow (RFC 8628), a page that lets everybody in and sends the browser back, with
// PKCE (RFC 6749, 7636), tokens that end and are refreshed, revocation (RFC 7009), and
// introspection (RFC 7662) for servers that are shown the tokens.
package authlab

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// Options configure Start.
type Options struct {
	base.ServerOptions
	Client       string        // id of the only client; empty: every one
	Lifetime     time.Duration // of an access token; 0: an hour
	Pending      int           // how often the device flow says "not yet"
	Deny         bool          // whoever logs in is refused
	KeepRefresh  bool          // a refresh token may be used more than once
	NoRevocation bool          // there is no endpoint for that
}

// Server is a running authorization server.
type Server struct {
	*weblab.HTTPServer
	o Options

	mu      sync.Mutex
	codes   map[string]grant // guarded by mu, as what follows
	devices map[string]int   // how often each was asked for
	access  map[string]grant
	refresh map[string]grant
	count   map[string]int // requests, by grant type
}

// grant is what a code or token stands for.
type grant struct {
	challenge, redirect string
	ends                time.Time
	family              string // of the login: it is revoked as a whole
}

// Start starts a server; the caller closes it.
func Start(o Options) (*Server, error) {
	if o.Lifetime == 0 {
		o.Lifetime = time.Hour
	}
	s := &Server{o: o, codes: map[string]grant{}, devices: map[string]int{}, access: map[string]grant{}, refresh: map[string]grant{}, count: map[string]int{}}
	var err error
	s.HTTPServer, err = weblab.StartHTTP(weblab.HTTPOptions{ServerOptions: o.ServerOptions, Handler: s.answer})
	return s, err
}

// Issuer is the URL of the server, as its metadata has it.
func (s *Server) Issuer() string { return strings.TrimSuffix(s.URL(), "/") }

// SetLifetime changes how long tokens last from now on; 0 is an hour.
func (s *Server) SetLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.Lifetime = d; d == 0 {
		s.o.Lifetime = time.Hour
	}
}

// Count returns how many requests for tokens of a grant type there were.
func (s *Server) Count(grantType string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[grantType]
}

// Valid reports whether an access token is good now.
func (s *Server) Valid(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, known := s.access[token]
	return known && time.Now().Before(g.ends)
}

// Refreshable returns how many refresh tokens are good.
func (s *Server) Refreshable() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.refresh)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) bool {
	do := map[string]func(http.ResponseWriter, *http.Request){
		"/.well-known/oauth-authorization-server": s.metadata, "/authorize": s.authorize, "/device": s.device, "/token": s.token, "/introspect": s.introspect,
		"/revoke": s.revoke,
	}[r.URL.Path]
	if do == nil || r.URL.Path == "/revoke" && s.o.NoRevocation {
		return false
	}
	do(w, r)
	return true
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // to a client that may be gone
}

func refuse(w http.ResponseWriter, code string) {
	reply(w, http.StatusBadRequest, map[string]string{"error": code, "error_description": "the lab says no"})
}

func (s *Server) metadata(w http.ResponseWriter, _ *http.Request) {
	m := map[string]any{
		"issuer": s.Issuer(), "authorization_endpoint": s.Issuer() + "/authorize", "token_endpoint": s.Issuer() + "/token",
		"device_authorization_endpoint": s.Issuer() + "/device", "introspection_endpoint": s.Issuer() + "/introspect",
		"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"},
	}
	if !s.o.NoRevocation {
		m["revocation_endpoint"] = s.Issuer() + "/revoke"
	}
	reply(w, http.StatusOK, m)
}

// authorize is the page: it lets everybody in at once.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || back.Hostname() != "127.0.0.1" || !s.client(q.Get("client_id")) {
		refuse(w, "invalid_request")
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	if s.o.Deny || q.Get("code_challenge_method") != "S256" {
		answer.Set("error", "access_denied")
	} else {
		code := rand.Text()
		s.mu.Lock()
		s.codes[code] = grant{challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri"), ends: time.Now().Add(time.Minute)}
		s.mu.Unlock()
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (s *Server) client(id string) bool { return s.o.Client == "" && id != "" || s.o.Client == id }

func (s *Server) device(w http.ResponseWriter, r *http.Request) {
	if !s.client(r.PostFormValue("client_id")) {
		refuse(w, "invalid_client")
		return
	}
	code := rand.Text()
	s.mu.Lock()
	s.devices[code] = 0
	s.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{
		"device_code": code, "user_code": "LAB-CODE", "verification_uri": s.Issuer() + "/enter", "expires_in": 60, "interval": 1,
	})
}

// token returns tokens for codes of all kinds.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	kind := r.PostFormValue("grant_type")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[kind]++
	if !s.client(r.PostFormValue("client_id")) {
		refuse(w, "invalid_client")
		return
	}
	family, code := s.granted(kind, r)
	if code != "" {
		refuse(w, code)
		return
	}
	access, next := rand.Text(), rand.Text()
	s.access[access] = grant{ends: time.Now().Add(s.o.Lifetime), family: family}
	s.refresh[next] = grant{family: family}
	reply(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": max(1, int(s.o.Lifetime.Seconds())), "refresh_token": next})
}

// granted judges a request for tokens: the login that it belongs to, or an error code.
// The caller holds mu.
func (s *Server) granted(kind string, r *http.Request) (family, failure string) {
	switch kind {
	case "authorization_code":
		return s.redeemed(r)
	case "refresh_token":
		old := r.PostFormValue("refresh_token")
		g, known := s.refresh[old]
		if !known {
			return "", "invalid_grant"
		}
		if !s.o.KeepRefresh {
			delete(s.refresh, old)
		}
		return g.family, ""
	case "urn:ietf:params:oauth:grant-type:device_code":
		return s.polled(r.PostFormValue("device_code"))
	}
	return "", "unsupported_grant_type"
}

func (s *Server) redeemed(r *http.Request) (family, failure string) {
	code := r.PostFormValue("code")
	g, known := s.codes[code]
	delete(s.codes, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !known || time.Now().After(g.ends) || g.redirect != r.PostFormValue("redirect_uri") || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return "", "invalid_grant"
	}
	return rand.Text(), ""
}

func (s *Server) polled(code string) (family, failure string) {
	n, known := s.devices[code]
	switch {
	case !known:
		return "", "expired_token"
	case s.o.Deny:
		return "", "access_denied"
	case n < s.o.Pending:
		s.devices[code] = n + 1
		return "", "authorization_pending"
	}
	delete(s.devices, code)
	return rand.Text(), ""
}

// introspect says whether a token is good (RFC 7662).
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	token := r.FormValue("token")
	if token == "" {
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	if !s.Valid(token) {
		reply(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	user := s.Credentials().User
	reply(w, http.StatusOK, map[string]any{"active": true, "username": user, "sub": user, "scope": "mail"})
}

// revoke ends the login that a token belongs to.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	token := r.PostFormValue("token")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range []map[string]grant{s.refresh, s.access} {
		if g, known := list[token]; known {
			for _, of := range []map[string]grant{s.refresh, s.access} {
				for t, other := range of {
					if other.family == g.family {
						delete(of, t)
					}
				}
			}
			break
		}
	}
	reply(w, http.StatusOK, map[string]any{})
}
