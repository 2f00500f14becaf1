package httpauth

import (
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Digest is a Digest challenge, and how often it was answered (RFC 7616).
type Digest struct {
	realm, nonce, opaque, algorithm string
	hash                            func() hash.Hash
	session                         bool   // a -sess algorithm
	qop                             string // auth, or auth-int, over the body too; empty: RFC 2069
	userhash                        bool
	stale                           bool
	strength                        int
	count                           int
	accepted                        bool
	cnonce                          string
	fixed                           string // cnonce of a test; empty: a random one
}

// digestHashes are the algorithms, with their strength.
var digestHashes = map[string]struct {
	new      func() hash.Hash
	strength int
}{
	"":            {md5.New, 1},
	"MD5":         {md5.New, 1},
	"SHA-256":     {sha256.New, 3},
	"SHA-512-256": {sha512.New512_256, 2}, // rare, and servers differ over it
}

// qops are the qualities of protection; the first one that is offered is taken, as
// auth-int reads each body twice.
var qops = []string{"auth", "auth-int"}

// Strongest returns the best of the Digest challenges, or nil.
func Strongest(offers []Challenge) *Digest {
	var best *Digest
	for _, o := range offers {
		if o.Scheme != "digest" {
			continue
		}
		if d := NewDigest(o.Params); d != nil && (best == nil || d.strength > best.strength) {
			best = d
		}
	}
	return best
}

// NewDigest returns the state of a Digest challenge with these parameters, or nil for one
// that cannot be answered.
func NewDigest(p map[string]string) *Digest {
	name := strings.ToUpper(p["algorithm"])
	base, session := strings.CutSuffix(name, "-SESS")
	h, ok := digestHashes[base]
	if !ok || p["nonce"] == "" {
		return nil
	}
	d := &Digest{
		realm: p["realm"], nonce: p["nonce"], opaque: p["opaque"], algorithm: p["algorithm"],
		hash: h.new, strength: h.strength, session: session,
		stale: strings.EqualFold(p["stale"], "true"), userhash: strings.EqualFold(p["userhash"], "true"),
	}
	if qop, given := p["qop"]; given {
		words := strings.FieldsFunc(strings.ToLower(qop), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
		i := slices.IndexFunc(qops, func(q string) bool { return slices.Contains(words, q) })
		if i < 0 {
			return nil
		}
		d.qop = qops[i]
	}
	return d
}

// Renews reports whether the server asks for the same login with a new nonce: it says that
// the old one is stale, or it has accepted the old one before and has nonces of one use.
func (d *Digest) Renews(old *Digest) bool {
	return d.stale || old.accepted && d.nonce != old.nonce
}

// Accepted notes that the server took the login. info is the value of
// Authentication-Info, which may hold the nonce of the next request (RFC 7616 3.5).
func (d *Digest) Accepted(info string) {
	d.accepted = true
	if info == "" {
		return
	}
	c := Challenge{Params: map[string]string{}}
	(&Scanner{info}).params(&c)
	if next := c.Params["nextnonce"]; next != "" && next != d.nonce {
		d.nonce, d.count = next, 0
	}
}

func (d *Digest) sum(parts ...string) string {
	h := d.hash()
	fmt.Fprint(h, strings.Join(parts, ":"))
	return hex.EncodeToString(h.Sum(nil))
}

// over returns the hash of a body, which is then where it was.
func (d *Digest) over(body io.Reader) (string, error) {
	h := d.hash()
	if body != nil {
		s, ok := body.(io.Seeker)
		if !ok {
			return "", &protocols.Error{
				Kind: protocols.KindRefused, Text: "the server wants the body's hash in the login, and the body can be read only once", Hint: "take it from a file",
			}
		}
		at, err := s.Seek(0, io.SeekCurrent)
		if err == nil {
			_, err = io.Copy(h, body)
		}
		if err == nil {
			_, err = s.Seek(at, io.SeekStart)
		}
		if err != nil {
			return "", &protocols.Error{Kind: protocols.KindLocal, Err: err}
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Authorization returns the value of Authorization for one request. body is read only for
// auth-int, and then it must be an [io.Seeker].
func (d *Digest) Authorization(method, uri string, body io.Reader, cred protocols.Credential) (string, error) {
	if strings.ContainsAny(cred.User, "\r\n\x00") {
		return "", protocols.UsageError("", "", "a line break in the user name")
	}
	if d.count++; d.count == 1 {
		d.cnonce = cmp.Or(d.fixed, rand.Text())
	}
	nc := fmt.Sprintf("%08x", d.count)
	a1 := d.sum(cred.User, d.realm, cred.Password)
	if d.session {
		a1 = d.sum(a1, d.nonce, d.cnonce)
	}
	a2 := d.sum(method, uri)
	if d.qop == "auth-int" {
		hash, err := d.over(body)
		if err != nil {
			return "", err
		}
		a2 = d.sum(method, uri, hash)
	}
	response := d.sum(a1, d.nonce, a2)
	if d.qop != "" {
		response = d.sum(a1, d.nonce, nc, d.cnonce, d.qop, a2)
	}
	user := cred.User
	if d.userhash {
		user = d.sum(cred.User, d.realm)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Digest username=%s, realm=%s, nonce=%s, uri=%s, response=%s", Quote(user), Quote(d.realm), Quote(d.nonce), Quote(uri), Quote(response))
	if d.algorithm != "" {
		b.WriteString(", algorithm=" + d.algorithm)
	}
	if d.opaque != "" {
		b.WriteString(", opaque=" + Quote(d.opaque))
	}
	if d.qop != "" {
		fmt.Fprintf(&b, ", qop=%s, nc=%s, cnonce=%s", d.qop, nc, Quote(d.cnonce))
	} else if d.session {
		b.WriteString(", cnonce=" + Quote(d.cnonce))
	}
	if d.userhash {
		b.WriteString(", userhash=true")
	}
	return b.String(), nil
}

// Quote returns a quoted string (RFC 9110 5.6.4).
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
