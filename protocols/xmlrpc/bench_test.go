package xmlrpc

import (
	"testing"

	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// BenchmarkCall makes small calls on a kept connection; the server's part is in it.
func BenchmarkCall(b *testing.B) {
	c := labtest.Open(b, New, labtest.Start(b, weblab.StartXMLRPC, weblab.XMLRPCOptions{}).URL(), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Call(b.Context(), "add", 1, 2); err != nil {
			b.Fatal(err)
		}
	}
}
