package transport

import (
	"strings"
	"testing"
)

// TestHeadText: text is kept, without secrets and half characters; all else is not.
func TestHeadText(t *testing.T) {
	for _, c := range []struct {
		name, in string
		cut      bool
		want     string
	}{
		{"text", "a\tb\r\nc", false, "a\tb\r\nc"},
		{"binary", "PK\x03\x04", false, ""},
		{"not UTF-8", "a\xff", false, ""},
		{"cut inside of a character", "aü"[:2], true, "a"},
		{"not cut", "aü"[:2], false, ""},
		{"cut after a character", "aü", true, "aü"},
		{"JSON", `{"access_token":"abc\"def","expires_in":3600,"refresh_token": "x`, true, `{"access_token":****,"expires_in":3600,"refresh_token": ****`},
		{"form", "user=alice&password=s3cret&x=1", false, "user=alice&password=****&x=1"},
		{"key", "api_key: abc", false, "api_key: ****"},
		{"empty", "", false, ""},
	} {
		if got := headText([]byte(c.in), c.cut); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestHeadsAreBounded(t *testing.T) {
	var h heads
	for range 100 {
		h.add(&h.in, []byte(strings.Repeat("x", 1000)))
	}
	if got := h.take(&h.in, 100_000); len(got) != maxSample {
		t.Errorf("%d bytes kept", len(got))
	}
	if got := h.take(&h.in, 5); got != "" {
		t.Errorf("kept after it was reported: %q", got)
	}
}
