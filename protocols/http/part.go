package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// GetLast opens the last n bytes of an object, or all of a shorter one, with a range that
// counts from the end (RFC 9110 14.1.2).
func (c *Client) GetLast(ctx context.Context, name string, n int64) (*protocols.Object, error) {
	return opened(ctx, c, name, func(ctx context.Context) (*protocols.Object, error) { return getLast(ctx, c, name, n) })
}

func getLast(ctx context.Context, c *Client, name string, n int64) (*protocols.Object, error) {
	if n <= 0 {
		return nil, usage("the number of bytes from the end must be positive")
	}
	u, err := c.urlOf(name)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "data" {
		return lastOfData(name, n)
	}
	resp, err := c.engine.perform(ctx, &Request{URL: u, Header: Header{"Range": {"bytes=-" + strconv.FormatInt(n, 10)}}, raw: true})
	if err != nil {
		return nil, err
	}
	obj, err := last(c, name, resp, n)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return obj, nil
}

func lastOfData(name string, n int64) (*protocols.Object, error) {
	whole, err := dataObject(name, &protocols.GetOptions{})
	if err != nil || whole.Size <= n {
		return whole, err
	}
	return dataObject(name, &protocols.GetOptions{Offset: whole.Size - n})
}

// last checks that an answer is the end of an object. Where the server ignores the range,
// only an object that is no longer than that will do.
func last(c *Client, name string, resp *Response, n int64) (*protocols.Object, error) {
	obj := &protocols.Object{Entry: c.entryOf(name, resp, false), Body: resp.Body}
	switch {
	case resp.Status == nethttp.StatusPartialContent:
		text := resp.Header.Get("Content-Range")
		first, last, size, ok := parseContentRange(text)
		if !ok || first < 0 || last-first+1 > n || size >= 0 && last != size-1 || resp.Length >= 0 && resp.Length != last-first+1 {
			return nil, protocolError(fmt.Sprintf("asked for the last %d bytes, got %q with %d bytes", n, text, resp.Length))
		}
		obj.Offset, obj.Size = first, last+1
		return obj, nil
	case resp.Status == nethttp.StatusRequestedRangeNotSatisfiable:
		if _, _, size, ok := parseContentRange(resp.Header.Get("Content-Range")); ok && size == 0 {
			return emptyEnd(obj, resp, 0), nil
		}
		return nil, refusal(resp)
	case resp.Status >= 300:
		return c.object(name, resp, &protocols.GetOptions{Length: n})
	case resp.Length >= 0 && resp.Length <= n:
		return obj, nil
	}
	return nil, &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Code: resp.Status, Text: "the server sends all of it: it cannot send the end alone"}
}

// isWhole reports whether an answer holds all of the object, whatever its status says.
func isWhole(resp *Response) bool {
	first, last, size, ok := parseContentRange(resp.Header.Get("Content-Range"))
	return ok && first == 0 && last == size-1 && (resp.Length < 0 || resp.Length == size)
}

// firstPart is the start of a body that is longer.
type firstPart struct {
	io.ReadCloser
	left int64
}

func (f *firstPart) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, io.EOF
	}
	n, err := f.ReadCloser.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	return n, err
}

// checkPart compares Content-Range with what was asked for (RFC 9110 14.4), and
// returns the size of the whole, or -1.
func checkPart(resp *Response, o *protocols.GetOptions) (int64, error) {
	text := resp.Header.Get("Content-Range")
	first, last, size, ok := parseContentRange(text)
	if !ok || first < 0 {
		return 0, protocolError("a part without a Content-Range that says which: " + strconv.Quote(text))
	}
	wanted := o.Length == 0 || last <= o.Offset+o.Length-1
	if first != o.Offset || !wanted || resp.Length >= 0 && resp.Length != last-first+1 {
		return 0, protocolError(fmt.Sprintf("asked for the bytes from %d, got %q with %d bytes", o.Offset, text, resp.Length))
	}
	return size, nil
}

// parseContentRange reads "bytes 0-9/100", "bytes 0-9/*" and "bytes */100"; first
// is -1 for the last one, size -1 where it is not told.
func parseContentRange(text string) (first, last, size int64, ok bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	span, total, slash := strings.Cut(rest, "/")
	if !strings.EqualFold(unit, "bytes") || !slash {
		return 0, 0, 0, false
	}
	size = -1
	if total != "*" {
		if size, ok = number(total); !ok {
			return 0, 0, 0, false
		}
	}
	if span == "*" {
		return -1, -1, size, size >= 0
	}
	a, b, _ := strings.Cut(span, "-")
	first, okA := number(a)
	last, okB := number(b)
	ok = okA && okB && first <= last && (size < 0 || last < size)
	return first, last, size, ok
}

func number(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && digits(s)
}

// behindEnd takes the refusal of a part: one that starts just after the end of
// the object is empty.
func behindEnd(obj *protocols.Object, resp *Response, o *protocols.GetOptions) (*protocols.Object, error) {
	_, _, size, ok := parseContentRange(resp.Header.Get("Content-Range"))
	if !ok || size != o.Offset || o.Same != nil && o.Same.Size >= 0 && o.Same.Size != size {
		if ok && o.Same != nil {
			resp.Body.Close()
			return nil, &protocols.Error{Kind: protocols.KindRefused, Code: resp.Status, Sentinel: protocols.ErrChanged, Text: fmt.Sprintf("it has %d bytes now", size)}
		}
		return nil, refusal(resp)
	}
	return emptyEnd(obj, resp, size), nil
}

// emptyEnd returns the end of an object of that size, which holds nothing.
func emptyEnd(obj *protocols.Object, resp *Response, size int64) *protocols.Object {
	obj.Size = size
	obj.Body = struct {
		io.Reader
		io.Closer
	}{strings.NewReader(""), resp.Body}
	return obj
}
