package http

import (
	"strings"

	"github.com/netclients/netclients/protocols/http/internal/coding"
)

// codings is what Accept-Encoding asks for.
const codings = "gzip, deflate, br, zstd"

// mostLayers is how many codings may be on top of each other.
const mostLayers = 5

// decoded undoes the content codings of an answer, where they were asked for.
func (x *exchanger) decoded(resp *Response, r *Request) (*Response, error) {
	if !x.settings.Compressed || r.raw || noBody(resp.Method, resp.Status) {
		return resp, nil
	}
	layers, err := layersOf(resp.Header)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if len(layers) == 0 {
		return resp, nil
	}
	resp.Body = coding.NewBody(resp.Body, layers, x.limits.Decompressed, x.settings.Decoded)
	resp.Length = -1
	resp.Header = resp.Header.Clone()
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	return resp, nil
}

// layersOf returns the codings of a body, the outermost first.
func layersOf(h Header) ([]string, error) {
	var layers []string
	for name := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" || name == "identity" || name == "none" { // none is not a coding, but some servers say so
			continue
		}
		if !coding.Known(name) {
			return nil, protocolError("content coding " + name + " was not asked for")
		}
		layers = append([]string{name}, layers...)
	}
	if len(layers) > mostLayers {
		return nil, protocolError("more than " + plural(mostLayers, "content coding") + " on top of each other")
	}
	return layers, nil
}
