package http

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/url"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// dataObject opens a data URL (RFC 2397).
func dataObject(name string, o *protocols.GetOptions) (*protocols.Object, error) {
	kind, b, err := parseData(name)
	if err != nil {
		return nil, err
	}
	e := protocols.Entry{
		Protocol: proto, URL: name, Name: "data", Path: name, Type: protocols.TypeFile, Size: int64(len(b)),
		Facts: map[string]string{"content-type": kind},
	}
	from := min(o.Offset, int64(len(b)))
	part := b[from:]
	if o.Length > 0 {
		part = part[:min(o.Length, int64(len(part)))]
	}
	return &protocols.Object{Entry: e, Offset: o.Offset, Body: io.NopCloser(bytes.NewReader(part))}, nil
}

// parseData returns type and content of a data URL.
func parseData(name string) (kind string, content []byte, err error) {
	rest, ok := strings.CutPrefix(name, "data:")
	head, body, comma := strings.Cut(rest, ",")
	if !ok || !comma {
		return "", nil, usage("a data URL is data:[TYPE][;base64],CONTENT")
	}
	text, err := url.PathUnescape(body)
	if err != nil {
		return "", nil, usage("data URL: a %% without two hex digits")
	}
	kind, coded := strings.CutSuffix(head, ";base64")
	if kind == "" || strings.HasPrefix(kind, ";") {
		kind = "text/plain" + kind
	}
	if !coded {
		return kind, []byte(text), nil
	}
	text = strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := enc.DecodeString(text); err == nil {
			return kind, b, nil
		}
	}
	return "", nil, usage("data URL: the content is not base64")
}
