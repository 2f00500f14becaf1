package http

import (
	"compress/gzip"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestFraming: how the end of a body is told, in the odd ways of servers too.
func TestFraming(t *testing.T) {
	for name, c := range map[string]struct{ answer, want, trailer string }{
		"chunks in HTTP/1.0":        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwxyz\r\n0\r\n\r\n", "wxyz", ""},
		"chunks and trailer":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nwxyz\r\n0\r\nX-Sum: 7\r\n\r\n", "wxyz", "7"},
		"blank before the colon":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok", ""},
		"tab before the colon":      {"HTTP/1.1 200 OK\r\nContent-Length\t: 2\r\n\r\nok", "ok", ""},
		"identity":                  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok", "ok", ""},
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

// TestNobodyWaitsForAnUnwantedBody: a body that is not read, or that explains a refusal,
// is waited for only a moment when it does not come to its end.
func TestNobodyWaitsForAnUnwantedBody(t *testing.T) {
	stay := make(chan struct{})
	defer close(stay)
	half := func(head string) string {
		s := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			if r.URL.Path == "/two" {
				io.WriteString(w, "fine")
				return
			}
			conn, _, err := w.(nethttp.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 "+head+"\r\nContent-Length: 900\r\n\r\nhalf a page, no gzip")
			<-stay
		}))
		t.Cleanup(s.CloseClientConnections)
		return s.URL
	}
	for name, c := range map[string]struct{ head, want string }{
		"redirect": {"302 Found\r\nLocation: /two", "fine"},
		"refusal":  {"404 Not Found", ""},
		"no gzip":  {"200 OK\r\nContent-Encoding: gzip", ""},
	} {
		t.Run(name, func(t *testing.T) {
			client := labtest.Open(t, New, half(c.head), nil)
			client.Settings.Compressed = true
			start := time.Now()
			got, _, err := fetch(t, client, "one", nil)
			if got != c.want || (err == nil) != (c.want != "") || time.Since(start) > 5*time.Second {
				t.Errorf("%q, %v after %v", got, err, time.Since(start))
			}
		})
	}
}

// TestExpectationFailed: a server that knows no Expect gets the body without it.
func TestExpectationFailed(t *testing.T) {
	got := 0
	s := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.Header.Get("Expect") != "" {
			w.WriteHeader(nethttp.StatusExpectationFailed)
			return
		}
		b, _ := io.ReadAll(r.Body)
		got = len(b)
		w.WriteHeader(nethttp.StatusCreated)
	}))
	t.Cleanup(s.Close)
	_, err := labtest.Open(t, New, s.URL, nil).Put(t.Context(), "big", strings.NewReader(strings.Repeat("x", 2<<20)), nil)
	if err != nil || got != 2<<20 {
		t.Errorf("%v, %d bytes", err, got)
	}
}

// TestOddCodings: a gzip header may be long, and some servers say none.
func TestOddCodings(t *testing.T) {
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	z.Name, z.Comment, z.Extra = strings.Repeat("n", 900), strings.Repeat("c", 2000), []byte(strings.Repeat("e", 700))
	io.WriteString(z, "hello")
	z.Close()
	for coding, body := range map[string]string{"none": "hello", "NONE": "hello", "gzip": packed.String()} {
		s := startRaw(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", coding, len(body), body))
		c := labtest.Open(t, New, s.url, nil)
		c.Settings.Compressed = true
		if got, _, err := fetch(t, c, "", nil); got != "hello" || err != nil {
			t.Errorf("%s: %q, %v", coding, got, err)
		}
	}
	endless := "\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"
	s := startRaw(t, "ENDLESS HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"+endless+"|n")
	c := labtest.Open(t, New, s.url, nil)
	c.Settings.Compressed = true
	if _, _, err := fetch(t, c, "", nil); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("an endless name: %v", err)
	}
}

// TestOwnRange: who asks for a part in words of their own gets it.
func TestOwnRange(t *testing.T) {
	s := startRaw(t, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/9\r\nContent-Length: 4\r\n\r\ncdef")
	c := labtest.Open(t, New, s.url, nil)
	c.Settings.Header = Header{"Range": {"bytes=2-5"}}
	if got, _, err := fetch(t, c, "", nil); got != "cdef" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// TestInterimAnswers: any number may come before the final one, but not without end.
func TestInterimAnswers(t *testing.T) {
	const final = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	const early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	r := startRaw(t, strings.Repeat(early, 100)+final, strings.Repeat(early, 100)+final, strings.Repeat(early, 100)+final)
	c := labtest.Open(t, New, r.url, nil)
	for range 2 {
		if got, _, err := fetch(t, c, "x", nil); got != "hi" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := c.Put(quick(t), "x", strings.NewReader("content"), nil); err != nil {
		t.Errorf("an upload: %v", err)
	}
	endless := startRaw(t, "ENDLESS |"+early, "ENDLESS |"+early)
	_, _, err := fetch(t, labtest.Open(t, New, endless.url, nil), "x", nil)
	wantKind(t, err, protocols.KindProtocol)
	_, err = labtest.Open(t, New, endless.url, nil).Put(quick(t), "x", strings.NewReader("content"), nil)
	wantKind(t, err, protocols.KindProtocol)
}

// TestLengthAsList: equal lengths are one, others are refused.
func TestLengthAsList(t *testing.T) {
	for value, ok := range map[string]bool{"5": true, "5, 5": true, "5,5,5": true, "5, 6": false, "5,": false, ", 5": false, "5 5": false, "+5, +5": false} {
		r := startRaw(t, "HTTP/1.1 200 OK\r\ncontent-length: "+value+"\r\nConnection: close\r\nContent-Length-X: 1, 1\r\n\r\nhello")
		got, obj, err := fetch(t, labtest.Open(t, New, r.url, nil), "x", nil)
		if ok != (err == nil && got == "hello") || ok && obj.Size != 5 {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
}

// TestHostLeftOut: the user may drop Host, as any other header of ours.
func TestHostLeftOut(t *testing.T) {
	const final = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	r := startRaw(t, final, final)
	c := labtest.Open(t, New, r.url, nil)
	labtest.Read(t, c, "x")
	c.Settings.Header = Header{"Host": {}}
	labtest.Read(t, c, "x")
	if heads := r.requests(); !strings.Contains(heads[0], "\r\nHost: 127") || strings.Contains(heads[1], "Host") {
		t.Errorf("%q", heads)
	}
}
