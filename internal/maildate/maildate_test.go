package maildate

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"Mon, 02 Jan 2006 15:04:05 -0700":                          "2006-01-02T22:04:05Z",
		"Mon, 2 Jan 2006 15:04:05 +0000 (UTC)":                     "2006-01-02T15:04:05Z",
		"2 Jan 2006 15:04:05 GMT":                                  "2006-01-02T15:04:05Z",
		"2 Jan 2006 15:04 UT":                                      "2006-01-02T15:04:00Z",
		"2 Jan 2006 15:04:05 Z":                                    "2006-01-02T15:04:05Z",
		"Mon, 2 Jan 06 15:04:05 EST":                               "2006-01-02T20:04:05Z",
		"Mon, 2 Jan 06 15:04:05 EDT":                               "2006-01-02T19:04:05Z",
		"2 Jan 2006 15:04:05 CST":                                  "2006-01-02T21:04:05Z",
		"2 Jan 2006 15:04:05 CDT":                                  "2006-01-02T20:04:05Z",
		"2 Jan 2006 15:04:05 MST":                                  "2006-01-02T22:04:05Z",
		"2 Jan 2006 15:04:05 MDT":                                  "2006-01-02T21:04:05Z",
		"2 Jan 2006 15:04:05 PST":                                  "2006-01-02T23:04:05Z",
		"2 Jan 2006 15:04:05 PDT":                                  "2006-01-02T22:04:05Z",
		"2 Jan 2006 15:04:05 AST":                                  "2006-01-02T19:04:05Z",
		"2 jul 1994 15:04:05 est":                                  "1994-07-02T20:04:05Z",
		"Sunday, 06-Nov-94 08:49:37 GMT":                           "1994-11-06T08:49:37Z",
		"06-Nov-1994 08:49:37 +0100":                               "1994-11-06T07:49:37Z",
		"Sun Nov  6 08:49:37 1994":                                 "1994-11-06T08:49:37Z",
		"Sun Nov  6 08:49:37 GMT 1994":                             "1994-11-06T08:49:37Z",
		"Sun Nov  6 08:49:37 1994 PST":                             "1994-11-06T16:49:37Z",
		"Monday, 2 January 2006 15:04:05 +0100":                    "2006-01-02T14:04:05Z",
		"Mon , 2 Jan 2006 15:04:05 +0100":                          "2006-01-02T14:04:05Z",
		"Mon,2 Jan 2006 15:04:05 +0100":                            "2006-01-02T14:04:05Z",
		"Jan 2, 2006 15:04:05":                                     "2006-01-02T15:04:05Z",
		"2 Sept. 2006 15:04:05":                                    "2006-09-02T15:04:05Z",
		"2 Jan 70 15:04:05 GMT":                                    "1970-01-02T15:04:05Z",
		"2 Jan 68 15:04:05 GMT":                                    "2068-01-02T15:04:05Z",
		"2 Jan 106 15:04:05 GMT":                                   "2006-01-02T15:04:05Z",
		"2 Jan 2006 15.04.05 +0100":                                "2006-01-02T14:04:05Z",
		"2 Jan 2006 15:04:05+0100":                                 "2006-01-02T14:04:05Z",
		"2 Jan 2006 15:04:05 +01:00":                               "2006-01-02T14:04:05Z",
		"2 Jan 2006 15:04:05 GMT+0100":                             "2006-01-02T14:04:05Z",
		"2 Jan 2006 15:04:05 0100":                                 "2006-01-02T14:04:05Z",
		"2 Jan 2006 15:04:05.123 +0100":                            "2006-01-02T14:04:05Z",
		"2 Jan 2006 15:04:05 CET":                                  "2006-01-02T15:04:05Z", // an unknown name says nothing
		"2 Jan 2006 15:04:05 -0000":                                "2006-01-02T15:04:05Z",
		"Thu, 31 Dec 1998 23:59:60 GMT":                            "1999-01-01T00:00:00Z",
		"Mon (a day), 2 (the second (of)) Jan 2006 15:04:05 +0100": "2006-01-02T14:04:05Z",
		"2006-01-02T15:04:05+01:00":                                "2006-01-02T14:04:05Z",
		"":                                                         "",
		"yesterday":                                                "",
		"2 Jan 2006":                                               "",
		"31 Feb 2006 15:04:05 GMT":                                 "",
		"2 Jan 2006 25:04:05 GMT":                                  "",
		"2 Jan 2006 15:64:05 GMT":                                  "",
		"2 Foo 2006 15:04:05 GMT":                                  "",
		"99 Jan 2006 15:04:05 GMT":                                 "",
		"2 Jan 99999 15:04:05 GMT":                                 "",
		"2 Jan 2006 15:04:05 what is this zone to":                 "",
		"Mon, 2 Jan 2006 15:04:05 -07000000000000":                 "",
	} {
		at, ok := Parse(text)
		got := ""
		if ok {
			got = at.UTC().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestZone: the zone that a date states stays.
func TestZone(t *testing.T) {
	at, ok := Parse("Mon, 2 Jan 2006 15:04:05 EST")
	if got := at.Format(time.RFC1123Z); !ok || got != "Mon, 02 Jan 2006 15:04:05 -0500" {
		t.Errorf("%s, %v", got, ok)
	}
}

// FuzzParse: no text leads to a crash, or to a time outside of what can be printed.
func FuzzParse(f *testing.F) {
	f.Add("Mon, 02 Jan 2006 15:04:05 -0700")
	f.Add("Sunday, 06-Nov-94 08:49:37 GMT+1")
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := Parse(text)
		if ok && (at.Year() < 0 || at.Year() > 10000) {
			t.Errorf("%q: %v", text, at)
		}
	})
}

// TestUsualForm: the form that is read quickly means what it means in the other way.
func TestUsualForm(t *testing.T) {
	for _, text := range []string{
		"Mon, 02 Jan 2006 15:04:05 -0700", "Tue, 3 Jan 2006 00:00:00 +0000", "Tue, 3 Jan 2006 00:00:00 -0000", "Wed, 31 Dec 1969 23:59:59 +0530",
		"Mon, 30 Feb 2006 15:04:05 +0000", "Mon, 02 Jan 2006 15:04:60 +0000", "Mon, 02 Jan 2006 15:04:05.75 +0100", "Mon, 02 Jan 2006 24:00:00 +0000",
	} {
		t.Run(text, func(t *testing.T) {
			got, ok := Parse(text)
			want, wantOK := parseAny(text)
			if ok != wantOK || !got.Equal(want) || got.Format(time.RFC3339Nano) != want.Format(time.RFC3339Nano) {
				t.Errorf("%v %v, want %v %v", got, ok, want, wantOK)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		Parse("Mon, 02 Jan 2006 15:04:05 -0700")
	}
}

func BenchmarkParseAny(b *testing.B) {
	for b.Loop() {
		Parse("02 Jan 2006 15:04:05 -0700 (MST)")
	}
}
