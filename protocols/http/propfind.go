package http

import (
	"bytes"
	"net/url"

	"github.com/netclients/netclients/protocols/http/internal/multistatus"
)

// davBody asks for what an Entry can hold (RFC 4918 9.1).
const davBody = `<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/><getetag/><getcontenttype/></prop></propfind>
`

func propfind(u *url.URL, depth string) *Request {
	return &Request{
		Method: "PROPFIND", URL: u, Body: bytes.NewReader([]byte(davBody)), Length: int64(len(davBody)), raw: true,
		Header: Header{"Depth": {depth}, "Content-Type": {`application/xml; charset="utf-8"`}},
	}
}

// multiRefusal makes an error of a multistatus that answers a change: some of it
// was refused (RFC 4918 9.6.1).
func (c *Client) multiRefusal(resp *Response) error {
	defer resp.Body.Close()
	var first error
	err := multistatus.Parse(resp.Body, c.limits, func(r multistatus.Response) error {
		if code := r.Refused(); code >= 300 && first == nil {
			first = davRefusal(code, r.Href)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return first
}
