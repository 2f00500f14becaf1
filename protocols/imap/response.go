package imap

import (
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// response is the head of what a server sent. Its strings are copies.
type response struct {
	tag  string // "*", "+", or that of a command
	num  uint32 // of EXISTS, EXPUNGE, FETCH and the like
	name string // in upper case: OK, LIST, FETCH
	args string // what follows
	size int64  // of a literal of content that follows now; -1: none
}

// parseResponse splits a response into its parts.
func parseResponse(text string) response {
	r := response{size: -1}
	r.tag, text, _ = strings.Cut(text, " ")
	if r.tag == "+" {
		r.args = text
		return r
	}
	word, rest, _ := strings.Cut(text, " ")
	if n, err := strconv.ParseUint(word, 10, 32); err == nil && r.tag == "*" {
		r.num = uint32(n)
		word, rest, _ = strings.Cut(rest, " ")
	}
	r.name, r.args = strings.ToUpper(word), rest
	return r
}

// status is a status response: what is tagged, and untagged OK, NO, BAD, BYE, PREAUTH.
type status struct {
	word string // OK, NO, BAD, BYE, PREAUTH
	code string // of the response code, in upper case: "APPENDUID"
	args string // of the response code
	text string
}

// isStatus reports whether a response is a status response.
func (r *response) isStatus() bool {
	switch r.name {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		return true
	}
	return false
}

// status reads the response code and text (RFC 3501 7.1).
func (r *response) status() *status {
	st := &status{word: r.name, text: r.args}
	code, ok := strings.CutPrefix(r.args, "[")
	if !ok {
		return st
	}
	// A BADCHARSET or other code may hold quoted brackets; none that is used does.
	code, text, ok := strings.Cut(code, "]")
	if !ok {
		return st
	}
	st.text = strings.TrimPrefix(text, " ")
	st.code, st.args, _ = strings.Cut(code, " ")
	st.code = strings.ToUpper(st.code)
	return st
}

// reply returns the status as a reply of the contract.
func (st *status) reply() *protocols.Reply {
	return &protocols.Reply{Word: st.word, Enhanced: st.code, Lines: []string{st.text}}
}

// verdict is what a response code means (RFC 5530, RFC 3501 7.1, RFC 9051 7.1).
type verdict struct {
	kind  protocols.Kind
	class error
	hint  string
}

var verdicts = map[string]verdict{
	"ALREADYEXISTS":        {protocols.KindRefused, fs.ErrExist, ""},
	"AUTHENTICATIONFAILED": {protocols.KindAuth, nil, ""},
	"AUTHORIZATIONFAILED":  {protocols.KindAuth, nil, ""},
	"CONTACTADMIN":         {protocols.KindRefused, nil, ""},
	"EXPIRED":              {protocols.KindAuth, nil, "the password or token has expired"},
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
	{"too many", verdict{protocols.KindTemporary, protocols.ErrTooMany, ""}},
	{"maximum number of connections", verdict{protocols.KindTemporary, protocols.ErrTooMany, ""}},
	{"doesn't exist", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"does not exist", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"no such mailbox", verdict{protocols.KindRefused, fs.ErrNotExist, ""}},
	{"already exists", verdict{protocols.KindRefused, fs.ErrExist, ""}},
	{"permission denied", verdict{protocols.KindRefused, fs.ErrPermission, ""}},
}

// err returns the error that a status is: nil for OK and PREAUTH.
func (st *status) err() error {
	if st.word == "OK" || st.word == "PREAUTH" {
		return nil
	}
	e := &protocols.Error{Proto: proto, Kind: protocols.KindRefused, Enhanced: st.code, Text: st.text}
	v, known := verdicts[st.code]
	if text := strings.ToLower(st.text); !known {
		for _, w := range words {
			if strings.Contains(text, w.text) {
				v, known = w.verdict, true
				break
			}
		}
	}
	switch {
	case known:
		e.Kind, e.Sentinel, e.Hint = v.kind, v.class, v.hint
	case st.word == "BYE":
		e.Kind = protocols.KindTemporary
	}
	e.Retryable = e.Kind == protocols.KindTemporary
	return e
}

// refused reports whether err is the server's no, and the connection is fine.
func refused(err error) bool {
	e, ok := errors.AsType[*protocols.Error](err)
	return ok && (e.Kind == protocols.KindRefused || e.Kind == protocols.KindTemporary) && !errors.Is(err, errBye)
}

// errBye says that the server ended the session.
var errBye = errors.New("the server ended the session")

// missing says that the server has not what a verb needs.
func missing(op, what string) error {
	e := protocols.Unsupported(proto, op, "the server has no "+what)
	e.Kind = protocols.KindRefused
	return e
}

// errTooMany says that a server sends more of something than can be of use.
func errTooMany(what string) error {
	return protocols.ProtocolError(proto, "", "too many "+what+" in the answer")
}

// notFound says that a message is not there.
func notFound(what string) error {
	return &protocols.Error{Proto: proto, Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: what}
}

// isLost reports whether an error is that of a connection that ended.
func isLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errBye)
}
