package nntp

import (
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// TestRawHidesSecrets: neither a trace nor a reply shows the secret of a raw command, or
// of the response to a challenge.
func TestRawHidesSecrets(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{Answer: func(line string) string {
		switch {
		case line == "AUTHINFO SASL PLAIN":
			return "383 go on\r\n"
		case strings.Contains(line, "hunter22"), strings.Contains(line, "AGpvZ"):
			return "481 no such thing: " + line + "\r\n"
		case line == "HELP":
			return "100 help\r\nyour password is hunter22\r\n.\r\n"
		}
		return ""
	}})
	var trace strings.Builder
	c := labtest.Connect(t, New, s, &protocols.Options{Trace: func(e protocols.Event) { trace.WriteString(e.Text + "\n") }})
	note := func(r *protocols.Reply) error {
		trace.WriteString(r.Text() + "\n")
		return nil
	}
	for _, command := range []string{"AUTHINFO USER joe", "authinfo  pass hunter22", "AUTHINFO SASL PLAIN AGpvZQBodW50ZXIyMg==", "AUTHINFO SASL PLAIN", "AGpvZQBodW50ZXIyMg==", "HELP"} {
		r, err := c.Do(t.Context(), command)
		if err == nil {
			err = note(r)
		}
		if err == nil && command != "AUTHINFO SASL PLAIN" {
			err = c.Raw(t.Context(), command, note, func(line []byte) error {
				trace.Write(line)
				return nil
			})
		}
		if err != nil {
			t.Errorf("%q: %v", command, err)
		}
	}
	for _, secret := range []string{"hunter22", "AGpvZ"} {
		if strings.Contains(trace.String(), secret) {
			t.Errorf("shown: %q\n%s", secret, trace.String())
		}
	}
}

// TestNoUpgradeAfterLogin: a server that offers STARTTLS only after MODE READER, in a
// session that is logged in, gets none (RFC 4642 2.2.1).
func TestNoUpgradeAfterLogin(t *testing.T) {
	var reader bool
	s := labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}, Answer: func(line string) string {
		switch {
		case line == "MODE READER":
			reader = true
			return "200 go on\r\n"
		case line == "CAPABILITIES" && !reader:
			return "101 list\r\nVERSION 2\r\nAUTHINFO USER\r\n.\r\n"
		case strings.HasPrefix(line, "GROUP ") && !reader:
			return "401 MODE-READER\r\n"
		}
		return ""
	}})
	c := labtest.Connect(t, New, s, nil)
	if _, err := c.Group(t.Context(), "local.test"); err != nil {
		t.Errorf("%v", err)
	}
	for _, line := range s.Commands() {
		if line == "STARTTLS" {
			t.Errorf("%q", s.Commands())
		}
	}
}
