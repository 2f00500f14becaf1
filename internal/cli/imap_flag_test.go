package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// TestFlagWithMinus: -Seen takes the flag away, as the flags of the command line stay what
// they are.
func TestFlagWithMinus(t *testing.T) {
	s, err := maillab.StartIMAP(maillab.IMAPOptions{PreAuth: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run := func(args ...string) string {
		var out, told bytes.Buffer
		if code := Main(t.Context(), args, strings.NewReader(""), &out, &told); code != 0 {
			t.Fatal(args, code, told.String())
		}
		return out.String()
	}
	url := s.URL() + "INBOX;UID=1"
	run("imap", "flag", "-q", url, "Seen", "Flagged")
	run("imap", "flag", url, "-Seen", "-q", `-\Answered`, "+Draft")
	if got := run("stat", "--jq", `.flags | sort | join(" ")`, url); strings.TrimSpace(got) != `\Draft \Flagged` {
		t.Errorf("flags %q", got)
	}
}
