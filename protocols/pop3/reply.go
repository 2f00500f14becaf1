package pop3

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// verdict is what a refusal means.
type verdict struct {
	kind  protocols.Kind
	class error
	hint  string
}

// codes are the response codes (RFC 2449 8, RFC 3206, RFC 6856 5).
var codes = map[string]verdict{
	"IN-USE":      {protocols.KindTemporary, nil, "another session has the maildrop open"},
	"LOGIN-DELAY": {protocols.KindTemporary, nil, "the server wants a longer pause between logins"},
	"SYS/TEMP":    {protocols.KindTemporary, nil, ""},
	"SYS/PERM":    {protocols.KindRefused, nil, ""},
	"AUTH":        {protocols.KindAuth, nil, ""},
	"UTF8":        {protocols.KindRefused, errors.ErrUnsupported, "--utf8 gives messages with UTF-8 in their headers"},
}

// words tell refusals without a response code apart. POP3 has one answer for
// everything, so that the text is all there is.
var words = []struct {
	text string
	verdict
}{
	{"no such message", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"no message", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"already deleted", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"invalid message", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"not found", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"unknown command", verdict{protocols.KindRefused, errors.ErrUnsupported, ""}},
	{"unrecognized", verdict{protocols.KindRefused, errors.ErrUnsupported, ""}},
	{"not implemented", verdict{protocols.KindRefused, errors.ErrUnsupported, ""}},
	{"unsupported", verdict{protocols.KindRefused, errors.ErrUnsupported, ""}},
	{"too many", verdict{protocols.KindTemporary, protocols.ErrTooMany, ""}},
	{"locked", verdict{protocols.KindTemporary, nil, "another session may have the maildrop open"}},
}

// refusal makes the error of an answer that is no +OK.
func refusal(st wire.Status) *protocols.Error {
	e := &protocols.Error{Proto: proto, Kind: protocols.KindRefused, Enhanced: st.Code, Text: st.Text}
	if st.Mark == "+" {
		e.Kind, e.Text = protocols.KindProtocol, "the server wants more where nothing more is to be said"
		return e
	}
	v, known := codes[strings.ToUpper(st.Code)]
	if !known {
		text := strings.ToLower(st.Text)
		for _, w := range words {
			if strings.Contains(text, w.text) {
				v, known = w.verdict, true
				break
			}
		}
	}
	if known {
		e.Kind, e.Sentinel, e.Hint = v.kind, v.class, v.hint
	}
	e.Retryable = e.Kind == protocols.KindTemporary
	return e
}

// want is nil for +OK.
func want(st wire.Status) error {
	if st.OK() {
		return nil
	}
	return refusal(st)
}

// loginRefusal is refusal where a no without a reason is about the login.
func loginRefusal(st wire.Status) *protocols.Error {
	e := refusal(st)
	if e.Kind == protocols.KindRefused && e.Enhanced == "" {
		e.Kind = protocols.KindAuth
	}
	return e
}

// replyOf returns a status in the words of the contract.
func replyOf(st wire.Status) *protocols.Reply {
	return &protocols.Reply{Word: st.Mark, Enhanced: st.Code, Lines: []string{st.Text}}
}

func unsupported(text string) error {
	return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Text: text}
}
