package weblab

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/netclients/netclients/protocols/lab/base"
)

// mustClose closes a server twice, within a time that no wait of a fault fits in.
func mustClose(t *testing.T, s base.Server) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Close()
		s.Close()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("Close does not come back")
	}
}

// TestHTTPCloses: Close ends with connections in every state: just open, half
// through the handshake, idle, in the middle of a request or an answer that nobody
// reads, upgraded to HTTP/2, over QUIC, and held by scripted waits.
func TestHTTPCloses(t *testing.T) {
	for _, faults := range []string{"", "stall=200:1h", "slow=100", "delay=1h"} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("faults=%s,tls=%v", faults, secure), func(t *testing.T) { closeBusy(t, faults, secure) })
		}
	}
}

func closeBusy(t *testing.T, faults string, secure bool) {
	f, err := base.ParseFaults(faults)
	if err != nil {
		t.Fatal(err)
	}
	tree := base.Sample()
	if err := tree.Virtual("/big.bin", 1<<30, base.Pattern(1)); err != nil {
		t.Fatal(err)
	}
	s, err := StartHTTP(HTTPOptions{ServerOptions: base.ServerOptions{TLS: map[bool]base.TLSMode{true: base.TLSImplicit}[secure], Faults: f}, Tree: tree, HTTP3: secure})
	if err != nil {
		t.Fatal(err)
	}
	var open []io.Closer
	for _, start := range []string{
		"", "\x16\x03\x01\x02", "GET / HT", "PUT /incoming/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc", "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		if conn, err := net.Dial("tcp", s.Addr()); err == nil {
			io.WriteString(conn, start)
			open = append(open, conn)
		}
	}
	if secure && faults == "" {
		open = append(open, openSecure(t, s)...)
	} else if faults == "" {
		open = append(open, openPlain(t, s))
	}
	mustClose(t, s)
	for _, c := range open {
		c.Close()
	}
}

// openPlain leaves a connection idle after an answer.
func openPlain(t *testing.T, s *HTTPServer) io.Closer {
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Error(err)
	}
	return conn
}

// openSecure leaves connections of all versions open, with answers that are not read.
func openSecure(t *testing.T, s *HTTPServer) (open []io.Closer) {
	conf := s.Authority().ClientConfig()
	for _, alpn := range []string{"http/1.1", "h2"} {
		c := conf.Clone()
		c.NextProtos = []string{alpn}
		conn, err := tls.Dial("tcp", s.Addr(), c)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		open = append(open, conn)
	}
	for _, rt := range []http.RoundTripper{
		&http.Transport{TLSClientConfig: conf.Clone(), ForceAttemptHTTP2: true}, &http3.Transport{TLSClientConfig: conf.Clone()},
	} {
		resp, err := (&http.Client{Transport: rt, Timeout: 10 * time.Second}).Get(s.URL() + "big.bin")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, resp.Body)
		if c, ok := rt.(io.Closer); ok {
			open = append(open, c)
		}
	}
	return open
}

// TestHTTPClosesAtOnce: a server that is closed while connections come in ends too.
func TestHTTPClosesAtOnce(t *testing.T) {
	for i := range 20 {
		s, err := StartHTTP(HTTPOptions{ServerOptions: base.ServerOptions{TLS: []base.TLSMode{base.TLSImplicit, base.TLSNone}[i%2]}, HTTP3: i%4 == 0})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 5 {
				conn, err := net.Dial("tcp", s.Addr())
				if err != nil {
					return
				}
				io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				conn.Close()
			}
		}()
		mustClose(t, s)
		<-done
	}
}
