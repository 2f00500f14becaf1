package ftp

import (
	"context"
	"fmt"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

var (
	getA    = protocoltest.Get("a.txt", nil)
	removeA = quitting(func(ctx context.Context, c *Client) error { return c.Remove(ctx, "a.txt") })
	active  = func(s *Settings) { s.Active = true }
)

func checksum(name string) protocoltest.Call {
	return func(ctx context.Context, c protocols.Client) ([]any, error) {
		algorithm, sum, err := c.(*Client).Checksum(ctx, name)
		return []any{fmt.Sprintf("%s %x", algorithm, sum)}, err
	}
}

// byHand are dialogues of servers that are not at hand, that lie, or that stand
// in the RFCs.
var byHand = []recording{
	{name: "tls-get", call: getA},
	{name: "tls-prot-refused", call: getA},
	{name: "tls-require-refused", call: getA, options: func(o *protocols.Options) { o.TLS.Mode = protocols.TLSRequire }},
	{name: "tls-refused", call: removeA},
	{name: "epsv-refused", call: getA},
	{name: "pasv-bare", call: getA},
	{name: "epsv-unreachable", call: getA},
	{name: "epsv-nonsense", call: getA},
	{name: "rest-refused", call: protocoltest.Get("a.txt", &protocols.GetOptions{Offset: 3})},
	{name: "greeting-421", call: removeA},
	{name: "greeting-120", call: removeA},
	{name: "greeting-lines", call: removeA},
	{name: "account", call: removeA, setup: func(s *Settings) { s.Account = "payroll" }},
	{name: "no-password", call: removeA},
	{name: "active-eprt", call: getA, setup: active},
	{name: "active-port", call: getA, setup: active},
	{name: "get-short", call: getA},
	{name: "get-451", call: getA},
	{name: "get-reset", call: getA, spare: 1, skip: map[string]string{"idle": "without the 426 the reset is what counts"}},
	{name: "get-425", call: getA},
	{name: "get-huge", call: getA},
	{name: "get-part", call: protocoltest.Get("a.txt", &protocols.GetOptions{Length: 3}), spare: 3},
	{name: "rfc959-get", call: protocoltest.Get("test/foo", nil), options: plain},
	{name: "rfc959-put-full", call: protocoltest.Put("big.txt", "all of it", nil)},
	{name: "rfc3659-list", call: protocoltest.List("tmp"), header: lines},
	{name: "rfc3659-stat", call: protocoltest.Stat("file1")},
	{name: "mlst-nonsense", call: protocoltest.Stat("file1")},
	{name: "put-over", call: protocoltest.Put("a.txt", "text", nil)},
	{name: "put-unique", call: protocoltest.Put("a.txt", "text", &protocols.PutOptions{Unique: true})},
	{name: "rest-put", call: protocoltest.Put("a.txt", "text", &protocols.PutOptions{Offset: 3})},
	{name: "list-iis", call: protocoltest.List("")},
	{name: "names-empty", call: names("tmp")},
	{name: "pret", call: getA},
	{name: "login-too-many", call: removeA},
	{name: "remove-450", call: removeA},
	{name: "timeout-421", call: removeA},
	{name: "put-on-folder", call: protocoltest.Put("d", "text", &protocols.PutOptions{Modified: dialogTime, Mode: 0o640, HasMode: true})},
	{name: "put-unique-in", call: protocoltest.Put("in/a.txt", "text", &protocols.PutOptions{Unique: true, Modified: dialogTime})},
	{name: "checksum-lines", call: checksum("a.txt")},
	{name: "rmdir-550", call: quitting(func(ctx context.Context, c *Client) error { return c.Unmake(ctx, "full") })},
	{name: "raw", call: protocoltest.Raw("SITE WHOAMI")},
	{name: "raw-150", call: protocoltest.Raw("LIST")},
}
