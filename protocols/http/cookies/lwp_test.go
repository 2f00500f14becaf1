package cookies

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// lwpJar is as Python's LWPCookieJar writes it.
const lwpJar = `#LWP-Cookies-2.0
Set-Cookie3: sid="a \"b\" c"; path="/"; domain="host.example"; path_spec; discard; HttpOnly=None; version=0
Set-Cookie3: lang=de; path="/sub"; domain=".a.example"; path_spec; domain_dot; secure; expires="2030-01-02 03:04:05Z"; version=0
`

// TestJarOfLWP: the format of libwww-perl is read, and written so that both formats
// hold the same cookies.
func TestJarOfLWP(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	j := NewJar()
	if err := j.Load(strings.NewReader(lwpJar), now); err != nil {
		t.Fatal(err)
	}
	all := j.Cookies()
	if len(all) != 2 || all[0].Domain != "a.example" || all[0].HostOnly || !all[0].Secure || all[0].Expires.Unix() != 1893553445 ||
		all[1].Value != `a "b" c` || !all[1].HostOnly || !all[1].HTTPOnly || !all[1].Expires.IsZero() {
		t.Errorf("%+v", all)
	}
	for _, save := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return j.Save(b, true, now) }, func(b *bytes.Buffer) error { return j.SaveLWP(b, true, now) },
	} {
		var b bytes.Buffer
		again := NewJar()
		if err := save(&b); err != nil {
			t.Fatal(err)
		}
		if err := again.Load(&b, now); err != nil {
			t.Fatal(err)
		}
		for i, c := range again.Cookies() {
			c.Expires, all[i].Expires = c.Expires.UTC(), all[i].Expires.UTC()
			if fmt.Sprintf("%+v", c) != fmt.Sprintf("%+v", all[i]) {
				t.Errorf("%+v is not %+v", c, all[i])
			}
		}
	}
	for _, bad := range []string{"Set-Cookie3:", "Set-Cookie3: a=b", `Set-Cookie3: a=b; path="/"; domain="x`, `Set-Cookie3: a=b; path="/"; domain=x; expires=soon`, `Set-Cookie3: a=b path=/`} {
		if err := NewJar().Load(strings.NewReader(bad+"\n"), now); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
