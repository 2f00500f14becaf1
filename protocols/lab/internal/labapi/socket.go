package labapi

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Limits and times of a web socket (RFC 6455).
const (
	socketFrame = 64 << 10 // bytes of a frame of the client, which has nothing to say
	socketPing  = 50 * time.Second
	socketWrite = 10 * time.Second
)

// Opcodes of frames, RFC 6455 5.2.
const (
	frameText  = 1
	frameClose = 8
	framePing  = 9
	framePong  = 10
)

// Codes of a close frame, RFC 6455 7.4.1.
const (
	closeAway     = 1001
	closeProtocol = 1002
	closeTooBig   = 1009
)

// socket is the server's side of a web socket.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
	mu   sync.Mutex // for writing
}

// IsSocket reports whether a request asks for a web socket.
func IsSocket(r *http.Request) bool {
	return hasToken(r.Header, "Connection", "upgrade") && hasToken(r.Header, "Upgrade", "websocket")
}

// hasToken reports whether a field that is a list has a word, in any case.
func hasToken(h http.Header, field, word string) bool {
	for token := range strings.SplitSeq(strings.Join(h.Values(field), ","), ",") {
		if strings.EqualFold(strings.TrimSpace(token), word) {
			return true
		}
	}
	return false
}

// upgrade makes a web socket of a request. The browser of somebody else's page sends
// that page's Origin: it is refused. An error is the answer.
func upgrade(w http.ResponseWriter, r *http.Request) (*socket, error) {
	key := r.Header.Get("Sec-WebSocket-Key")
	nonce, err := base64.StdEncoding.DecodeString(key)
	switch {
	case !IsSocket(r):
		w.Header().Set("Upgrade", "websocket")
		return nil, status{http.StatusUpgradeRequired, "this is a web socket"}
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		w.Header().Set("Sec-WebSocket-Version", "13")
		return nil, status{http.StatusUpgradeRequired, "this is a web socket of version 13"}
	case err != nil || len(nonce) != 16:
		return nil, status{http.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes in base64"}
	case !sameOrigin(r):
		return nil, status{http.StatusForbidden, "web sockets are not for pages of other sites"}
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, status{http.StatusHTTPVersionNotSupported, "web sockets need HTTP/1.1"}
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn.SetDeadline(time.Now().Add(socketWrite))
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
		base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
	if err != nil {
		conn.Close()
		return nil, nil
	}
	return &socket{conn: conn, in: rw.Reader}, nil
}

// sameOrigin reports whether a request is from a page of this server, or from no page.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	at, err := url.Parse(origin)
	return origin == "" || err == nil && strings.EqualFold(at.Host, r.Host)
}

// write sends a frame.
func (s *socket) write(op byte, p []byte) error {
	head := []byte{0x80 | op, byte(len(p))}
	switch {
	case len(p) > 0xffff:
		head = binary.BigEndian.AppendUint64([]byte{0x80 | op, 127}, uint64(len(p)))
	case len(p) > 125:
		head = binary.BigEndian.AppendUint16([]byte{0x80 | op, 126}, uint16(len(p)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn.SetWriteDeadline(time.Now().Add(socketWrite))
	_, err := s.conn.Write(append(head, p...))
	return err
}

// send sends a notice in Mailpit's form.
func (s *socket) send(kind string, data any) error {
	text, err := json.Marshal(struct {
		Type string
		Data any
	}{kind, data})
	if err != nil {
		return err
	}
	return s.write(frameText, text)
}

// end says goodbye and closes the connection.
func (s *socket) end(code uint16) {
	s.write(frameClose, binary.BigEndian.AppendUint16(nil, code))
	s.conn.Close()
}

// errTooBig means a frame that is longer than any that makes sense here.
var errTooBig = errors.New("the frame is too big")

// errFrame means a frame that RFC 6455 does not allow a client.
var errFrame = errors.New("not a frame of a client")

// read returns the next frame of the client.
func (s *socket) read() (op byte, p []byte, err error) {
	s.conn.SetReadDeadline(time.Now().Add(2 * socketPing))
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return 0, nil, err
	}
	op = head[0] & 15
	size := uint64(head[1] & 127)
	if head[0]&0x70 != 0 || head[1]&0x80 == 0 || op >= frameClose && (size > 125 || head[0]&0x80 == 0) {
		return 0, nil, errFrame
	}
	if more := map[uint64]int{126: 2, 127: 8}[size]; more > 0 {
		var long [8]byte
		if _, err := io.ReadFull(s.in, long[8-more:]); err != nil {
			return 0, nil, err
		}
		size = binary.BigEndian.Uint64(long[:])
	}
	if size > socketFrame {
		return 0, nil, errTooBig
	}
	p = make([]byte, 4+size)
	if _, err := io.ReadFull(s.in, p); err != nil {
		return 0, nil, err
	}
	mask, p := p[:4], p[4:]
	for i := range p {
		p[i] ^= mask[i%4]
	}
	return op, p, nil
}

// listen answers what a client sends until it leaves, and closes the connection.
func (s *socket) listen() {
	defer s.conn.Close()
	for {
		op, p, err := s.read()
		switch {
		case errors.Is(err, errTooBig):
			s.end(closeTooBig)
			return
		case errors.Is(err, errFrame):
			s.end(closeProtocol)
			return
		case err != nil:
			return
		case op == frameClose:
			s.write(frameClose, p[:min(len(p), 2)])
			return
		case op == framePing:
			s.write(framePong, p)
		}
	}
}
