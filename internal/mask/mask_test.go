package mask

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestHidden: a secret is hidden in each form that it takes, also where one form is
// part of another, and nothing else is.
func TestHidden(t *testing.T) {
	h := &Mask{}
	if h.Text("xyzzy") != "xyzzy" {
		t.Error("hidden before it is known")
	}
	h.AddCredential(protocols.Credential{User: "alice", Password: "xyzzy", AuthzID: "z"})
	h.AddCredential(protocols.Credential{User: "alice", Password: "abc", Token: "xyzzy-token"})
	h.AddCredential(protocols.Credential{})
	plain := base64.StdEncoding.EncodeToString([]byte("z\x00alice\x00xyzzy"))
	for in, want := range map[string]string{
		"a xyzzy b xyzzy": "a **** b ****", "xyzzy-token": "****", "AUTH " + plain: "AUTH ****",
		base64.StdEncoding.EncodeToString([]byte("alice:xyzzy")): "****", "abc alice": "abc alice", "": "",
	} {
		if got := h.Text(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
	forms := len(h.forms) + len(h.cores)
	for range 100 { // as with probe --every
		h.AddCredential(protocols.Credential{User: "alice", Password: "xyzzy", AuthzID: "z"})
		h.AddCredential(protocols.Credential{User: "alice", Password: "plugh"})
	}
	if n := len(h.forms) + len(h.cores); n > 2*forms {
		t.Errorf("%d forms of %d", n, forms)
	}
	for _, before := range []string{"", "a", "ab", "user=alice\x01auth=Bearer ", "n,a=alice,\x01"} {
		for _, behind := range []string{"", "b", "bc", "\x01\x01"} {
			coded := base64.StdEncoding.EncodeToString([]byte(before + "xyzzy-token" + behind))
			if got := h.Text("said " + coded + ", and " + coded); got != "said ****, and ****" {
				t.Errorf("%q: %q", before+"..."+behind, got)
			}
		}
	}
	err := h.Error(&protocols.Error{Kind: protocols.KindAuth, Text: "no", Hint: "not xyzzy"})
	if e := new(protocols.Error); !errors.As(err, &e) || e.Hint != "not ****" {
		t.Errorf("the hint tells: %+v", err)
	}
	err = h.Error(&protocols.Error{Kind: protocols.KindAuth, Code: 535, Text: "no xyzzy", Err: errors.New("xyzzy?")})
	if err.Error() != "535 no ****: ****?" || protocols.KindOf(err) != protocols.KindAuth {
		t.Error(err)
	}
	same := &protocols.Error{Text: "nothing to hide"}
	if h.Error(same) != error(same) || h.Error(nil) != nil {
		t.Error("an error without a secret was changed")
	}
	var seen protocols.Event
	h.Trace(func(e protocols.Event) { seen = e })(protocols.Event{Kind: protocols.EventRecv, Text: "you said xyzzy"})
	if seen.Text != "you said ****" || seen.Kind != protocols.EventRecv {
		t.Errorf("%+v", seen)
	}
}

// TestArgumentsAreMasked: no message repeats the password of a URL that was mistyped.
func TestArgumentsAreMasked(t *testing.T) {
	for _, arg := range []string{
		"ftp:u:hushhush@h/", "ftp:/u:hushhush@h/", "//u:hushhush@h/", "u:hushhush@h", "ftp;//u:hushhush@h/", "ftp//u:hushhush@h/",
		"mbox:u:hushhush@h/x", "ftp://u:hushhush@h/", "--connect-to=u:hushhush@h", "ftp://u:a@hushhush@h/",
	} {
		m := &Mask{}
		m.Arguments([]string{"ls", arg})
		if got := m.Text("open " + arg + ": no"); strings.Contains(got, "hushhush") {
			t.Errorf("%s is shown as %q", arg, got)
		}
		if err := m.Error(&fs.PathError{Op: "open", Path: "/x/" + arg, Err: fs.ErrNotExist}); strings.Contains(err.Error(), "hushhush") || !errors.Is(err, fs.ErrNotExist) && protocols.KindOf(err) != protocols.KindLocal {
			t.Errorf("%s: %v", arg, err)
		}
	}
	short := &Mask{}
	short.Arguments([]string{"http:alice:ab@h/", "ftp://bob:x@h/"})
	for text, want := range map[string]string{
		`"http:alice:ab@h/" is not a URL`:         `"http@h/" is not a URL`,
		"open /home/ftp:/bob:x@h: no such file":   "open /home/ftp:/bob@h: no such file",
		`invalid argument "ftp://bob:x@h/" for x`: `invalid argument "ftp://bob@h/" for x`,
	} {
		if got := short.Text(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	m := &Mask{}
	m.Arguments([]string{"mailto:alice@example.org", "ftp://bob@host:2121/a:b@c", "X: note me@here", "imap://h:143/INBOX?FROM%20a@b"})
	if text := "alice example bob host 2121 note INBOX FROM"; m.Text(text) != text {
		t.Errorf("hidden: %q", m.Text(text))
	}
}

// TestJSON: as package json writes texts.
func TestJSON(t *testing.T) {
	for _, s := range []string{"Xyzzy-5up3r", "a\"b\\c\x00\x1f\b\f\n\r\t<&>\u2028\u2029\u007f é 漢 😀", "a\xff\xfeb"} {
		want, err := json.Marshal(s)
		if got := inJSON(s); err != nil || `"`+got+`"` != string(want) {
			t.Errorf("%q, want %s (%v)", got, want, err)
		}
	}
}
