package lab

import (
	"crypto/tls"
	"net"

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
	conf := http3.ConfigureTLSConfig(s.tlsConfig())
	conf.MinVersion = tls.VersionTLS13
	server := &http3.Server{Handler: s.server.Handler, TLSConfig: conf}
	s.h3 = &udpServer{server, udp}
	s.wg.Go(func() { server.Serve(udp) })
	return nil
}

// udpServer closes the socket with the server.
type udpServer struct {
	*http3.Server
	udp *net.UDPConn
}

// Close ends both.
func (u *udpServer) Close() error {
	err := u.Server.Close()
	u.udp.Close()
	return err
}
