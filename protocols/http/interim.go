package http

import (
	"time"

	"github.com/netclients/netclients/protocols"
)

// interimFor is how many times the idle timeout interim answers may come without a final
// one: 10 minutes by default. Each of them ends the silence, so that the idle timeout alone
// would never end.
const interimFor = 10

// interim bounds the answers before the final one (RFC 9110 15.2): in one head's size, and
// from the first one after the body was sent in [interimFor] times the idle timeout. Where
// that is off there is no limit of time.
type interim struct {
	bytes, most int64 // of the heads of this exchange
	within      time.Duration
	began       time.Time // zero: none has come
}

func newInterim(o *protocols.Options, most int64) interim {
	return interim{most: most, within: interimFor * o.IdleWithin()}
}

// reset begins an exchange.
func (i *interim) reset() { i.bytes, i.began = 0, time.Time{} }

// came notes one. sending says that the request's body is still on its way.
func (i *interim) came(sending bool) error {
	switch now := time.Now(); {
	case i.bytes > i.most:
		return protocolError("too many interim answers without a final one")
	case i.began.IsZero() || sending:
		i.began = now
	case i.within > 0 && now.Sub(i.began) > i.within:
		return &protocols.Error{Kind: protocols.KindTimeout, Text: "interim answers for " + i.within.String() + " without a final one", Hint: "a longer --idle-timeout waits longer"}
	}
	return nil
}
