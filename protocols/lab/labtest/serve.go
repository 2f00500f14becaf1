package labtest

import (
	"net"
	"testing"

	"github.com/netclients/netclients/protocols/lab/internal/kit"
)

// Serve runs handle for each connection to a new loopback port, which it returns as
// host:port. Connections are closed when handle returns, at the latest when the test ends.
func Serve(t testing.TB, handle func(net.Conn)) (addr string) {
	t.Helper()
	return kit.Serve(t, handle)
}

// ServeOn is [Serve] for a listener, which it closes.
func ServeOn(t testing.TB, l net.Listener, handle func(net.Conn)) {
	t.Helper()
	kit.ServeOn(t, l, handle)
}

// Answer is [Serve] for a line protocol: each connection begins with the greeting, and each
// line, which is passed without its line end, gets the answer that the function returns. An
// answer that ends in [Hangup] is the last.
func Answer(t testing.TB, greeting string, answer func(line string) string) (addr string) {
	t.Helper()
	return kit.Answer(t, greeting, answer)
}

// Hangup at the end of an answer ends the connection.
const Hangup = kit.Hangup

// Converse is [Answer] on one connection, until its end.
func Converse(c net.Conn, greeting string, answer func(line string) string) {
	kit.Converse(c, greeting, answer)
}
