package mask

import (
	"encoding/base64"
	"strings"
	"testing"
)

func coded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// TestCommandOf: the secret of a command line is found whatever blanks and case it is
// typed with, and nothing else is taken for one.
func TestCommandOf(t *testing.T) {
	tests := []struct {
		line, shown   string
		secret, proof bool
		hidden        string // what the mask hides afterwards
	}{
		{"PASS hunter22", "PASS ****", true, false, "hunter22"},
		{"  pass\thunter22 ", "pass ****", true, false, "hunter22"},
		{"PASS two words", "PASS ****", true, false, "two words"},
		{"ACCT budget", "ACCT ****", true, false, "budget"},
		{"APOP joe c4c9334bac560ecc979e58001b3e22fb", "APOP joe ****", true, true, "c4c9334bac560ecc979e58001b3e22fb"},
		{`LOGIN joe "hun\"ter22"`, `LOGIN joe ****`, true, false, `hun"ter22`},
		{`login "joe smith" hunter22`, `login "joe smith" ****`, true, false, "hunter22"},
		{"AUTH PLAIN " + coded("\x00joe\x00hunter22"), "AUTH PLAIN ****", true, false, "hunter22"},
		{"authenticate plain " + coded("adm\x00joe\x00hunter22"), "authenticate plain ****", true, false, "hunter22"},
		{"AUTH XOAUTH2 " + coded("user=joe\x01auth=Bearer token77\x01\x01"), "AUTH XOAUTH2 ****", true, false, "token77"},
		{"AUTH SCRAM-SHA-256 " + coded("n,,n=joe,r=abcdef"), "AUTH SCRAM-SHA-256 ****", true, true, "n,,n=joe,r=abcdef"},
		{"AUTHINFO  PASS hunter22", "AUTHINFO PASS ****", true, false, "hunter22"},
		{"AUTHINFO SASL PLAIN " + coded("\x00joe\x00hunter22"), "AUTHINFO SASL PLAIN ****", true, false, "hunter22"},
		{"AUTH TLS", "AUTH TLS", false, false, ""},
		{"AUTH LOGIN", "AUTH LOGIN", false, false, ""},
		{"AUTH EXTERNAL am9l", "AUTH EXTERNAL am9l", false, false, ""},
		{"AUTHINFO USER joe", "AUTHINFO USER joe", false, false, ""},
		{"USER joe", "USER joe", false, false, ""},
		{"PASSIVE x", "PASSIVE x", false, false, ""},
		{"PASS", "PASS", false, false, ""},
		{"", "", false, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			m := &Mask{}
			c := m.Command(tt.line)
			if c.Shown != tt.shown || c.Secret != tt.secret || c.Proof != tt.proof {
				t.Errorf("%+v", c)
			}
			if tt.hidden != "" && m.Text("you said "+tt.hidden+".") != "you said ****." {
				t.Errorf("the mask shows %q", m.Text("you said "+tt.hidden+"."))
			}
			if said := m.Text("501 what is " + tt.line); tt.secret && tt.line == strings.TrimSpace(tt.line) && strings.Contains(said, strings.Fields(tt.line)[len(strings.Fields(tt.line))-1]) {
				t.Errorf("a reply shows %q", said)
			}
		})
	}
}

// TestResponseOf: the response to a challenge is secret, its cancellation is not.
func TestResponseOf(t *testing.T) {
	m := &Mask{}
	if c := m.Response(coded("hunter22"), false); c.Shown != Hidden || !c.Secret || c.Proof || m.Text("hunter22") != Hidden {
		t.Errorf("%+v", c)
	}
	if c := m.Response("*", false); c.Secret || c.Shown != "*" {
		t.Errorf("%+v", c)
	}
	if c := CommandOf("AUTH CRAM-MD5"); !c.Proving || c.Secret {
		t.Errorf("%+v", c)
	}
	if c := m.Response(coded("joe 0123456789abcdef"), true); !c.Proof {
		t.Errorf("%+v", c)
	}
}
