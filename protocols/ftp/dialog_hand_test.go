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
	{Name: "tls-get", Call: getA},
	{Name: "tls-prot-refused", Call: getA},
	{Name: "tls-require-refused", Call: getA, Options: func(o *protocols.Options) { o.TLS.Mode = protocols.TLSRequire }},
	{Name: "tls-refused", Call: removeA},
	{Name: "epsv-refused", Call: getA},
	{Name: "pasv-bare", Call: getA},
	{Name: "epsv-unreachable", Call: getA},
	{Name: "epsv-nonsense", Call: getA},
	{Name: "rest-refused", Call: protocoltest.Get("a.txt", &protocols.GetOptions{Offset: 3})},
	{Name: "greeting-421", Call: removeA},
	{Name: "greeting-120", Call: removeA},
	{Name: "greeting-lines", Call: removeA},
	{Name: "account", Call: removeA, Setup: func(s *Settings) { s.Account = "payroll" }},
	{Name: "no-password", Call: removeA},
	{Name: "active-eprt", Call: getA, Setup: active},
	{Name: "active-port", Call: getA, Setup: active},
	{Name: "get-short", Call: getA},
	{Name: "get-451", Call: getA},
	{Name: "get-reset", Call: getA, Spare: 1, Skip: map[string]string{"idle": "without the 426 the reset is what counts"}},
	{Name: "get-425", Call: getA},
	{Name: "get-huge", Call: getA},
	{Name: "get-part", Call: protocoltest.Get("a.txt", &protocols.GetOptions{Length: 3}), Spare: 3},
	{Name: "rfc959-get", Call: protocoltest.Get("test/foo", nil), Options: plain},
	{Name: "rfc959-put-full", Call: protocoltest.Put("big.txt", "all of it", nil)},
	{Name: "rfc3659-list", Call: protocoltest.List("tmp"), Header: lines},
	{Name: "rfc3659-stat", Call: protocoltest.Stat("file1")},
	{Name: "mlst-nonsense", Call: protocoltest.Stat("file1")},
	{Name: "put-over", Call: protocoltest.Put("a.txt", "text", nil)},
	{Name: "put-unique", Call: protocoltest.Put("a.txt", "text", &protocols.PutOptions{Unique: true})},
	{Name: "rest-put", Call: protocoltest.Put("a.txt", "text", &protocols.PutOptions{Offset: 3})},
	{Name: "list-iis", Call: protocoltest.List("")},
	{Name: "names-empty", Call: names("tmp")},
	{Name: "pret", Call: getA},
	{Name: "login-too-many", Call: removeA},
	{Name: "remove-450", Call: removeA},
	{Name: "timeout-421", Call: removeA},
	{Name: "put-on-folder", Call: protocoltest.Put("d", "text", &protocols.PutOptions{Modified: dialogTime, Mode: 0o640, HasMode: true})},
	{Name: "put-unique-in", Call: protocoltest.Put("in/a.txt", "text", &protocols.PutOptions{Unique: true, Modified: dialogTime})},
	{Name: "checksum-lines", Call: checksum("a.txt")},
	{Name: "rmdir-550", Call: quitting(func(ctx context.Context, c *Client) error { return c.Unmake(ctx, "full") })},
	{Name: "raw", Call: protocoltest.Raw("SITE WHOAMI")},
	{Name: "raw-150", Call: protocoltest.Raw("LIST")},
}
