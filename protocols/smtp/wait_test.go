package smtp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
)

// slowServer answers each line of a client after a pause, and the end of a message
// after another.
func slowServer(conn net.Conn, pause, final time.Duration) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	answer, content := "220 slow.test\r\n", false
	for {
		if answer != "" {
			time.Sleep(pause)
			if strings.HasPrefix(answer, "250 taken") {
				time.Sleep(final - pause)
			}
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
		}
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return
		case content && line == ".\r\n":
			answer, content = "250 taken\r\n", false
		case content:
			answer = ""
		case line == "DATA\r\n":
			answer, content = "354 go on\r\n", true
		default:
			answer = "250 slow.test\r\n"
		}
	}
}

// TestPatience: a server has as long for its answers as RFC 5321 4.5.3.2 allows,
// ten minutes after a message, and no longer; and as long as the caller says.
func TestPatience(t *testing.T) {
	const justBelow = -time.Second
	tests := []struct {
		name         string
		pause, final time.Duration
		idle         time.Duration
		want         error // its class
		kind         protocols.Kind
	}{
		{"slow", replyWithin + justBelow, finalWithin + justBelow, 0, nil, protocols.KindOK},
		{"no greeting", replyWithin + time.Second, 0, 0, nil, protocols.KindTimeout},
		{"no final answer", time.Second, finalWithin + time.Second, 0, ErrUnknown, protocols.KindTimeout},
		{"in a hurry", time.Second, 3 * time.Second, 2 * time.Second, ErrUnknown, protocols.KindTimeout},
		{"as long as it takes", time.Hour, 24 * time.Hour, -1, nil, protocols.KindOK},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var server sync.WaitGroup
			o := &protocols.Options{IdleTimeout: tt.idle, Dial: func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				server.Go(func() { slowServer(far, tt.pause, tt.final) })
				return near, nil
			}}
			c, err := New(&url.URL{Scheme: "smtp", Host: "127.0.0.1", Path: "/me.test"}, o)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.SendMail(t.Context(), mailOf(hello, "alice@example.org"))
			if protocols.KindOf(err) != tt.kind || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%s: %v", tt.name, err)
			}
			c.Close()
			server.Wait()
		})
	}
}
