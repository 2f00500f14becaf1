package httpauth

import (
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestDigestOfTheRFC: the examples of RFC 7616 section 3.9.
func TestDigestOfTheRFC(t *testing.T) {
	const common = `realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	for algorithm, want := range map[string]string{
		"MD5": "8ca523f5e9506fed4657c9700eebdbec", "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		offers := Parse([]string{"Digest " + common + ", algorithm=" + algorithm})
		d := Strongest(offers)
		if d == nil {
			t.Fatalf("%s: %+v", algorithm, offers)
		}
		got := digestWith(d, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "GET", "/dir/index.html", protocols.Credential{User: "Mufasa", Password: "Circle of Life"})
		if !strings.Contains(got, `response="`+want+`"`) || !strings.Contains(got, "nc=00000001") {
			t.Errorf("%s: %s", algorithm, got)
		}
	}
	both := Parse([]string{`Basic realm="a, b", Digest nonce="x", qop="auth", algorithm=MD5, Digest nonce="y", qop=auth, algorithm=SHA-256`, "Negotiate abc=="})
	if d := Strongest(both); len(both) != 4 || d == nil || d.nonce != "y" || both[0].Params["realm"] != "a, b" || both[3].Token != "abc==" {
		t.Errorf("%+v", both)
	}
	for _, bad := range []string{`Digest realm="x"`, `Digest nonce="x", algorithm=ROT13`, `Digest nonce="x", qop="auth-more"`} {
		if d := Strongest(Parse([]string{bad})); d != nil {
			t.Errorf("%s can be answered: %+v", bad, d)
		}
	}
}

// digestWith answers with a given client nonce.
func digestWith(d *Digest, cnonce, method, uri string, cred protocols.Credential) string {
	d.fixed = cnonce
	value, _ := d.Authorization(method, uri, nil, cred)
	return value
}

func FuzzChallenge(f *testing.F) {
	for _, s := range []string{`Basic realm="x"`, `Digest nonce="a", qop="auth,auth-int", algorithm=SHA-256-sess, Basic`, "Negotiate ab==, Bearer", `Digest realm="a\"b`, ",,,="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		offers := Parse([]string{s})
		if len(offers) > maxChallenges {
			t.Errorf("%d challenges", len(offers))
		}
		if d := Strongest(offers); d != nil {
			if got, err := d.Authorization("GET", "/", nil, protocols.Credential{User: "u", Password: "p"}); err != nil || !strings.ContainsAny(s, "\r\n") && strings.ContainsAny(got, "\r\n") {
				t.Errorf("a line break in %q, or %v", got, err)
			}
		}
	})
}
