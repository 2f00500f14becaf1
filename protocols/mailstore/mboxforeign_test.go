package mailstore

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/internal/mailhead"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestForeignMbox: files of other programs are read as they mean it: no two messages
// become one, and none loses or gains a byte.
func TestForeignMbox(t *testing.T) {
	const dated, one, two = "From a@x Mon Jan  1 10:00:00 2024\n", "Subject: one\n\nx\n", "Subject: two\n\ny\n"
	crlf := strings.NewReplacer("\n", "\r\n").Replace
	for _, test := range []struct {
		name, file string
		want       []string // nil: the file is refused
	}{
		{"plain", dated + one + "\n" + dated + two + "\n", []string{one, two}},
		{"no empty line between", dated + one + dated + two, []string{one, two}},
		{"line ends of Windows", crlf(dated + one + "\n" + dated + two + "\n"), []string{crlf(one), crlf(two)}},
		{"line ends of Windows, no empty line", crlf(dated + one + dated + two), []string{crlf(one), crlf(two)}},
		{"no line end at the end", dated + one + "\n" + dated + "Subject: two\n\ny", []string{one, "Subject: two\n\ny"}},
		{"no sender", "From \n" + one + "\nFrom \n" + two + "\n", []string{one, two}},
		{"Thunderbird", "From - \n" + one + "\nFrom -\n" + two, []string{one, two}},
		{"no date", "From a@x\n" + one + "\nFrom b@x\n" + two + "\n", []string{one, two}},
		{"date of a header", "From a@x Mon, 01 Jan 2024 10:00:00 +0000\n" + one + "\nFrom a@x Mon, 01 Jan 2024 10:00:00 +0000\n" + two + "\n", []string{one, two}},
		{"short numbers", "From nobody Tue Jan 2 1:2:3 2024\n" + one + "\n", []string{one}},
		{"date of ISO 8601", "From a@x 2024-01-01T10:00:00Z\n" + one + "\nFrom a@x 2024-01-01 10:00:00\n" + two + "\n", []string{one, two}},
		{"date of ISO 8601 later", dated + one + "\nFrom a 2024-01-01T10:00:00+01:00\n" + two + "\n", []string{one, two}},
		{"year of two digits", dated + one + "\nFrom a Mon Jan  1 10:00:00 98\n" + two + "\n", []string{one, two}},
		{"no year", dated + one + "\nFrom a@x Mon Jan  1 10:00\n" + two + "\n", []string{one, two}},
		{"a time in a text", dated + one + "\nFrom 10:30 on we: talk\nnote: x\n\n", []string{one + "\nFrom 10:30 on we: talk\nnote: x\n"}},
		{"lines that end in CR alone", strings.ReplaceAll(dated+one+"\n"+dated+two+"\n", "\n", "\r"), nil},
		{"mixed", dated + one + "\nFrom \n" + two + "\nFrom - \n" + one + "\n" + dated + two + "\n", []string{one, two, one, two}},
		{"bare, no empty line", dated + one + "From - \n" + two, []string{one, two}},
		{"text that begins so", dated + one + "\nFrom now on\nall: is well\n\nFrom here\nto there\n\n", []string{one + "\nFrom now on\nall: is well\n\nFrom here\nto there\n"}},
		{"two empty lines", dated + one + "\n\n" + dated + two + "\n", []string{one + "\n", two}},
		{"no mbox", "Subject: x\n\nFrom - \n" + one, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "mbox")
			if err := os.WriteFile(path, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			m := NewMbox(nil)
			var got []string
			var bad error
			for e, err := range m.List(t.Context(), path) {
				if bad = err; err != nil {
					break
				}
				got = append(got, e.Path)
			}
			for i, name := range got {
				got[i] = labtest.Read(t, m, name)
			}
			if (bad != nil) != (test.want == nil) || !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q, %v", got, test.want, bad)
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != test.file {
				t.Errorf("the file is %q now, %v", b, err)
			}
		})
	}
}

// TestFromDates: the forms in which programs write the time of a message.
func TestFromDates(t *testing.T) {
	want := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	for _, text := range []string{"Mon Jan  1 10:00:00 2024", "Mon Jan  1 12:00:00 +0200 2024", "Mon, 1 Jan 2024 11:00:00 +0100"} {
		if got := dateOf("From a@x " + text); !got.Equal(want) {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestHeaderText: subjects as programs write them, and as a person reads them.
func TestHeaderText(t *testing.T) {
	for raw, want := range map[string]string{
		"=?iso-8859-1*sv?Q?=E5r?=":               "år",
		"=?UTF-8*de-DE?B?w7w=?=":                 "ü",
		"=?utf-7?Q?Hi_+AOQ-_+-?=":                "Hi ä +",
		"=?unicode-1-1-utf-7?Q?+2D3eAA-?=":       "😀",
		"=?iso-8859-1?Q?gr\xfc\xdfe?=":           "grüße",
		"=?utf-8?Q?gr\xc3\xbc=C3=9Fe?= \xc3\xa4": "grüße ä",
		"raw \xe4\xf6 bytes":                     "raw \uFFFD bytes",
		"folded\tby a tab":                       "folded by a tab",
		"=?unknown-8bit?Q?x?=":                   "=?unknown-8bit?Q?x?=",
	} {
		if got := mailhead.Text(raw, charset.Reader); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}
