package imapstore

import (
	"strings"
	"testing"
)

// TestHasCommand: lines that change something are found in any case, prose is not.
func TestHasCommand(t *testing.T) {
	for text, want := range map[string]bool{
		"x1 CREATE box\r\n": true, "Subject: x\r\n\r\na delete INBOX": true, "a DELETE \"my box\"\r\n": true, "a CREATE {3}\r\n": true,
		"a RENAME a b\n": true, "a STORE 1:* +FLAGS (\\Deleted)\n": true, "a UID STORE 1 FLAGS ()\n": true, "a EXPUNGE\r\n": true, "a uid expunge 1:*\n": true,
		"a COPY 1 x\n": true, "a UID MOVE 1,2 x\n": true, "a APPEND INBOX {3}\n": true, "a SETACL INBOX eve lrs\n": true,
		"please delete it all\r\n": false, "we store the goods in May\r\n": false, "Subject: copy of the plan\r\n": false, "not close to it\r\n": false, "CREATE box\r\n": false,
		"": false, " \r\n": false, "a b": false, "we copy that": false, "the UID of a message\r\n": false,
	} {
		if got := hasCommand([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// BenchmarkHasCommand looks for commands in 512 KiB of base64.
func BenchmarkHasCommand(b *testing.B) {
	text := []byte(strings.Repeat(strings.Repeat("QUJD", 19)+"\r\n", 512<<10/78))
	for b.SetBytes(int64(len(text))); b.Loop(); {
		if hasCommand(text) {
			b.Fatal("found")
		}
	}
}
