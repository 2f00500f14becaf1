package http

import (
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestFraming: how the end of a body is told, in the odd ways of servers too.
func TestFraming(t *testing.T) {
	for name, c := range map[string]struct{ answer, want, trailer string }{
		"chunks in HTTP/1.0":        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwxyz\r\n0\r\n\r\n", "wxyz", ""},
		"chunks and trailer":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nwxyz\r\n0\r\nX-Sum: 7\r\n\r\n", "wxyz", "7"},
		"field without a name":      {"HTTP/1.1 200 OK\r\n: nothing\r\n folded\r\nContent-Length: 2\r\n\r\nok", "ok", ""},
		"bare line feeds":           {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok", ""},
		"ends with the connection":  {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", "to the end", ""},
		"HTTP/1.0 to the end":       {"HTTP/1.0 200 OK\r\n\r\nto the end", "to the end", ""},
		"field longer than buffers": {"HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 40<<10) + "\r\nContent-Length: 2\r\n\r\nok", "ok", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := startRaw(t, c.answer)
			resp, err := labtest.Open(t, New, s.url, nil).Do(t.Context(), &Request{URL: labtest.URL(t, s.url)})
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); string(got) != c.want || err != nil || resp.Trailer.Get("X-Sum") != c.trailer {
				t.Errorf("%q, %v, trailer %v", got, err, resp.Trailer)
			}
		})
	}
	for name, answer := range map[string]string{
		"chunks cut":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nwx",
		"no last chunk":      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwxyz\r\n",
		"trailer cut":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\nX-Sum: 7\r\n",
		"endless trailer":    "ENDLESS HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n|X-Sum: 7\r\n",
		"no chunks in there": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nplain text",
	} {
		t.Run(name, func(t *testing.T) {
			s := startRaw(t, answer)
			_, _, err := fetch(t, labtest.Open(t, New, s.url, nil), "", nil)
			if protocols.KindOf(err) != protocols.KindProtocol {
				t.Error(err)
			}
		})
	}
}

// TestBodyWithoutLength: a body is sent whole, whether its length was given or not.
func TestBodyWithoutLength(t *testing.T) {
	got := ""
	s := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
	}))
	t.Cleanup(s.Close)
	c := labtest.Open(t, New, s.URL, nil)
	for name, body := range map[string]func() io.Reader{
		"in memory": func() io.Reader { return strings.NewReader("hello") },
		"stream":    func() io.Reader { return io.MultiReader(strings.NewReader("hel"), strings.NewReader("lo")) },
	} {
		for _, length := range []int64{0, -1, 5} {
			got = "?"
			resp, err := c.Do(t.Context(), &Request{Method: "POST", URL: labtest.URL(t, s.URL), Body: body(), Length: length})
			if err != nil {
				t.Fatalf("%s, %d: %v", name, length, err)
			}
			resp.Body.Close()
			if got != "hello" {
				t.Errorf("%s with length %d: the server got %q", name, length, got)
			}
		}
	}
	for _, length := range []int64{3, 9} {
		got = "?"
		_, err := c.Do(t.Context(), &Request{Method: "POST", URL: labtest.URL(t, s.URL), Body: strings.NewReader("hello"), Length: length})
		if protocols.KindOf(err) != protocols.KindUsage || got != "?" {
			t.Errorf("length %d of 5 bytes: %v, the server got %q", length, err, got)
		}
	}
}
