package imap

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"

	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/protocols"
)

// OpenPart opens the content of a part that [Client.Structure] has returned for the
// message name, decoded: without its transfer encoding, and texts in UTF-8. The Size of the
// object is that of the part as it is sent. The caller closes the object's Body; until then
// the client is busy.
func (c *Client) OpenPart(ctx context.Context, name string, p *Part) (*protocols.Object, error) {
	r, err := ParseMessageRef(name)
	if err != nil {
		return nil, c.wrap(err, "get", name)
	}
	if p == nil || p.IsMultipart() {
		return nil, c.wrap(protocols.UsageError(proto, "get", "a multipart has no content of its own"), "get", name)
	}
	r.Section, r.Offset, r.Length = p.Section, 0, 0
	o, err := c.Get(ctx, r.String(), nil)
	if err != nil {
		return nil, err
	}
	o.Body = &partBody{Reader: p.decoded(o.Body), Closer: o.Body}
	return o, nil
}

type partBody struct {
	io.Reader
	io.Closer
}

// decoded undoes the encodings of a part. What is not known stays as it is.
func (p *Part) decoded(r io.Reader) io.Reader {
	switch p.Encoding {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, &alphabet{r})
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	if !strings.HasPrefix(p.Type, "text/") {
		return r
	}
	set := strings.ToLower(p.Params["charset"])
	if set == "" || set == "utf-8" || set == "us-ascii" {
		return r
	}
	if plain, err := charset.Reader(set, r); err == nil {
		return plain
	}
	return r
}

// alphabet drops what is not base64: decoders ignore it (RFC 2045 section 6.8).
type alphabet struct{ r io.Reader }

func (a *alphabet) Read(p []byte) (int, error) {
	for {
		n, err := a.r.Read(p)
		kept := bytes.Map(func(c rune) rune {
			if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=' {
				return c
			}
			return -1
		}, p[:n])
		if n = copy(p, kept); n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}
