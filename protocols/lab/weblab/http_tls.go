package weblab

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// handshakeTime bounds a TLS handshake.
const handshakeTime = time.Minute

// secure does the TLS handshake of a connection; nil means that it failed. The library
// wants to see the TLS connection itself for HTTP/2. What passes under HTTP/1 is watched
// within TLS.
func (s *HTTPServer) secure(conn net.Conn) net.Conn {
	t := tls.Server(conn, s.server.TLSConfig)
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	if t.HandshakeContext(ctx) != nil {
		return nil
	}
	if t.ConnectionState().NegotiatedProtocol == "h2" {
		return t
	}
	return s.front.Over(t)
}

// tlsStateKey is the key of a connection's TLS state in the context of its requests.
type tlsStateKey struct{}

// noteTLS puts the TLS state of a connection into the context of its requests: the
// library does not find it where the connection is watched.
func (s *HTTPServer) noteTLS(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, tlsStateKey{}, frame.TLSState(conn))
}

// show shows a request of HTTP/2 or 3 and its answer to those who watch, in the form of
// HTTP/1. It returns the writer to use in place of w, and what ends the exchange.
func (s *HTTPServer) show(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, func()) {
	x := s.front.Exchange(r.RemoteAddr)
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s %s\r\nHost: %s\r\n", r.Method, r.RequestURI, r.Proto, r.Host)
	r.Header.Write(&head)
	head.WriteString("\r\n")
	x.Sent(head.Bytes())
	r.Body = &shownBody{r.Body, x}
	answer := &shownWriter{ResponseWriter: w, x: x, proto: r.Proto}
	return answer, func() {
		answer.begin(http.StatusOK)
		x.Close()
	}
}

// shownBody shows the body of a request as it is read.
type shownBody struct {
	io.ReadCloser
	x *frame.Exchange
}

// Read passes on what is read.
func (b *shownBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.x.Sent(p[:n])
	return n, err
}

// shownWriter shows an answer as it is written.
type shownWriter struct {
	http.ResponseWriter
	x     *frame.Exchange
	proto string
	begun bool
}

// begin shows the header of an answer, once.
func (w *shownWriter) begin(code int) {
	if w.begun {
		return
	}
	w.begun = code >= http.StatusOK
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %d %s\r\n", w.proto, code, http.StatusText(code))
	w.Header().Write(&head)
	head.WriteString("\r\n")
	w.x.Received(head.Bytes())
}

// WriteHeader shows the header.
func (w *shownWriter) WriteHeader(code int) {
	w.begin(code)
	w.ResponseWriter.WriteHeader(code)
}

// Write shows a piece of the body.
func (w *shownWriter) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	w.x.Received(p)
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *shownWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
