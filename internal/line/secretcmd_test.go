package line

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// say sends lines as raw commands, one after the other, and returns the replies.
func say(t *testing.T, c *Client[*toy], lines ...string) (replies []string, err error) {
	t.Helper()
	for _, l := range lines {
		err = c.Raw(t.Context(), l, func(_ context.Context, s *toy) error {
			if err := s.QueueRaw(l); err != nil {
				return err
			}
			r, err := s.Answer()
			if err == nil {
				s.Mask.Reply(r)
				replies = append(replies, r.Text())
			}
			return err
		})
		if err != nil {
			return replies, err
		}
	}
	return replies, nil
}

// TestRawSecrets: what a raw command carries of a secret goes only where a secret may,
// and neither trace nor reply nor error shows it.
func TestRawSecrets(t *testing.T) {
	code := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	echo := func(line string) string {
		switch {
		case strings.HasPrefix(line, "AUTH") && len(strings.Fields(line)) == 2:
			return "334 \r\n"
		}
		return "501 what is " + line + ", or hunter22?\r\n"
	}
	tests := []struct {
		name  string
		lines []string
		far   bool
		sent  int // of the lines
	}{
		{"password", []string{"PASS hunter22"}, false, 1},
		{"blanks and case", []string{" \tpass  hunter22"}, false, 1},
		{"initial response", []string{"AUTH PLAIN " + code("\x00joe\x00hunter22")}, false, 1},
		{"response", []string{"AUTH PLAIN", code("\x00joe\x00hunter22")}, false, 2},
		{"response to LOGIN", []string{"AUTH LOGIN", code("hunter22")}, false, 2},
		{"news", []string{"AUTHINFO PASS hunter22"}, false, 1},
		{"IMAP", []string{`LOGIN joe "hunter22"`}, false, 1},
		{"far: password", []string{"PASS hunter22"}, true, 0},
		{"far: initial response", []string{"AUTH PLAIN " + code("\x00joe\x00hunter22")}, true, 0},
		{"far: response", []string{"AUTH LOGIN", code("hunter22")}, true, 1},
		{"far: proof", []string{"AUTH CRAM-MD5", code("joe hunter22")}, true, 2},
		{"far: canceled", []string{"AUTH LOGIN", "*"}, true, 2},
		{"far: no secret", []string{"AUTH TLS"}, true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{answer: echo}
			c, trace := connect(t, s, tt.far)
			replies, err := say(t, c, tt.lines...)
			if tt.sent < len(tt.lines) {
				if !errors.Is(err, protocols.ErrCleartext) {
					t.Errorf("%v, want %v", err, protocols.ErrCleartext)
				}
			} else if err != nil {
				t.Error(err)
			}
			if got, want := s.seen(), strings.Join(tt.lines[:tt.sent], "|"); got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
			all := trace() + strings.Join(replies, "\n")
			secret := tt.lines[len(tt.lines)-1]
			if strings.Contains(strings.Join(tt.lines, " "), "hunter22") && strings.Contains(all, "hunter22") || strings.Contains(all, code("hunter22")) ||
				len(secret) > 12 && strings.Contains(all, secret) {
				t.Errorf("shown:\n%s", all)
			}
		})
	}
}

// TestRawSecretThatCannotBeSent: the error of a line that is none does not show it.
func TestRawSecretThatCannotBeSent(t *testing.T) {
	s := &server{answer: func(string) string { return "250 ok\r\n" }}
	c, _ := connect(t, s, false)
	_, err := say(t, c, "PASS hunter22\r\nQUIT")
	if protocols.KindOf(err) != protocols.KindUsage || strings.Contains(err.Error(), "hunter22") || s.sessions != 0 {
		t.Errorf("%v, %d sessions", err, s.sessions)
	}
}
