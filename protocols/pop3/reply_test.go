package pop3

import (
	"errors"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestRefusalKinds: response codes decide, free text makes a refusal temporary only
// before the end of the login.
func TestRefusalKinds(t *testing.T) {
	for _, row := range []struct {
		code, text   string
		later, entry protocols.Kind
	}{
		{"", "message 1 is locked by a filter", protocols.KindRefused, protocols.KindTemporary},
		{"", "too many deletions in one session", protocols.KindRefused, protocols.KindTemporary},
		{"IN-USE", "maildrop locked", protocols.KindTemporary, protocols.KindTemporary},
		{"SYS/TEMP", "disk is busy", protocols.KindTemporary, protocols.KindTemporary},
		{"SYS/PERM", "account locked", protocols.KindRefused, protocols.KindRefused},
		{"AUTH", "account locked", protocols.KindAuth, protocols.KindAuth},
		{"", "unknown command", protocols.KindRefused, protocols.KindAuth},
		{"", "no", protocols.KindRefused, protocols.KindAuth},
	} {
		r := &protocols.Reply{Word: "-ERR", Enhanced: row.code, Lines: []string{row.text}}
		for _, at := range []struct {
			op   string
			err  *protocols.Error
			want protocols.Kind
		}{{"a command", refusal(r), row.later}, {"the login", loginRefusal(r), row.entry}} {
			if at.err.Kind != at.want || at.err.Retryable != (at.want == protocols.KindTemporary) {
				t.Errorf("[%s] %s, to %s: kind %v, retryable %v, want %v", row.code, row.text, at.op, at.err.Kind, at.err.Retryable, at.want)
			}
		}
	}
	if e := entryRefusal(&protocols.Reply{Word: "-ERR", Lines: []string{"too many connections"}}); !errors.Is(e, protocols.ErrTooMany) {
		t.Errorf("a greeting that refuses for too many connections: %v", e)
	}
}

// TestTimeStamp: any text in angle brackets is one, with an "@" or without.
func TestTimeStamp(t *testing.T) {
	for greeting, want := range map[string]string{
		"ready <1896.697170952@dbc.mtview.ca.us>": "<1896.697170952@dbc.mtview.ca.us>",
		"<7.8> ready": "<7.8>",
		"ready":       "",
		"ready <> x":  "",
		"a < b":       "",
		"a > b <":     "",
	} {
		if got := timeStamp(greeting); got != want {
			t.Errorf("%q: %q, want %q", greeting, got, want)
		}
	}
}
