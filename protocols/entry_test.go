package protocols

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"time"
)

// TestEntryJSON holds keys and order of the command line's contract.
func TestEntryJSON(t *testing.T) {
	at := time.Date(2024, 2, 29, 12, 34, 56, 789_000_000, time.FixedZone("", 3600))
	for _, c := range []struct {
		entry Entry
		want  string
	}{
		{Entry{Protocol: "ftp", Name: "x", Type: TypeFile, Size: -1}, `{"protocol":"ftp","name":"x","type":"file"}`},
		{Entry{Protocol: "ftp", Name: "x", Type: TypeFile}, `{"protocol":"ftp","name":"x","type":"file","size":0}`},
		{Entry{Protocol: "ftp", Name: "?", Type: TypeOther, Size: -1, Raw: "no line"}, `{"protocol":"ftp","name":"?","type":"other","raw":"no line"}`},
		{
			Entry{
				Protocol: "ftp", URL: "ftp://h/d/l", Name: "l", Path: "d/l", Type: TypeLink, Size: 7, Modified: at, Accuracy: time.Minute,
				Mode: 0o644 | fs.ModeSetuid, HasMode: true, Target: "t", Owner: "bob", Group: "staff", ID: "u1", Facts: map[string]string{"perm": "r", "a": "b"},
			},
			`{"protocol":"ftp","url":"ftp://h/d/l","name":"l","path":"d/l","type":"link","size":7,"modified":"2024-02-29T11:34:56.789Z",` +
				`"mode":"4644","target":"t","owner":"bob","group":"staff","id":"u1","facts":{"a":"b","perm":"r"}}`,
		},
		{Entry{Protocol: "imap", Name: "5", Type: TypeMessage, Size: 10, MessageInfo: &MessageInfo{
			Number: 5, UID: "9", MessageID: "<a@b>", From: "f", To: "t", Subject: "s", Date: "d", Flags: []string{`\Seen`}}},
			`{"protocol":"imap","name":"5","type":"message","size":10,"number":5,"uid":"9","message_id":"<a@b>","from":"f","to":"t","subject":"s","date":"d","flags":["\\Seen"]}`},
		{Entry{Protocol: "nntp", Name: "g", Type: TypeGroup, Size: -1, GroupInfo: &GroupInfo{Low: 1, High: 3, Posting: "y"}},
			`{"protocol":"nntp","name":"g","type":"group","count":0,"low":1,"high":3,"posting":"y"}`},
		{Entry{Protocol: "nntp", Name: "g", Type: TypeGroup, Size: -1, GroupInfo: &GroupInfo{Low: 1}},
			`{"protocol":"nntp","name":"g","type":"group","count":0,"low":1,"high":0}`},
		{Entry{Protocol: "imap", Name: "g", Type: TypeMailbox, Size: -1, GroupInfo: &GroupInfo{}}, `{"protocol":"imap","name":"g","type":"mailbox","count":0}`},
		{Entry{Protocol: "imap", Name: "5", Type: TypeMessage, Size: -1, MessageInfo: &MessageInfo{Flags: []string{}}},
			`{"protocol":"imap","name":"5","type":"message","flags":[]}`},
	} {
		var got strings.Builder
		enc := json.NewEncoder(&got)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(c.entry); err != nil || got.String() != c.want+"\n" {
			t.Errorf("got  %s\nwant %s (%v)", &got, c.want, err)
		}
		if parsed := c.entry.Raw == ""; c.entry.Parsed() != parsed {
			t.Errorf("%s: parsed is not %v", c.want, parsed)
		}
	}
}

// TestEntryJSONStaysUTF8: a server's bytes never make the line invalid.
func TestEntryJSONStaysUTF8(t *testing.T) {
	got, err := json.Marshal(Entry{Name: "\xff\x1b[2J\n", Size: -1})
	if want := `{"protocol":"","name":"\ufffd\u001b[2J\n","type":""}`; err != nil || string(got) != want {
		t.Errorf("got %s, want %s (%v)", got, want, err)
	}
}

func TestOctalMode(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		0: "0000", 0o644: "0644", 0o755 | fs.ModeDir: "0755", 0o777 | fs.ModeSticky: "1777",
		0o755 | fs.ModeSetgid: "2755", 0o755 | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky: "7755",
	} {
		if got := OctalMode(mode); got != want {
			t.Errorf("%v: %s, want %s", mode, got, want)
		}
	}
}

func TestReplyText(t *testing.T) {
	for want, r := range map[string]Reply{"": {}, "a": {Lines: []string{"a", "b"}}, "b": {Lines: []string{"", "b"}}} {
		if got := r.Text(); got != want {
			t.Errorf("%q: %q, want %q", r.Lines, got, want)
		}
	}
}
