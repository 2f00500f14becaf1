package nntp

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
)

// verdict is the meaning of a reply code.
type verdict line.Verdict

// verdicts holds the codes of RFC 3977 3.2.1 and appendix C, RFC 4642, 4643, 4644
// and 8054. Other codes are of kind refused.
var verdicts = map[int]verdict{
	400: {protocols.KindTemporary, nil, ""},
	401: {protocols.KindRefused, errors.ErrUnsupported, ""},
	403: {protocols.KindTemporary, nil, ""},
	411: {protocols.KindRefused, fs.ErrNotExist, ""},
	412: {protocols.KindRefused, nil, ""},
	420: {protocols.KindRefused, fs.ErrNotExist, ""},
	421: {protocols.KindRefused, fs.ErrNotExist, ""},
	422: {protocols.KindRefused, fs.ErrNotExist, ""},
	423: {protocols.KindRefused, fs.ErrNotExist, ""},
	430: {protocols.KindRefused, fs.ErrNotExist, ""},
	431: {protocols.KindTemporary, nil, ""},
	435: {protocols.KindRefused, fs.ErrExist, ""},
	436: {protocols.KindTemporary, nil, ""},
	437: {protocols.KindRefused, nil, ""},
	438: {protocols.KindRefused, fs.ErrExist, ""},
	439: {protocols.KindRefused, nil, ""},
	440: {protocols.KindRefused, fs.ErrPermission, ""},
	441: {protocols.KindRefused, nil, ""},
	450: {protocols.KindAuth, protocols.ErrLoginNeeded, "give --user and a password"},
	452: {protocols.KindAuth, nil, ""},
	480: {protocols.KindAuth, protocols.ErrLoginNeeded, "give --user and a password"},
	481: {protocols.KindAuth, nil, ""},
	482: {protocols.KindAuth, nil, ""},
	483: {protocols.KindTLS, protocols.ErrNeedsTLS, "use nntps:// or --tls require"},
	500: {protocols.KindRefused, errors.ErrUnsupported, ""},
	502: {protocols.KindRefused, fs.ErrPermission, ""},
	503: {protocols.KindRefused, errors.ErrUnsupported, ""},
	580: {protocols.KindTLS, nil, ""},
}

// crowded are words of servers with too many connections. They come with code 400 or
// 502 instead of a greeting, or with 481 or 482 at the login.
var crowded = []string{"too many", "maximum", "connection limit", "connections exceeded"}

// ReplyError returns the error for a reply, or nil for a success.
func (c *Client) ReplyError(r *protocols.Reply) error { return replyError(r) }

func replyError(r *protocols.Reply) error {
	if r.Code < 400 {
		return nil
	}
	return refusal(r)
}

func refusal(r *protocols.Reply) *protocols.Error {
	e := &protocols.Error{Proto: proto, Code: r.Code, Text: r.Text()}
	v, known := verdicts[r.Code]
	if !known && r.Code >= 400 {
		v, known = verdict{Kind: protocols.KindRefused}, true
	}
	if !line.Classify(e, line.Verdict(v), known) {
		return e
	}
	switch r.Code {
	case 400, 481, 482, 502:
		if text := strings.ToLower(r.Text()); containsAny(text, crowded) {
			e.Kind, e.Sentinel, e.Retryable = protocols.KindTemporary, protocols.ErrTooMany, true
		}
	}
	return e
}

func containsAny(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// want checks that a reply has one of the codes.
func want(r *protocols.Reply, codes ...int) error {
	for _, c := range codes {
		if r.Code == c {
			return nil
		}
	}
	return refusal(r)
}

// unknown reports whether the server does not support a command or its arguments.
func unknown(code int) bool { return code >= 500 && code <= 503 && code != 502 }

// isData holds the codes of multi-line replies, which end with a line of one dot (RFC
// 3977 3.4.1). 211 is one only after LISTGROUP.
var isData = map[int]bool{100: true, 101: true, 215: true, 220: true, 221: true, 222: true, 224: true, 225: true, 230: true, 231: true, 282: true}

// hasData reports whether lines follow the reply to a command.
func hasData(code int, verb string) bool {
	return isData[code] || code == 211 && strings.EqualFold(verb, "LISTGROUP")
}
