package imapwire

import (
	"net/url"
	"testing"
)

func TestPath(t *testing.T) {
	for text, want := range map[string]string{
		"imap://h":                                 "",
		"imap://h/":                                "",
		"imap://h/INBOX":                           "INBOX",
		"imap://h/INBOX/":                          "INBOX",
		"imap://h/a%20b/c%3Bd%25":                  "a b/c%3Bd%25",
		"imap://h/INBOX;UIDVALIDITY=7/;UID=5":      "INBOX;UIDVALIDITY=7/;UID=5",
		"imap://h/INBOX;uid=5":                     "INBOX;uid=5",
		"imap://h/INBOX/;UID=5/;SECTION=1.2":       "INBOX/;UID=5/;SECTION=1.2",
		"imap://h/INBOX/;UID=5/;SECTION=HEADER":    "INBOX/;UID=5/;SECTION=HEADER",
		"imap://h/INBOX/;UID=5/;PARTIAL=0.100":     "INBOX/;UID=5/;PARTIAL=0.100",
		"imap://h/INBOX;UID=1:5,9":                 "INBOX;UID=1:5,9",
		"imap://h/INBOX?SUBJECT%20x":               "INBOX?SUBJECT x",
		"imap://h/INBOX;UID=0":                     "error",
		"imap://h/INBOX;UID=1:5/;UID=3":            "error",
		"imap://h/INBOX;UID=5/;SECTION=1]%20BODY[": "error",
		"imap://h/INBOX;SECTION=1":                 "error",
		"imap://h/INBOX;UID=5/;PARTIAL=-1":         "error",
		"imap://h/INBOX;UID=5%20(FLAGS)":           "error",
		"imap://h/;UID=5":                          "error",
		"imap://h/INBOX;UID=99999999999":           "error",
		"imap://h/INBOX;EXPIRE=x":                  "error",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseURL(u)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %q, want %q (%v)", text, got, want, err)
		}
	}
}

func TestUTF7(t *testing.T) {
	for name, want := range map[string]string{
		"INBOX": "INBOX", "Müll": "M&APw-ll", "a&b": "a&-b", "~peter/mail/台北/日本語": "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "😀": "&2D3eAA-", "": "",
	} {
		if got := EncodeUTF7(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if got, ok := DecodeUTF7(want); !ok || got != name {
			t.Errorf("%q: %q, %v", want, got, ok)
		}
	}
	for _, bad := range []string{"&", "&AP", "&APw", "a&b", "&AGE-", "Müll", "&APw-&APw-", "&2D0-", "&!!!-", "a\x01"} {
		if got, ok := DecodeUTF7(bad); ok {
			t.Errorf("%q passed as %q", bad, got)
		}
	}
}

func TestLiteralAt(t *testing.T) {
	for text, want := range map[string]int64{"a {5}": 5, "a {5+}": 5, "a ~{7}": 7, "a {}": -1, "a {x}": -1, "a {-1}": -1, "a": -1, "}": -1, "{5} x": -1} {
		size, mark, err := LiteralAt([]byte(text))
		if mark < 0 {
			size = -1
		}
		if size != want || err != nil {
			t.Errorf("%q: %d, want %d (%v)", text, size, want, err)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"INBOX;UIDVALIDITY=7/;UID=5/;SECTION=1.2/;PARTIAL=0.5", "a%3Bb?x", "", ";", "x;UID=1:*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseName(s)
		if err != nil {
			return
		}
		if n.UIDs() != "" && !IsSet(n.UIDs()) || n.Section != "" && !isSection(n.Section) {
			t.Fatalf("%q would put %q, %q into a command", s, n.UIDs(), n.Section)
		}
	})
}

func FuzzUTF7(f *testing.F) {
	for _, s := range []string{"M&APw-ll", "&", "&-", "&2D3eAA-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if name, ok := DecodeUTF7(s); ok && EncodeUTF7(name) != s {
			t.Fatalf("%q became %q and %q", s, name, EncodeUTF7(name))
		}
	})
}
