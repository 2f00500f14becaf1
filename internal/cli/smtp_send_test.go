package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// TestSendWays: how the text and the recipients of a message may be given.
func TestSendWays(t *testing.T) {
	from := []string{"--from", "me@example.org"}
	tests := []struct {
		name, stdin string
		args        []string
		code        int
		commands    []string // of the server's, in their order
		stored      string   // in alice's mailbox
		out         string
	}{
		{"text from standard input, recipient as argument", "from a pipe\n", append([]string{"alice@example.org"}, from...), 0, []string{"MAIL FROM:<me@example.org>", "RCPT TO:<alice@example.org>"}, "from a pipe", "accepted"},
		{"text as flag: standard input is not read", "from a pipe\n", append([]string{"--to", "alice@example.org", "--body", "from a flag"}, from...), 0, nil, "from a flag", ""},
		{"finished, for another sender", "From: a@example.org\nTo: alice@example.org\n\nraw\n", append([]string{"--raw", "-"}, from...), 0, []string{"MAIL FROM:<me@example.org>"}, "From: a@example.org", ""},
		{"finished, without a sender", "Subject: x\n\nraw\n", []string{"--raw", "-", "--to", "alice@example.org"}, 2, nil, "", ""},
		{"finished, from nobody when asked", "Subject: x\n\nraw\n", []string{"--raw", "-", "--to", "alice@example.org", "--envelope-from", ""}, 0, []string{"MAIL FROM:<>"}, "raw", ""},
		{"quotes and literals are kept", "x\n", append([]string{`"john smith"@example.org`, "bob@[IPv6:::1]"}, from...), 6, []string{`RCPT TO:<"john smith"@example.org>`, "RCPT TO:<bob@[IPv6:::1]>"}, "", "refused"},
		{"shown", "", append([]string{"--print", "--to", "alice@example.org", "--body", "only shown"}, from...), 0, nil, "", "only shown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := maillab.StartSMTP(maillab.SMTPOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var out, words bytes.Buffer
			code := Main(t.Context(), append([]string{"smtp", "send", s.URL()}, tt.args...), strings.NewReader(tt.stdin), &out, &words)
			if code != tt.code || !strings.Contains(out.String(), tt.out) {
				t.Errorf("exit %d: %s%s", code, out.String(), words.String())
			}
			all := strings.Join(s.Commands(), "\n")
			for _, c := range tt.commands {
				if _, rest, ok := strings.Cut(all, c); !ok {
					t.Errorf("no %q among\n%s", c, all)
				} else {
					all = rest
				}
			}
			if tt.commands == nil && tt.stored == "" && strings.Contains(all, "MAIL") {
				t.Errorf("something was sent: %s", all)
			}
			if tt.stored != "" && !strings.Contains(newest(t, s), tt.stored) {
				t.Errorf("stored is %q", newest(t, s))
			}
		})
	}
}

// newest returns alice's newest message.
func newest(t *testing.T, s *maillab.SMTPServer) string {
	list, err := s.Mail().Snapshot("alice", maillab.Inbox)
	if err != nil || len(list) == 0 {
		t.Fatal(err)
	}
	return string(list[len(list)-1].Data)
}

// TestSendNamesTheStage: text and JSON of a refusal name it.
func TestSendNamesTheStage(t *testing.T) {
	s, err := maillab.StartSMTP(maillab.SMTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for flag, want := range map[string]string{"-q": "(stage: rcpt)", "--json": `"stage":"rcpt"`} {
		var out, words bytes.Buffer
		code := Main(t.Context(), []string{"smtp", "send", s.URL(), flag, "--from", "me@example.org", "--to", "nobody@example.org", "--body", "x"}, strings.NewReader(""), &out, &words)
		if code != 6 || !strings.Contains(words.String(), want) {
			t.Errorf("%s: exit %d: %s", flag, code, words.String())
		}
	}
}
