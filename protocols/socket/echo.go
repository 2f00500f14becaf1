package socket

import (
	"io"
	"net"
	"sync"
)

// echoBuffer is the size of the buffer that a connection holds while its bytes
// are on their way back.
const echoBuffer = 64 << 10

// newBuffers makes a pool for the connections of one server that have something
// to move: an idle one holds no buffer.
func newBuffers() *sync.Pool {
	return &sync.Pool{New: func() any { return new([echoBuffer]byte) }}
}

// Echo sends back all that the peer sends (RFC 862), and ends the stream when
// the peer does.
func (p *Peer) Echo() error {
	for {
		err := p.echoSome()
		if err == io.EOF {
			if h, ok := p.Conn.(interface{ CloseWrite() error }); ok {
				return h.CloseWrite()
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// echoSome waits for something and sends it back. Waiting for a socket takes no
// buffer; TLS needs one to tell that there is something.
func (p *Peer) echoSome() error {
	switch p.Conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		if err := p.await(); err != nil {
			return err
		}
	}
	buf := p.buffers.Get().(*[echoBuffer]byte)
	defer p.buffers.Put(buf)
	n, err := p.Read(buf[:])
	if n > 0 {
		if _, err := p.Write(buf[:n]); err != nil {
			return err
		}
	}
	return err
}
