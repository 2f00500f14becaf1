package http

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"
)

// Offline writes a request to w as it would go out over HTTP/1.1, and sends nothing.
// Secrets are shown as ****. The body follows as it is, also where it would be sent in
// chunks.
func Offline(ctx context.Context, c *Client, r *Request, w io.Writer) error {
	ctx, release, err := c.enter(ctx)
	if err != nil {
		return c.wrap(err, "request", "")
	}
	defer release()
	if err := r.check(); err != nil {
		return c.wrap(err, "request", "")
	}
	own, err := r.measured()
	if err != nil {
		return c.wrap(err, "request", "")
	}
	own.URL = c.engine.cleaned(own.URL)
	m, err := c.engine.prepare(ctx, &own, c.engine.login(own.URL))
	if err != nil {
		return c.wrap(err, "request", "")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", m.method(), requestTarget(m.URL))
	if len(m.header["Host"]) == 0 && !m.noHost {
		fmt.Fprintf(&b, "Host: %s\r\n", hostField(m.URL))
	}
	for _, name := range sortedNames(m.header) {
		for _, v := range m.header[name] {
			if SecretHeader(name) {
				v = "****"
			}
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	framing(&b, m)
	b.WriteString("\r\n")
	if _, err := w.Write(b.Bytes()); err != nil || m.Body == nil {
		return err
	}
	_, err = io.Copy(w, m.Body)
	return err
}

// strictly has the client ask its own server by HTTPS, when that wants it.
func strictly(c *Client) {
	if u := c.Settings.HSTS.Upgrade(c.url, time.Now()); u != c.url {
		*c.url = *u
	}
}
