package labcmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	neturl "net/url"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// relay returns what sends messages on to the server of a URL, with the flags of the
// command for TLS, login and times.
func relay(e *kit.Env, url string) func(ctx context.Context, from string, to []string, content io.Reader) error {
	return func(ctx context.Context, from string, to []string, content io.Reader) error {
		at, err := e.Target(url)
		if err != nil {
			return err
		}
		c, err := e.Dial(at)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = protocols.Send(ctx, c, &protocols.Message{From: from, To: to, Body: content, Size: protocols.SizeUnknown})
		return err
	}
}

// webhook returns what posts a summary to a URL. An answer that is not a success is an
// error.
func webhook(e *kit.Env, url string) func(ctx context.Context, summary []byte) error {
	return func(ctx context.Context, summary []byte) error {
		at, err := e.Target(url)
		if err != nil {
			return err
		}
		c, err := e.Dial(at)
		if err != nil {
			return err
		}
		defer c.Close()
		h, ok := c.(*http.Client)
		if !ok {
			return fmt.Errorf("%s is no URL of the web", url)
		}
		to, err := neturl.Parse(url)
		if err != nil {
			return err
		}
		to.User = nil // it is in the client
		r := &http.Request{Method: "POST", URL: to, Header: http.Header{"Content-Type": {"application/json"}}, Body: bytes.NewReader(summary), Length: int64(len(summary))}
		answer, err := h.Do(ctx, r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		return answer.AsError()
	}
}
