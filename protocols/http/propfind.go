package http

import (
	"bytes"
	nethttp "net/http"
	"net/url"
	"slices"

	"github.com/netclients/netclients/protocols"
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

// multiRefusal makes an error of a multistatus that answers a change: some of it was
// refused (RFC 4918 9.6.1). That of a member is none of the whole: one that is missing
// does not mean that what was named is. A status that only follows from another one
// (424) counts when there is no other.
func multiRefusal(resp *Response, limits protocols.Limits) error {
	defer resp.Body.Close()
	own, _ := hrefSegments(resp.URL.EscapedPath(), nil)
	var found *protocols.Error
	err := multistatus.Parse(resp.Body, limits, func(r multistatus.Response) error {
		code := r.Refused()
		if code < 300 || found != nil && found.Code != nethttp.StatusFailedDependency {
			return nil
		}
		found = davRefusal(code, r.Href)
		if at, _ := hrefSegments(r.Href, own); !slices.Equal(at, own) {
			found.Sentinel = nil
		}
		return nil
	})
	if err != nil || found == nil {
		return err
	}
	return found
}
