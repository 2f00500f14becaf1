package pop3

import (
	"context"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// byHand are dialogues of servers that are not at hand, that lie, or that stand in
// the RFCs.
var byHand = []recording{
	{Name: "tls-get", Call: protocoltest.Get("1", nil), Options: tlsOn},
	{Name: "tls-refused", Call: protocoltest.Get("1", nil), Options: tlsOn},
	{Name: "tls-require-refused", Call: protocoltest.Get("1", nil), Options: func(o *protocols.Options) { tlsOn(o); o.TLS.Mode = protocols.TLSRequire }},
	{Name: "no-capa", Call: protocoltest.Bulk("1", "2")},
	{Name: "rfc1939-apop", Call: protocoltest.Stat(""), Options: func(o *protocols.Options) { plain(o); o.Mechanism = "APOP" }},
	{Name: "apop-odd-stamp", Call: protocoltest.Stat(""), Options: func(o *protocols.Options) { plain(o); o.Mechanism = "APOP" }},
	{Name: "sasl-plain", Call: protocoltest.Stat(""), Options: func(o *protocols.Options) { plain(o); o.Mechanism = "PLAIN" }},
	{Name: "in-use", Call: protocoltest.Stat("")},
	{Name: "greeting-err", Call: protocoltest.Stat("")},
	{Name: "no-uidl", Call: protocoltest.List("")},
	{Name: "remove", Call: calling(func(ctx context.Context, c *Client) error { return c.Remove(ctx, ";UID=b") })},
	{Name: "remove-quit-refused", Call: calling(func(ctx context.Context, c *Client) error { return c.Remove(ctx, ";UID=a") })},
	{Name: "remove-locked", Call: calling(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "1") })},
	{Name: "odd-numbers", Call: protocoltest.Stat("")},
	{Name: "same-ids", Call: protocoltest.List("")},
}

func tlsOn(o *protocols.Options) { o.Mechanism = "USER" }
