package pop3

import (
	"context"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// byHand are dialogues of servers that are not at hand, that lie, or that stand in
// the RFCs.
var byHand = []recording{
	{name: "tls-get", call: protocoltest.Get("1", nil), options: tlsOn},
	{name: "tls-refused", call: protocoltest.Get("1", nil), options: tlsOn},
	{name: "tls-require-refused", call: protocoltest.Get("1", nil), options: func(o *protocols.Options) { tlsOn(o); o.TLS.Mode = protocols.TLSRequire }},
	{name: "no-capa", call: protocoltest.Bulk("1", "2")},
	{name: "rfc1939-apop", call: protocoltest.Stat(""), options: func(o *protocols.Options) { plain(o); o.Mechanism = "APOP" }},
	{name: "sasl-plain", call: protocoltest.Stat(""), options: func(o *protocols.Options) { plain(o); o.Mechanism = "PLAIN" }},
	{name: "in-use", call: protocoltest.Stat("")},
	{name: "greeting-err", call: protocoltest.Stat("")},
	{name: "no-uidl", call: protocoltest.List("")},
	{name: "remove", call: calling(func(ctx context.Context, c *Client) error { return c.Remove(ctx, ";UID=b") })},
	{name: "remove-quit-refused", call: calling(func(ctx context.Context, c *Client) error { return c.Remove(ctx, ";UID=a") })},
	{name: "odd-numbers", call: protocoltest.Stat("")},
	{name: "same-ids", call: protocoltest.List("")},
}

func tlsOn(o *protocols.Options) { o.Mechanism = "USER" }
