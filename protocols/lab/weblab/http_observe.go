package weblab

import (
	"io"
	"net/http"
	"time"
)

// mostBody bounds what is kept of the body of a request.
const mostBody = 1 << 20

// Request is a request that was received, for those who watch.
type Request struct {
	Time   time.Time
	Took   time.Duration
	Remote string // address of the client
	Method string
	URI    string
	Proto  string
	Host   string
	Header http.Header
	Body   []byte // what the server read of it, at most 1 MiB
	Bytes  int64  // of all that it read
	Status int    // of the answer; 0 where a fault took its place
	TLS    bool
}

// observe returns a writer that notes the status, in place of w, and what reports the
// request when it is answered.
func (s *HTTPServer) observe(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, func()) {
	seen := Request{
		Time: time.Now(), Remote: r.RemoteAddr, Method: r.Method, URI: r.RequestURI, Proto: r.Proto,
		Host: r.Host, Header: r.Header.Clone(), TLS: r.TLS != nil,
	}
	status := &statusWriter{ResponseWriter: w}
	body := &keptBody{ReadCloser: r.Body}
	r.Body = body
	return status, func() {
		if status.code/100 == 2 && r.Header.Get("Expect") == "" { // else it may never come
			io.CopyN(io.Discard, body, mostBody) // what no handler wanted
		}
		seen.Took, seen.Status, seen.Body, seen.Bytes = time.Since(seen.Time), status.code, body.kept, body.bytes
		s.opt.OnRequest(seen)
	}
}

// statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	code int
}

// WriteHeader notes the status.
func (w *statusWriter) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write is that of an answer without another status than 200.
func (w *statusWriter) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// keptBody keeps the beginning of what is read.
type keptBody struct {
	io.ReadCloser
	kept  []byte
	bytes int64
}

// Read passes on what is read.
func (b *keptBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes += int64(n)
	b.kept = append(b.kept, p[:min(n, mostBody-len(b.kept))]...)
	return n, err
}
