package protocols

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"
)

// errNotExist is fs.ErrNotExist, short.
var errNotExist = fs.ErrNotExist

// TestErrorText holds the one line that people see.
func TestErrorText(t *testing.T) {
	for want, e := range map[string]*Error{
		"ftp get host/path: 550 No such file (not found)":      {Proto: "ftp", Op: "get", URL: "ftp://u:pw@host/path", Code: 550, Text: "No such file", Sentinel: fs.ErrNotExist, Kind: KindRefused},
		"file get /a b%41: file does not exist":                {Proto: "file", Op: "get", URL: "file:///a%20b%2541", Sentinel: fs.ErrNotExist},
		"ftp get host/path: 550 /path: not found":              {Proto: "ftp", Op: "get", URL: "ftp://host/path", Code: 550, Text: "/path: not found", Sentinel: fs.ErrNotExist},
		"ftp ls host: 530 Please login":                        {Proto: "ftp", Op: "ls", URL: "ftp://host/", Code: 530, Text: "Please login", Kind: KindAuth},
		"ftp rm [::1]:2121/x: 550 no (permission denied)":      {Proto: "ftp", Op: "rm", URL: "ftp://[::1]:2121/x", Code: 550, Text: "no", Sentinel: fs.ErrPermission},
		"ftp mkdir: 550 no (exists already)":                   {Proto: "ftp", Op: "mkdir", Code: 550, Text: "no", Sentinel: fs.ErrExist},
		"ftp chmod: 502 no (not supported)":                    {Proto: "ftp", Op: "chmod", Code: 502, Text: "no", Sentinel: errors.ErrUnsupported},
		"ftp: 421 busy (server allows no more connections)":    {Proto: "ftp", Code: 421, Text: "busy", Sentinel: ErrTooMany},
		"another operation is still going on with this client": {Sentinel: ErrBusy},
		"connect: broken":                                      {Op: "connect", Err: errors.New("broken")},
		"said: broken":                                         {Text: "said", Err: errors.New("broken")},
		"refused to send a secret without TLS to h":            {Text: "refused to send a secret without TLS to h", Sentinel: ErrCleartext},
		"550":              {Code: 550},
		"news:g: refused":  {URL: "news:g", Kind: KindRefused},
		"temporary":        {Kind: KindTemporary},
		"ftp put: no name": UsageError("ftp", "put", "no name"),
		"ftp get: bad":     ProtocolError("ftp", "get", "bad"),
	} {
		if got := e.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestErrorIs(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		err    *Error
		target error
		want   bool
	}{
		{&Error{Sentinel: fs.ErrNotExist}, fs.ErrNotExist, true},
		{&Error{Sentinel: fs.ErrNotExist}, os.ErrNotExist, true},
		{&Error{Sentinel: fs.ErrNotExist}, fs.ErrPermission, false},
		{Unsupported("ftp", "x", "y"), errors.ErrUnsupported, true},
		{&Error{Sentinel: ErrTooMany}, ErrTooMany, true},
		{&Error{Kind: KindTimeout}, context.DeadlineExceeded, true},
		{&Error{Kind: KindTimeout}, os.ErrDeadlineExceeded, true},
		{&Error{Kind: KindInterrupted}, context.Canceled, true},
		{&Error{Kind: KindRefused}, context.Canceled, false},
		{&Error{Kind: KindRefused}, context.DeadlineExceeded, false},
		{&Error{Err: cause}, cause, true},
	} {
		if got := errors.Is(c.err, c.target); got != c.want {
			t.Errorf("%v is %v: %v, want %v", c.err, c.target, got, c.want)
		}
	}
}

// TestKindIsTheExitCode holds the table of exit codes.
func TestKindIsTheExitCode(t *testing.T) {
	for word, code := range map[string]int{
		"ok": 0, "internal": 1, "usage": 2, "connect": 3, "tls": 4, "auth": 5, "refused": 6, "temporary": 7, "timeout": 8,
		"protocol": 9, "partial": 10, "local": 11, "interrupted": 130,
	} {
		if k := Kind(code); k.String() != word || k.Exit() != code || kindNamed(word) != k {
			t.Errorf("kind %d is %q, want %q", code, k, word)
		}
	}
	if len(kindNames) != 13 || Kind(99).String() != "kind 99" || kindNamed("nosuch") != KindInternal {
		t.Error("kinds beyond the table")
	}
}
