package ftp

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
)

// verdict is what a reply code means.
type verdict line.Verdict

// verdicts holds the codes that say more than their first digit (RFC 959 4.2,
// RFC 2228 5, RFC 4217 10). The others are temporary (4) or refused (5).
var verdicts = map[int]verdict{
	332: {protocols.KindAuth, nil, "the server wants an account: --account NAME"},
	421: {protocols.KindTemporary, nil, ""},
	430: {protocols.KindAuth, nil, ""},
	431: {protocols.KindTLS, nil, ""},
	434: {protocols.KindConnect, nil, ""},
	500: {protocols.KindRefused, errors.ErrUnsupported, ""},
	501: {protocols.KindRefused, nil, ""},
	502: {protocols.KindRefused, errors.ErrUnsupported, ""},
	504: {protocols.KindRefused, errors.ErrUnsupported, ""},
	521: {protocols.KindTLS, nil, "data connections must be protected: leave --prot at private"},
	522: {protocols.KindTLS, nil, ""},
	530: {protocols.KindAuth, nil, ""},
	532: {protocols.KindAuth, nil, "storing here needs an account: --account NAME"},
	533: {protocols.KindTLS, nil, ""},
	534: {protocols.KindTLS, nil, ""},
	535: {protocols.KindTLS, nil, ""},
	536: {protocols.KindTLS, nil, ""},
	537: {protocols.KindTLS, nil, ""},
	550: {protocols.KindRefused, fs.ErrNotExist, ""},
}

// words distinguish replies that have the same code. FTP has one code, 550,
// for "not there", "not allowed" and "there already", and servers refuse too
// many logins with 530 as often as with 421, so the text is all there is.
var words = []struct {
	code  int
	text  string
	class error
	kind  protocols.Kind
}{
	{421, "too many", protocols.ErrTooMany, protocols.KindTemporary},
	{421, "maximum", protocols.ErrTooMany, protocols.KindTemporary},
	{421, "connections from", protocols.ErrTooMany, protocols.KindTemporary},
	{530, "too many", protocols.ErrTooMany, protocols.KindTemporary},
	{530, "maximum", protocols.ErrTooMany, protocols.KindTemporary},
	{550, "permission", fs.ErrPermission, protocols.KindRefused},
	{550, "not permitted", fs.ErrPermission, protocols.KindRefused},
	{550, "access is denied", fs.ErrPermission, protocols.KindRefused},
	{550, "exists", fs.ErrExist, protocols.KindRefused},
	{553, "permission", fs.ErrPermission, protocols.KindRefused},
	{522, "network protocol", errors.ErrUnsupported, protocols.KindRefused}, // RFC 2428 2: EPRT, EPSV
}

// refusal makes the error of a reply that was not what the command needs.
func refusal(r *protocols.Reply) *protocols.Error {
	e := &protocols.Error{Proto: proto, Code: r.Code, Text: r.Text()}
	v, known := verdicts[r.Code]
	if !line.Classify(e, line.Verdict(v), known) {
		return e
	}
	e.Retryable = r.Code < 500
	text := strings.ToLower(strings.Join(r.Lines, " "))
	for _, w := range words {
		if w.code == r.Code && strings.Contains(text, w.text) {
			e.Sentinel, e.Kind = w.class, w.kind
			e.Retryable = w.kind == protocols.KindTemporary
			break
		}
	}
	return e
}

// making corrects the error of a command that creates a name: its 550 does not say
// that the name is not there, unless its words do.
func making(err error) error {
	e, ok := errors.AsType[*protocols.Error](err)
	if ok && e.Code == 550 && e.Sentinel == fs.ErrNotExist && !strings.Contains(strings.ToLower(e.Text), "no such") {
		e.Sentinel = nil
	}
	return err
}

// want checks the first digit of a reply.
func want(r *protocols.Reply, class int) error {
	if r.Code/100 == class {
		return nil
	}
	return refusal(r)
}

// refused reports whether err is the server's lasting no to a command.
func refused(err error) bool {
	e, ok := errors.AsType[*protocols.Error](err)
	return ok && e.Code >= 500
}
