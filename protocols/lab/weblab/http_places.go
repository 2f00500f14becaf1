package weblab

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// special are the paths below "/-/", by their first word.
func (s *HTTPServer) special() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"redirect": placeRedirect,
		"status":   placeStatus,
		"cookies":  placeCookies,
		"echo":     placeEcho,
		"hook":     placeHook,
		"auth":     s.placeAuth,
		"coded":    placeCoded,
		"chunked":  placeChunked,
		"named":    placeNamed,
		"trailers": placeTrailers,
	}
}

func (s *HTTPServer) placeOf(path string) (http.HandlerFunc, bool) {
	if path == "/robots.txt" && s.opt.Robots != "" {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s.opt.Robots) }, true
	}
	rest, ok := strings.CutPrefix(path, "/-/")
	word, _, _ := strings.Cut(rest, "/")
	place := s.places[word]
	return place, ok && place != nil
}

// rest returns the path after the place's word.
func rest(r *http.Request) string {
	_, after, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/-/"), "/")
	return after
}

// placeRedirect: /-/redirect/3 leads on three times and then to the README;
// ?to=URL leads there; ?status=307 says how.
func placeRedirect(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	status, err := strconv.Atoi(q.Get("status"))
	if err != nil || status < 300 || status > 399 {
		status = http.StatusFound
	}
	to := q.Get("to")
	if n, _ := strconv.Atoi(rest(r)); to == "" && n > 1 {
		to = fmt.Sprintf("/-/redirect/%d", n-1)
	} else if to == "" {
		to = "/README.txt"
	}
	w.Header().Set("Location", to)
	w.WriteHeader(status)
}

// placeStatus: /-/status/503?after=2 answers with that status, with Retry-After.
func placeStatus(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(rest(r))
	if err != nil || code < 200 || code > 599 {
		code = http.StatusBadRequest
	}
	if after := r.URL.Query().Get("after"); after != "" {
		w.Header().Set("Retry-After", after)
	}
	w.WriteHeader(code)
	if code != http.StatusNoContent && code != http.StatusNotModified {
		fmt.Fprintf(w, "this is the body of a %d\n", code)
	}
}

// placeCookies sets those of the query, and returns those that came.
func placeCookies(w http.ResponseWriter, r *http.Request) {
	for name, values := range r.URL.Query() {
		w.Header().Add("Set-Cookie", name+"="+values[0])
	}
	fmt.Fprintf(w, "%s\n", r.Header.Get("Cookie"))
}

// Echo is what /-/echo answers: the request as it came.
type Echo struct {
	Method  string      `json:"method"`
	URI     string      `json:"uri"`
	Proto   string      `json:"proto"`
	Host    string      `json:"host"`
	Headers http.Header `json:"headers"`
	Length  int64       `json:"length"` // Content-Length; -1 for chunks
	Body    string      `json:"body"`   // at most 1 MiB of it
	Bytes   int64       `json:"bytes"`
}

func placeEcho(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	n, err := io.Copy(&body, io.LimitReader(r.Body, 1<<20))
	if err == nil {
		var more int64
		more, err = io.Copy(io.Discard, r.Body)
		n += more
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(Echo{r.Method, r.RequestURI, r.Proto, r.Host, r.Header, r.ContentLength, body.String(), n})
}

// placeHook takes any request, as the receiver of webhooks does.
func placeHook(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// coders make the content codings.
var coders = map[string]func(io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"bare":    func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 6); return z },
	"br":      func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
	"zstd":    func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)); return z },
}

// Coded is the content of /-/coded, before its coding.
const Coded = "the same words again and again, the same words again and again\n"

// placeCoded: /-/coded/gzip, deflate, br, zstd, and bare for deflate without zlib's
// frame; several apart by commas lie on top of each other, ?cut=N drops the last bytes.
func placeCoded(w http.ResponseWriter, r *http.Request) {
	content, names := []byte(Coded), strings.Split(rest(r), ",")
	if n, err := strconv.Atoi(r.URL.Query().Get("zeros")); err == nil {
		content = make([]byte, min(max(n, 0), 1<<28))
	}
	for _, name := range names {
		coder := coders[name]
		if coder == nil {
			http.NotFound(w, r)
			return
		}
		var b bytes.Buffer
		z := coder(&b)
		z.Write(content)
		z.Close()
		content = b.Bytes()
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("cut")); err == nil {
		content = content[:max(len(content)-n, 0)]
	}
	w.Header().Set("Content-Encoding", strings.ReplaceAll(strings.Join(names, ", "), "bare", "deflate"))
	w.Write(content)
}

// placeChunked sends ten pieces without a length.
func placeChunked(w http.ResponseWriter, _ *http.Request) {
	for i := range 10 {
		fmt.Fprintf(w, "piece %d\n", i)
		http.NewResponseController(w).Flush()
	}
}

// placeNamed: /-/named?as=NAME sends that name in Content-Disposition.
func placeNamed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Disposition", `attachment; filename="`+r.URL.Query().Get("as")+`"`)
	io.WriteString(w, "named\n")
}

func placeTrailers(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Trailer", "X-Sum, X-When")
	io.WriteString(w, "with trailers\n")
	w.Header().Set("X-Sum", "42")
	w.Header().Set("X-When", trailerTime())
}
