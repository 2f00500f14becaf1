package http

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	nethttp "net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/netclients/netclients/internal/httpauth"
	"github.com/netclients/netclients/protocols"
)

// StatusError is the cause inside the error of an answer that says no: the
// answer itself, with the start of its body.
type StatusError struct {
	Status int
	Reason string
	Header Header
	Body   []byte        // at most 1 MiB
	Cut    bool          // the body was longer
	After  time.Duration // what Retry-After asks for; 0: nothing
}

// mostErrorBody is how much of the body of a refusal is kept.
const mostErrorBody = 1 << 20

// Error returns the server's words; the status is the code of the error around it.
func (e *StatusError) Error() string { return e.Reason }

// Said returns the body of the refusal where it is text, at most 64 KiB of it.
func (e *StatusError) Said() string {
	start := e.Body[:min(len(e.Body), 64<<10)]
	text := strings.ToValidUTF8(string(start), "")
	if len(text)+utf8.UTFMax <= len(start) || strings.ContainsRune(text, 0) {
		return ""
	}
	return text
}

// RetryAfter returns what the server asked to wait before the next attempt.
func (e *StatusError) RetryAfter() time.Duration { return e.After }

// statusClass says what a status stands for.
type statusClass struct {
	kind  protocols.Kind
	class error
	retry bool
}

// statuses are those that differ from their hundred's own.
var statuses = map[int]statusClass{
	401: {protocols.KindAuth, protocols.ErrLoginNeeded, false},
	403: {protocols.KindRefused, fs.ErrPermission, false},
	404: {protocols.KindRefused, fs.ErrNotExist, false},
	405: {protocols.KindRefused, errors.ErrUnsupported, false},
	407: {protocols.KindAuth, nil, false},
	408: {protocols.KindTemporary, nil, true},
	410: {protocols.KindRefused, fs.ErrNotExist, false},
	423: {protocols.KindRefused, fs.ErrPermission, false}, // WebDAV: locked
	425: {protocols.KindTemporary, nil, true},
	429: {protocols.KindTemporary, nil, true},
	501: {protocols.KindTemporary, errors.ErrUnsupported, false},
	505: {protocols.KindTemporary, errors.ErrUnsupported, false},
	507: {protocols.KindTemporary, nil, false},
	511: {protocols.KindTemporary, nil, false},
}

func classOf(status int) statusClass {
	if c, ok := statuses[status]; ok {
		return c
	}
	switch status / 100 {
	case 4:
		return statusClass{kind: protocols.KindRefused}
	case 5:
		return statusClass{kind: protocols.KindTemporary, retry: true}
	}
	return statusClass{kind: protocols.KindProtocol}
}

// refusalWithin bounds the wait for the page that explains a refusal.
const refusalWithin = time.Second

// refusal makes an error of an answer that is not a success. It reads and closes
// the body.
func refusal(resp *Response) error {
	if resp.deadline != nil {
		_ = resp.deadline(time.Now().Add(refusalWithin))
	}
	body := readSome(resp.Body, mostErrorBody+1)
	resp.Body.Close()
	return statusError(resp, body)
}

func statusError(resp *Response, body []byte) error {
	c := classOf(resp.Status)
	cause := &StatusError{
		Status: resp.Status, Reason: resp.reason(), Header: resp.Header, After: retryAfter(resp.Header, time.Now()),
		Body: body[:min(len(body), mostErrorBody)], Cut: len(body) > mostErrorBody,
	}
	if strange := strangeLogins(resp); strange != nil {
		c.class = strange
	}
	return &protocols.Error{Kind: c.kind, Code: resp.Status, Sentinel: c.class, Retryable: c.retry, Err: cause}
}

// strangeLogins is the class of a 401 that no login of ours would satisfy, or nil.
func strangeLogins(resp *Response) error {
	var names []string
	for _, o := range httpauth.Parse(resp.Header.Values("WWW-Authenticate")) {
		if o.Scheme == "basic" || o.Scheme == "bearer" || o.Scheme == "digest" && httpauth.NewDigest(o.Params) != nil {
			return nil
		}
		names = append(names, o.Scheme)
	}
	if resp.Status != nethttp.StatusUnauthorized || len(names) == 0 {
		return nil
	}
	return errors.New("the server takes logins by " + strings.Join(names, ", ") + " only, which are not supported; Basic, Digest and Bearer are")
}

func (r *Response) reason() string {
	return cmp.Or(r.Reason, nethttp.StatusText(r.Status), "no reason given")
}

// AsError returns the error that the status of a response stands for, or nil for
// 1xx to 3xx. The body stays as it is.
func (r *Response) AsError() error {
	if r.Status < 400 {
		return nil
	}
	return statusError(r, nil)
}

// longestAfter bounds what a server may make a client wait.
const longestAfter = 5 * time.Minute

// retryAfter reads Retry-After: seconds or a date (RFC 9110 10.2.3).
func retryAfter(h Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if digits(v) {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n > int64(longestAfter/time.Second) {
			return longestAfter
		}
		return time.Duration(n) * time.Second
	}
	at, err := nethttp.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), longestAfter)
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func protocolError(text string) error {
	return &protocols.Error{Kind: protocols.KindProtocol, Text: text}
}

// readSome reads at most n bytes, as far as they come.
func readSome(r io.Reader, n int64) []byte {
	b, _ := io.ReadAll(io.LimitReader(r, n))
	return b
}
