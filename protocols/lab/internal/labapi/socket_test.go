package labapi

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// socketClient is the client's side of a web socket.
type socketClient struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// openSocket asks for a web socket with further fields; the answer must have a status.
func openSocket(t *testing.T, url string, want int, fields ...string) *socketClient {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(conn, "GET /api/events HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", strings.TrimPrefix(url, "http://"), strings.Join(fields, "\r\n"))
	c := &socketClient{t, conn, bufio.NewReader(conn)}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != want {
		t.Fatalf("status %s, want %d", answer.Status, want)
	}
	if want == 101 && answer.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("accepted with %q", answer.Header.Get("Sec-WebSocket-Accept")) // that of RFC 6455 1.3
	}
	return c
}

// socketFields are those of a good request.
func socketFields(more ...string) []string {
	return append([]string{"Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, more...)
}

// next returns the next frame.
func (c *socketClient) next() (op byte, p []byte) {
	c.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		c.t.Fatal(err)
	}
	size := int(head[1])
	if size == 126 {
		var long [2]byte
		io.ReadFull(c.in, long[:])
		size = int(binary.BigEndian.Uint16(long[:]))
	}
	p = make([]byte, size)
	if _, err := io.ReadFull(c.in, p); err != nil {
		c.t.Fatal(err)
	}
	return head[0] & 15, p
}

// notice returns the data of the next notice of a type; "stats" that come before are skipped.
func (c *socketClient) notice(kind string) map[string]any {
	c.t.Helper()
	for {
		var x struct {
			Type string
			Data map[string]any
		}
		op, p := c.next()
		if err := json.Unmarshal(p, &x); err != nil || op != frameText {
			c.t.Fatalf("frame %d %q: %v", op, p, err)
		}
		if x.Type == kind {
			return x.Data
		}
		if x.Type != "stats" {
			c.t.Fatalf("%s, want %s", p, kind)
		}
	}
}

// say sends a frame with a mask.
func (c *socketClient) say(op byte, text string) {
	mask := []byte{1, 2, 3, 4}
	frame := append([]byte{0x80 | op, 0x80 | byte(len(text))}, mask...)
	for i := range len(text) {
		frame = append(frame, text[i]^mask[i%4])
	}
	c.conn.Write(frame)
}

func TestSocketNotices(t *testing.T) {
	s := serve(t, nil)
	old := s.receive("Subject: old\n\nx\n", "bob@a.test")
	c := openSocket(t, s.url, 101, socketFields("Origin: "+s.url)...)
	if x := c.notice("stats"); x["Total"] != 1.0 || x["Unread"] != 1.0 || x["Version"] != "test" {
		t.Errorf("stats at the beginning: %v", x)
	}
	id := s.receive("Subject: Welcome\n\nhello\n", "bob@a.test")
	if x := c.notice("new"); x["ID"] != id || x["Subject"] != "Welcome" || x["Snippet"] != "hello" {
		t.Errorf("new: %v", x)
	}
	if x := c.notice("stats"); x["Total"] != 2.0 {
		t.Errorf("stats: %v", x)
	}
	s.call(200, "PUT", "/api/v1/messages", `{"Read": true, "IDs": ["`+id+`"]}`)
	if x := c.notice("update"); x["ID"] != id || x["Read"] != true {
		t.Errorf("update: %v", x)
	}
	s.call(200, "PUT", "/api/v1/tags", `{"Tags": ["late"], "IDs": ["`+id+`"]}`)
	if x := c.notice("update"); x["ID"] != id || fmt.Sprint(x["Tags"]) != "[late]" {
		t.Errorf("update: %v", x)
	}
	s.call(200, "DELETE", "/api/v1/messages", `{"IDs": ["`+old+`"]}`)
	if x := c.notice("delete"); x["ID"] != old {
		t.Errorf("delete: %v", x)
	}
	s.call(200, "DELETE", "/api/v1/messages", "")
	if x := c.notice("truncate"); x != nil {
		t.Errorf("truncate: %v", x)
	}
	c.notice("stats")
	c.say(framePing, "are you there")
	if op, p := c.next(); op != framePong || string(p) != "are you there" {
		t.Errorf("the answer to a ping: %d %q", op, p)
	}
	c.say(frameClose, "\x03\xe8bye")
	if op, p := c.next(); op != frameClose || string(p) != "\x03\xe8" {
		t.Errorf("the answer to a close: %d %q", op, p)
	}
	if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

func TestSocketRefuses(t *testing.T) {
	s := serve(t, nil)
	for name, c := range map[string]struct {
		want   int
		fields []string
	}{
		"no upgrade":         {426, nil},
		"an old version":     {426, []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}},
		"a wrong key":        {400, []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: short"}},
		"another site":       {403, socketFields("Origin: https://evil.test")},
		"an origin of files": {403, socketFields("Origin: null")},
	} {
		t.Run(name, func(t *testing.T) { openSocket(t, s.url, c.want, c.fields...) })
	}
	for name, c := range map[string]struct {
		frame string
		code  uint16
	}{
		"without a mask": {"\x81\x02hi", closeProtocol},
		"reserved bits":  {"\xc1\x80\x00\x00\x00\x00", closeProtocol},
		"a long ping":    {"\x89\xfe\x01\x00", closeProtocol},
		"too big":        {"\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00", closeTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			x := openSocket(t, s.url, 101, socketFields()...)
			x.notice("stats")
			io.WriteString(x.conn, c.frame)
			if op, p := x.next(); op != frameClose || binary.BigEndian.Uint16(p) != c.code {
				t.Errorf("answer %d %q, want a close with %d", op, p, c.code)
			}
		})
	}
}

// TestSocketEndsWithTheInterface: Wait returns when Done is closed, and clients are told.
func TestSocketEndsWithTheInterface(t *testing.T) {
	done := make(chan struct{})
	b := serve(t, func(b *Backend) { b.Done = done }).Backend
	a := New(b)
	srv := &http.Server{Handler: a}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(ln)
	defer srv.Close()
	c := openSocket(t, "http://"+ln.Addr().String(), 101, socketFields()...)
	c.notice("stats")
	close(done)
	a.Wait()
	if op, p := c.next(); op != frameClose || binary.BigEndian.Uint16(p) != closeAway {
		t.Errorf("frame %d %q, want a close", op, p)
	}
	late := openSocket(t, "http://"+ln.Addr().String(), 101, socketFields()...)
	if op, _ := late.next(); op != frameClose {
		t.Errorf("a socket after the end: frame %d", op)
	}
}
