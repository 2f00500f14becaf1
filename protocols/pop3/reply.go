package pop3

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// verdict is what a refusal means.
type verdict line.Verdict

// codes are the response codes (RFC 2449 8, RFC 3206, RFC 6856 5).
var codes = map[string]verdict{
	"IN-USE":      {protocols.KindTemporary, nil, "another session has the maildrop open"},
	"LOGIN-DELAY": {protocols.KindTemporary, nil, "the server requires a longer pause between logins"},
	"SYS/TEMP":    {protocols.KindTemporary, nil, ""},
	"SYS/PERM":    {protocols.KindRefused, nil, ""},
	"AUTH":        {protocols.KindAuth, nil, ""},
	"UTF8":        {protocols.KindRefused, errors.ErrUnsupported, "use --utf8 to get messages with UTF-8 headers"},
}

// wording is a part of a refusal's text, in lower case, and what it means.
type wording struct {
	text string
	verdict
}

// words classify refusals without a response code. POP3 has a single negative
// reply, so the text is all there is.
var words = []wording{
	{"no such message", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"no message", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"already deleted", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"invalid message", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"not found", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"unknown command", verdict{protocols.KindRefused, errors.ErrUnsupported, ""}},
	{"unrecognized", verdict{protocols.KindRefused, errors.ErrUnsupported, ""}},
	{"not implemented", verdict{protocols.KindRefused, errors.ErrUnsupported, ""}},
	{"unsupported", verdict{protocols.KindRefused, errors.ErrUnsupported, ""}},
}

// inUse is the verdict on a maildrop that somebody else has open.
var inUse = verdict{protocols.KindTemporary, nil, "another session may have the maildrop open"}

// loginWords count only for refusals of a greeting or a login: after it, "locked"
// is about one message, and only a response code makes a refusal temporary.
var loginWords = []wording{
	{"too many", verdict{protocols.KindTemporary, protocols.ErrTooMany, ""}},
	{"locked", inUse},
	{"unable to lock", inUse},
	{"not lock", inUse}, // could not, cannot, can not
	{"can't lock", inUse},
	{"lock busy", inUse},
	{"is busy", inUse},
	{"already in use", inUse},
}

// read reads one status line (RFC 1939 3).
func read(lr *wire.LineReader, _ protocols.Limits) (*protocols.Reply, error) {
	st, err := wire.ReadStatus(lr)
	if err != nil {
		return nil, err
	}
	r := &struct { // one piece of memory
		protocols.Reply
		line [1]string
	}{protocols.Reply{Word: st.Mark, Enhanced: st.Code}, [1]string{st.Text}}
	r.Lines = r.line[:]
	return &r.Reply, nil
}

// ok reports whether an answer is +OK.
func ok(r *protocols.Reply) bool { return r.Word == "+OK" }

// more reports whether an answer is a challenge (RFC 5034 4).
func more(r *protocols.Reply) bool { return r.Word == "+" }

// refusal makes the error for a reply that is not +OK.
func refusal(r *protocols.Reply) *protocols.Error {
	e := &protocols.Error{Proto: proto, Kind: protocols.KindRefused, Enhanced: r.Enhanced, Text: r.Text()}
	if more(r) {
		e.Kind, e.Text = protocols.KindProtocol, "the server wants more where nothing more is to be said"
		return e
	}
	v, known := codes[strings.ToUpper(r.Enhanced)]
	if !known {
		v, known = worded(e.Text, words)
	}
	if known {
		v.apply(e)
	}
	return e
}

// worded returns the meaning of the first wording that text contains.
func worded(text string, list []wording) (v verdict, known bool) {
	text = strings.ToLower(text)
	for _, w := range list {
		if strings.Contains(text, w.text) {
			return w.verdict, true
		}
	}
	return verdict{}, false
}

// apply puts the verdict into an error.
func (v verdict) apply(e *protocols.Error) {
	line.Classify(e, line.Verdict(v), true)
}

// want is nil for +OK.
func want(r *protocols.Reply) error {
	if ok(r) {
		return nil
	}
	return refusal(r)
}

// ReplyError returns the error that an answer stands for, or nil for +OK.
func (c *Client) ReplyError(r *protocols.Reply) error { return want(r) }

// entryRefusal is refusal for the greeting and the login, where loginWords count.
func entryRefusal(r *protocols.Reply) *protocols.Error {
	e := refusal(r)
	if _, coded := codes[strings.ToUpper(r.Enhanced)]; coded || more(r) || e.Sentinel != nil {
		return e
	}
	if v, known := worded(e.Text, loginWords); known {
		v.apply(e)
	}
	return e
}

// loginRefusal is the error of a refused login: without another reason, the
// credentials are wrong.
func loginRefusal(r *protocols.Reply) *protocols.Error {
	e := entryRefusal(r)
	if e.Kind == protocols.KindRefused && e.Enhanced == "" {
		e.Kind = protocols.KindAuth
	}
	return e
}

func unsupported(text string) error {
	return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Text: text}
}
