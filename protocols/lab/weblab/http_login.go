package weblab

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// labNonce is always the same: replays are no danger here.
const labNonce = "bGFiIG5vbmNl"

// placeAuth: /-/auth/basic, digest, digest-md5, digest-int (over the body too),
// bearer and ntlm (which nobody passes) want a login in that way.
func (s *HTTPServer) placeAuth(w http.ResponseWriter, r *http.Request) {
	if s.mayPass(w, r, rest(r)) {
		fmt.Fprintf(w, "welcome, %s\n", s.front.User.User)
	}
}

// mayPass checks a login of a kind; when it is missing or wrong it answers 401.
func (s *HTTPServer) mayPass(w http.ResponseWriter, r *http.Request, kind string) bool {
	realm := `realm="lab"`
	ok := false
	switch kind {
	case "digest", "digest-md5", "digest-int":
		name, h, qops := "SHA-256", sha256.New, "auth, auth-int"
		if kind == "digest-md5" {
			name, h = "MD5", md5.New
		}
		if kind == "digest-int" {
			qops = "auth-int"
		}
		ok = s.digestFits(r, h)
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest %s, qop="%s", algorithm=%s, nonce="%s", opaque="x"`, realm, qops, name, labNonce))
	case "ntlm":
		w.Header()["Www-Authenticate"] = []string{"Negotiate", "NTLM"}
	case "bearer":
		ok = s.opt.Token != "" && r.Header.Get("Authorization") == "Bearer "+s.opt.Token
		w.Header().Set("WWW-Authenticate", "Bearer "+realm)
	default:
		user, password, _ := r.BasicAuth()
		ok = user == s.front.User.User && password == s.front.User.Password
		w.Header().Set("WWW-Authenticate", "Basic "+realm)
	}
	if ok {
		w.Header().Del("WWW-Authenticate")
		return true
	}
	http.Error(w, "a login is wanted", http.StatusUnauthorized)
	return false
}

// digestFits checks a Digest login (RFC 7616 section 3.4).
func (s *HTTPServer) digestFits(r *http.Request, h func() hash.Hash) bool {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Digest ")
	if !ok {
		return false
	}
	p := map[string]string{}
	for _, m := range regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^,\s]*))`).FindAllStringSubmatch(text, 32) {
		p[m[1]] = m[2] + m[3]
	}
	sum := func(parts ...string) string {
		x := h()
		fmt.Fprint(x, strings.Join(parts, ":"))
		return hex.EncodeToString(x.Sum(nil))
	}
	a1, a2 := sum(s.front.User.User, "lab", s.front.User.Password), sum(r.Method, p["uri"])
	if p["qop"] == "auth-int" {
		body := h()
		io.Copy(body, io.LimitReader(r.Body, 1<<20))
		a2 = sum(r.Method, p["uri"], hex.EncodeToString(body.Sum(nil)))
	}
	return p["username"] == s.front.User.User && p["nonce"] == labNonce && p["uri"] == r.RequestURI && slices.Contains([]string{"auth", "auth-int"}, p["qop"]) &&
		p["response"] == sum(a1, labNonce, p["nc"], p["cnonce"], p["qop"], a2)
}
