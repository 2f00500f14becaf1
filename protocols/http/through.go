package http

import (
	"crypto/tls"
	"net/netip"
	"net/url"
	"time"

	"github.com/netclients/netclients/protocols"
)

// through carries requests over a RoundTripper of the caller's ([Settings].Through). What
// its connections are is unknown: TLS is where the URL says so.
type through struct {
	streams
	url *url.URL
	own *protocols.Options
}

func (k *connector) through(u *url.URL) connection {
	t := &through{url: u, own: k.opts}
	t.streams = streams{
		many: true, roundTrip: k.settings.Through.RoundTrip, state: func() *tls.ConnectionState { return nil }, traced: k.opts.Trace != nil,
		event: func(kind protocols.EventKind, text string, n int64) {
			k.opts.Trace(protocols.Event{Time: time.Now(), Protocol: proto, Host: u.Host, Kind: kind, Text: text, Bytes: n})
		},
		interim: newInterim(k.opts, k.headLimit),
	}
	return t
}

func (t *through) usable() bool { return false } // it is made anew, which costs nothing

func (t *through) ready() bool { return true }

func (t *through) close() {} // connections are the RoundTripper's

// allowSecret: as with connections of our own, TLS or this machine.
func (t *through) allowSecret() error {
	ip, err := netip.ParseAddr(t.url.Hostname())
	if t.private() || t.own.AllowPlaintextAuth || t.url.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return &protocols.Error{
		Kind: protocols.KindAuth, Sentinel: protocols.ErrCleartext, Text: "refused to send a secret without TLS",
		Hint: "use https; AllowPlaintextAuth sends it unencrypted",
	}
}

func (t *through) private() bool { return t.url.Scheme == "https" }
