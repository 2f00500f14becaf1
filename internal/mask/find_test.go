package mask

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestFolded: a server may say a command back in capitals, and the digits of an escape
// or a digest in either case.
func TestFolded(t *testing.T) {
	m := &Mask{}
	m.Add("hunTer/22", "c4c9334bac")
	for _, text := range []string{"PASS HUNTER/22", "hunter/22", "hunTer%2F22", "hunTer%2f22", "C4C9334BAC", "68756e5465722f3232", "68756E5465722F3232"} {
		if got := m.Text("what is " + text + "?"); strings.ContainsAny(got, "2C") {
			t.Errorf("%q became %q", text, got)
		}
	}
	if coded := base64.StdEncoding.EncodeToString([]byte("x:HUNTER/22")); m.Text(coded) != coded {
		t.Errorf("base64 was folded: %q", m.Text(coded))
	}
}

// TestClipped: the beginning of a secret is hidden where a text was cut in it, in
// base64 too.
func TestClipped(t *testing.T) {
	m := &Mask{}
	m.Add("abcabcabcabd-secret")
	coded := base64.StdEncoding.EncodeToString([]byte("\x00joe\x00abcabcabcabd-secret"))
	for in, want := range map[string]string{
		"said abcabcabcab…":          "said ****…",
		`said "abcabcabcabcab"... x`: `said "abc****"... x`,
		"said abc…":                  "said abc…",
		"abcabcabcabd-secret…":       "****…",
		"x…y…abcab…z":                "x…y…****…z",
	} {
		if got := m.Text(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	for n := 14; n < len(coded); n++ {
		if got := m.Text("said " + coded[:n] + "…"); strings.Contains(got, coded[10:14]) {
			t.Errorf("%q is shown", got)
		}
	}
}

// TestLinear: the time for a text is in proportion to its length, whatever it holds.
func TestLinear(t *testing.T) {
	secret := strings.Repeat("a", 2000)
	coded := base64.StdEncoding.EncodeToString([]byte(secret))
	for name, unit := range map[string]string{
		"base64": coded + " ", "one run": coded[:600], "clipped": "aaaaa…", "dots": "...", "marks": "a...", "secrets": secret + " ", "plain": "hello ",
	} {
		t.Run(name, func(t *testing.T) {
			m := &Mask{}
			m.Add(secret, "aaaa", "aaab")
			took := func(n int) time.Duration {
				text := strings.Repeat(unit, n/len(unit))
				best := time.Hour
				for range 3 {
					start, times := time.Now(), 0
					for took := time.Duration(0); took < 30*time.Millisecond; took = time.Since(start) { // some clocks tick every 15 ms
						m.Text(text)
						times++
					}
					best = min(best, time.Since(start)/time.Duration(times))
				}
				return best
			}
			short, long := took(16<<10), took(256<<10)
			if long > 100*short+50*time.Millisecond { // 16 times as long; quadratic would be 256 times
				t.Errorf("16 KiB take %v, 256 KiB take %v", short, long)
			}
		})
	}
}

// TestNewestStay: a secret that is used again is not the one that is forgotten.
func TestNewestStay(t *testing.T) {
	m := &Mask{}
	m.Add("the-password")
	for i := range 3 * maxSecrets {
		m.Add(fmt.Sprintf("proof-%d-", i))
		m.Add("the-password")
	}
	if got := m.Text("the-password"); got != Hidden {
		t.Errorf("%q is shown", got)
	}
	if got := m.Text(fmt.Sprintf("proof-%d-", 3*maxSecrets-1)); got != Hidden {
		t.Errorf("the newest proof is shown: %q", got)
	}
	if n := len(m.secrets); n != maxSecrets {
		t.Errorf("%d secrets are remembered", n)
	}
}

// listError is an error whose values cannot be compared.
type listError []string

func (e listError) Error() string { return strings.Join(e, ", ") }

// TestUncomparableErrors: errors that cannot be compared are masked all the same.
func TestUncomparableErrors(t *testing.T) {
	m := &Mask{}
	m.Add("hunter22")
	same := &protocols.Error{Kind: protocols.KindAuth, Text: "no", Err: listError{"a", "b"}}
	if got := m.Error(same); got != error(same) {
		t.Errorf("%v", got)
	}
	got := m.Error(&protocols.Error{Kind: protocols.KindAuth, Text: "no", Err: listError{"hunter22", "b"}})
	if strings.Contains(got.Error(), "hunter22") || protocols.KindOf(got) != protocols.KindAuth {
		t.Errorf("%v", got)
	}
	if errors.Is(got, fs.ErrNotExist) {
		t.Error("of a class that it is not")
	}
	if got := m.Error(listError{"hunter22"}); strings.Contains(got.Error(), "hunter22") {
		t.Errorf("%v", got)
	}
}
