package imapwire

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
)

// Response is the head of what a server sent. Its strings are copies.
type Response struct {
	Tag  string // "*", "+", or that of a command
	Num  uint32 // of EXISTS, EXPUNGE, FETCH and the like
	Name string // in upper case: OK, LIST, FETCH
	Args string // what follows
	Size int64  // of a literal of content that follows now; -1: none
}

// ParseResponse splits a response into its parts.
func ParseResponse(text string) Response {
	r := Response{Size: -1}
	r.Tag, text, _ = strings.Cut(text, " ")
	if r.Tag == "+" {
		r.Args = text
		return r
	}
	word, rest, _ := strings.Cut(text, " ")
	if n, err := strconv.ParseUint(word, 10, 32); err == nil && r.Tag == "*" {
		r.Num = uint32(n)
		word, rest, _ = strings.Cut(rest, " ")
	}
	r.Name, r.Args = strings.ToUpper(word), rest
	return r
}

// Status is a status response: what is tagged, and untagged OK, NO, BAD, BYE, PREAUTH.
type Status struct {
	Word string // OK, NO, BAD, BYE, PREAUTH
	Code string // of the response code, in upper case: "APPENDUID"
	Args string // of the response code
	Text string
}

// IsStatus reports whether a response is a status response.
func (r *Response) IsStatus() bool {
	switch r.Name {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		return true
	}
	return false
}

// Status reads the response code and text (RFC 3501 7.1).
func (r *Response) Status() *Status {
	st := &Status{Word: r.Name, Text: r.Args}
	code, ok := strings.CutPrefix(r.Args, "[")
	if !ok {
		return st
	}
	// A BADCHARSET or other code may hold quoted brackets; none that is used does.
	code, text, ok := strings.Cut(code, "]")
	if !ok {
		return st
	}
	st.Text = strings.TrimPrefix(text, " ")
	st.Code, st.Args, _ = strings.Cut(code, " ")
	st.Code = strings.ToUpper(st.Code)
	return st
}

// verdict is what a response code means (RFC 5530, RFC 3501 7.1, RFC 9051 7.1).
type verdict line.Verdict

var verdicts = map[string]verdict{
	"ALREADYEXISTS":        {protocols.KindRefused, fs.ErrExist, ""},
	"AUTHENTICATIONFAILED": {protocols.KindAuth, nil, ""},
	"AUTHORIZATIONFAILED":  {protocols.KindAuth, nil, ""},
	"CONTACTADMIN":         {protocols.KindRefused, nil, ""},
	"EXPIRED":              {protocols.KindAuth, nil, "the password or token has expired"},
	"EXPUNGEISSUED":        {protocols.KindRefused, fs.ErrNotExist, ""},
	"INUSE":                {protocols.KindTemporary, nil, ""},
	"LIMIT":                {protocols.KindTemporary, protocols.ErrTooMany, ""},
	"NONEXISTENT":          {protocols.KindRefused, fs.ErrNotExist, ""},
	"NOPERM":               {protocols.KindRefused, fs.ErrPermission, ""},
	"PRIVACYREQUIRED":      {protocols.KindAuth, protocols.ErrNeedsTLS, "the server wants TLS first: --tls require"},
	"READ-ONLY":            {protocols.KindRefused, fs.ErrPermission, ""},
	"SERVERBUG":            {protocols.KindRefused, nil, ""},
	"TRYCREATE":            {protocols.KindRefused, fs.ErrNotExist, "make the mailbox first, or store with --create"},
	"UNAVAILABLE":          {protocols.KindTemporary, nil, ""},
	"WEBALERT":             {protocols.KindAuth, nil, "the server wants a login with a browser first"},
}

// words tell apart what servers say without a code.
var words = []struct {
	text string
	verdict
}{
	{"authenticated but not connected", verdict{protocols.KindTemporary, nil, "the server cannot reach the mailbox now; this passes by itself"}},
	{"too many", verdict{protocols.KindTemporary, protocols.ErrTooMany, ""}},
	{"maximum number of connections", verdict{protocols.KindTemporary, protocols.ErrTooMany, ""}},
	{"doesn't exist", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"does not exist", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"no such mailbox", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"already exists", verdict{protocols.KindRefused, fs.ErrExist, ""}},
	{"permission denied", verdict{protocols.KindRefused, fs.ErrPermission, ""}},
}

// Err returns the error that a status is: nil for OK and PREAUTH.
func (st *Status) Err() error {
	if st.Word == "OK" || st.Word == "PREAUTH" {
		return nil
	}
	e := &protocols.Error{Proto: proto, Kind: protocols.KindRefused, Enhanced: st.Code, Text: st.Text}
	v, known := verdicts[st.Code]
	if text := strings.ToLower(st.Text); !known {
		for _, w := range words {
			if strings.Contains(text, w.text) {
				v, known = w.verdict, true
				break
			}
		}
	}
	if !known && st.Word == "BYE" {
		v, known = verdict{Kind: protocols.KindTemporary}, true
	}
	if known {
		line.Classify(e, line.Verdict(v), true)
	}
	return e
}

// ByeErr returns the error of a session that the server ended by BYE.
func (st *Status) ByeErr() error {
	e := *st
	e.Word = "BYE"
	err := e.Err().(*protocols.Error)
	err.Text, err.Err = cmp.Or(err.Text, ErrBye.Error()), ErrBye
	return err
}

// Refused reports whether err is a refusal of the server that leaves the connection
// usable.
func Refused(err error) bool {
	e, ok := errors.AsType[*protocols.Error](err)
	return ok && (e.Kind == protocols.KindRefused || e.Kind == protocols.KindTemporary) && !errors.Is(err, ErrBye)
}

// ErrBye says that the server ended the session.
var ErrBye = errors.New("the server ended the session")

// Missing returns the error of a verb that needs an extension which the server does
// not support.
func Missing(op, what string) error {
	e := protocols.Unsupported(proto, op, "the server does not support "+what)
	e.Kind = protocols.KindRefused
	return e
}

// ErrTooMany returns the error of a server that sends more of something than is useful.
func ErrTooMany(what string) error {
	return protocols.ProtocolError(proto, "", "too many "+what+" in the answer")
}

// NotFound returns the error of a message that does not exist.
func NotFound(what string) error {
	return &protocols.Error{Proto: proto, Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: what}
}

// IsLost reports whether err means that the connection ended.
func IsLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrBye)
}
