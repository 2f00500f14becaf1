package xmlrpc

import (
	"testing"

	"github.com/netclients/netclients/protocols/lab/weblab"
)

// BenchmarkCall makes small calls on a kept connection; the server's part is in it.
func BenchmarkCall(b *testing.B) {
	c := open(b, startLab(b, weblab.XMLRPCOptions{}).URL(), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Call(b.Context(), "add", 1, 2); err != nil {
			b.Fatal(err)
		}
	}
}
