package kit

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// Serve runs handle for each connection to a new loopback port, which it returns as
// host:port. Connections are closed when handle returns, at the latest when the test ends.
func Serve(t testing.TB, handle func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ServeOn(t, l, handle)
	return l.Addr().String()
}

// ServeOn is [Serve] for a listener, which it closes.
func ServeOn(t testing.TB, l net.Listener, handle func(net.Conn)) {
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			all.Go(func() {
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					delete(open, c)
				}()
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
}

// Answer is [Serve] for a line protocol: each connection begins with the greeting, and each
// line, which is passed without its line end, gets the answer that the function returns. An
// answer that ends in [Hangup] is the last.
func Answer(t testing.TB, greeting string, answer func(line string) string) (addr string) {
	t.Helper()
	return Serve(t, func(c net.Conn) { Converse(c, greeting, answer) })
}

// Hangup at the end of an answer ends the connection.
const Hangup = "\x00hang up"

// Converse is [Answer] on one connection, until its end.
func Converse(c net.Conn, greeting string, answer func(line string) string) {
	in := bufio.NewReader(c)
	for text := greeting; ; {
		said, last := strings.CutSuffix(text, Hangup)
		if _, err := io.WriteString(c, said); err != nil || last {
			return
		}
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		text = answer(strings.TrimRight(line, "\r\n"))
	}
}
