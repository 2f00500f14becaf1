package line

import "github.com/netclients/netclients/protocols"

// Verdict is the meaning of a reply code.
type Verdict struct {
	Kind     protocols.Kind
	Sentinel error
	Hint     string
}

// Classify completes the error of a reply, whose code and text it has, by the verdict on its code. Codes without one
// are refused from 500 on, temporary from 400 on. It returns false for other codes: they are no refusals, so that the
// reply is an unexpected one.
func Classify(e *protocols.Error, v Verdict, known bool) bool {
	switch {
	case known:
		e.Kind, e.Sentinel, e.Hint = v.Kind, v.Sentinel, v.Hint
	case e.Code >= 500:
		e.Kind = protocols.KindRefused
	case e.Code >= 400:
		e.Kind = protocols.KindTemporary
	default:
		e.Kind, e.Text = protocols.KindProtocol, "unexpected reply: "+e.Text
		return false
	}
	e.Retryable = e.Kind == protocols.KindTemporary
	return true
}
