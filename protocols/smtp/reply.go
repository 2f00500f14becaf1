package smtp

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// verdict is what a code means.
type verdict line.Verdict

// verdicts holds the reply codes that say more than their first digit (RFC 5321
// 4.2.2, RFC 4954 6, RFC 3207 4). The others are temporary (4) or refused (5).
var verdicts = map[int]verdict{
	421: {protocols.KindTemporary, nil, ""},
	432: {protocols.KindAuth, nil, "the password has to be changed first"},
	454: {protocols.KindTemporary, nil, ""},
	500: {protocols.KindRefused, errors.ErrUnsupported, ""},
	502: {protocols.KindRefused, errors.ErrUnsupported, ""},
	504: {protocols.KindRefused, errors.ErrUnsupported, ""},
	523: {protocols.KindAuth, protocols.ErrNeedsTLS, "the server requires TLS: --tls require"},
	530: {protocols.KindAuth, protocols.ErrLoginNeeded, "the server requires a login: --user NAME"},
	534: {protocols.KindAuth, nil, "the server requires a stronger mechanism"},
	535: {protocols.KindAuth, nil, ""},
	538: {protocols.KindAuth, protocols.ErrNeedsTLS, "the server requires TLS: --tls require"},
}

// enhanced holds the classes of enhanced codes that say more than the reply code;
// the class digit is left out (RFC 3463 3).
var enhanced = map[string]error{
	"4.5": protocols.ErrTooMany,
	"7.1": fs.ErrPermission,
}

// refusal makes the error of a reply that was not what the command needs.
func refusal(r *protocols.Reply) *protocols.Error {
	e := &protocols.Error{Proto: proto, Code: r.Code, Enhanced: r.Enhanced, Text: strings.TrimSpace(r.Enhanced + " " + textOf(r))}
	v, known := verdicts[r.Code]
	if !line.Classify(e, line.Verdict(v), known) {
		return e
	}
	if _, detail, ok := strings.Cut(r.Enhanced, "."); ok && e.Sentinel == nil && e.Kind == protocols.KindRefused {
		e.Sentinel = enhanced[detail]
	}
	if r.Code == 530 && strings.Contains(strings.ToUpper(e.Text), "STARTTLS") {
		e.Sentinel, e.Hint = protocols.ErrNeedsTLS, verdicts[538].Hint
	}
	return e
}

// ReplyError returns the error that a reply stands for, or nil for a success.
func (c *Client) ReplyError(r *protocols.Reply) error {
	if r.Code < 400 {
		return nil
	}
	return refusal(r)
}

// want checks the first digit of a reply.
func want(r *protocols.Reply, class int) error {
	if r.Code/100 == class {
		return nil
	}
	return refusal(r)
}

// textOf returns the words of a reply in one line, without enhanced codes. The
// reasons that large servers give take several lines.
func textOf(r *protocols.Reply) string {
	const most = 1000
	var b strings.Builder
	for _, l := range r.Lines {
		_, l = wire.Enhanced(l)
		l = strings.TrimSpace(l)
		if l == "" || b.Len()+len(l) > most {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(l)
	}
	return b.String()
}

// isRefusal reports whether err is the server's own no and not a failure of the
// connection.
func isRefusal(err error) bool {
	e, ok := errors.AsType[*protocols.Error](err)
	return ok && e.Code != 0
}

// recipient returns what a reply says of an address.
func recipient(address string, r *protocols.Reply) protocols.Recipient {
	return protocols.Recipient{Address: address, Accepted: r.Code/100 == 2, Code: r.Code, Enhanced: r.Enhanced, Text: textOf(r)}
}
