package cookiedate

import (
	"testing"
	"time"
)

// TestParse: a date is read by its tokens, in whatever form (RFC 6265 5.1.1).
func TestParse(t *testing.T) {
	want := time.Date(2032, 6, 9, 10, 18, 14, 0, time.UTC)
	for _, text := range []string{
		"Wed, 09 Jun 2032 10:18:14 GMT", "Wednesday, 09-Jun-32 10:18:14 GMT", "Wed Jun  9 10:18:14 2032", "Wed, 9 Jun 2032 10:18:14 GMT",
		"Wed, 09-Jun-2032 10:18:14 GMT", "Wed Jun 09 2032 10:18:14 GMT+0200 (CEST)", "9 jun 2032 10:18:14", "10:18:14 9th JUNE 2032", "09/Jun/2032, 10:18:14",
	} {
		if got, ok := Parse(text); !ok || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	for text, year := range map[string]int{"1 jan 70 0:0:0": 1970, "1 jan 69 0:0:0": 2069, "1 jan 99 0:0:0": 1999, "1 jan 00 0:0:0": 2000, "1 jan 1601 0:0:0": 1601} {
		if got, ok := Parse(text); !ok || got.Year() != year {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "soon", "Wed, 09 Jun 2032", "10:18:14 GMT", "09 2032 10:18:14", "30 Feb 2032 10:18:14", "0 Jun 2032 10:18:14", "9 Jun 1600 10:18:14",
		"9 Jun 2032 24:18:14", "9 Jun 2032 10:60:14", "9 Jun 2032 10:18", "9 Jun 20321 10:18:14",
	} {
		if got, ok := Parse(text); ok {
			t.Errorf("%q is a date: %v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Wed, 09 Jun 2032 10:18:14 GMT")
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := Parse(s); ok && d.Year() < 1601 {
			t.Errorf("%q: %v", s, d)
		}
	})
}
