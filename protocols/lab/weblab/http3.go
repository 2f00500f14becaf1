package weblab

import (
	"crypto/tls"
	"net"
	"net/http"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// startHTTP3 serves the same over QUIC, on the UDP port of the same number.
func (s *HTTPServer) startHTTP3() error {
	at, err := net.ResolveUDPAddr("udp", s.Addr())
	if err != nil {
		return err
	}
	udp, err := net.ListenUDP("udp", at)
	if err != nil {
		return err
	}
	conf := http3.ConfigureTLSConfig(s.front.TLSConfig())
	conf.MinVersion = tls.VersionTLS13
	end := &quic.Transport{Conn: udp}
	ln, err := end.ListenEarly(conf, &quic.Config{Allow0RTT: true})
	if err != nil {
		udp.Close()
		return err
	}
	server := &http3.Server{Handler: http.HandlerFunc(s.answerHTTP3)}
	s.h3 = &quicEnd{end, udp}
	s.front.Go(func() { server.ServeListener(ln) })
	return nil
}

// answerHTTP3 serves one request; Close waits for it.
func (s *HTTPServer) answerHTTP3(w http.ResponseWriter, r *http.Request) {
	if s.front.Begin() {
		defer s.front.End()
		s.answer(w, r)
	}
}

// quicEnd is all of QUIC on one socket.
type quicEnd struct {
	*quic.Transport
	udp *net.UDPConn
}

// Close ends every connection, which ends their requests, and closes the socket.
func (q *quicEnd) Close() error {
	err := q.Transport.Close()
	q.udp.Close()
	return err
}
