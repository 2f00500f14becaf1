package socket

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// echoes is a WebSocket server of another make: it sends back what comes.
func echoes(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}, InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(-1)
	for {
		kind, p, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		switch string(p) {
		case "ping":
			go conn.Ping(r.Context())
		case "leave":
			conn.Close(websocket.StatusPolicyViolation, "not you")
			return
		}
		if conn.Write(r.Context(), kind, p) != nil {
			return
		}
	}
}

func webClient(t *testing.T, text string, o *protocols.Options) *Client {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestWebSocketEcho: messages of all sizes and kinds come back as they went, over TLS too,
// and the peer can still answer after our end.
func TestWebSocketEcho(t *testing.T) {
	for _, secure := range []bool{false, true} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(echoes))
		o := &protocols.Options{}
		if server.Start(); secure {
			server.Close()
			server = httptest.NewTLSServer(http.HandlerFunc(echoes))
			o.TLS.Config = server.Client().Transport.(*http.Transport).TLSClientConfig
		}
		defer server.Close()
		c := webClient(t, "ws"+strings.TrimPrefix(server.URL, "http")+"/chat?a=b", o)
		c.Settings.WebSocket.Subprotocols = []string{"other", "chat"}
		conn, err := c.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var want [][]byte
		for _, size := range []int{1, 125, 126, 65535, 65536, 300_000} {
			want = append(want, bytes.Repeat([]byte("ä\xff"[:2]), size)[:size], bytes.Repeat([]byte{0xff}, size))
		}
		want = append(want, []byte("ping"), []byte("after a ping"))
		go func() {
			for _, p := range want {
				conn.Write(p)
			}
			conn.CloseWrite()
		}()
		var got []byte
		for i := 0; ; {
			buf := make([]byte, 32<<10)
			n, err := conn.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF && i == len(want) {
				break
			}
			if err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
			end, text := conn.Ended()
			if !end {
				continue
			}
			if !bytes.Equal(got, want[i]) || text != (i >= len(want)-2 || i%2 == 0 && len(want[i])%2 == 0) {
				t.Errorf("message %d: %d bytes, text is %t", i, len(got), text)
			}
			got, i = nil, i+1
		}
		conn.Close()
		if _, err := conn.Write([]byte("x")); protocols.KindOf(err) != protocols.KindUsage {
			t.Error(err)
		}
	}
}

// TestWebSocketVerbs: the other verbs of a stream.
func TestWebSocketVerbs(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(echoes))
	defer server.Close()
	c := webClient(t, "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if r, err := c.Probe(t.Context()); err != nil {
		t.Errorf("%+v, %v", r, err)
	}
	for _, word := range []string{"one", "two"} { // on one connection, in spite of the deadline between them
		if r, err := c.Do(t.Context(), word); err != nil || len(r.Lines) != 1 || r.Lines[0] != word {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if _, err := c.Do(t.Context(), "leave"); protocols.KindOf(err) != protocols.KindRefused || !strings.Contains(err.Error(), `1008 policy violation, "not you"`) {
		t.Error(err)
	}
	for _, text := range []string{"ws://host/#fragment", "ws://"} {
		if u, err := url.Parse(text); err == nil {
			c, err := New(u, nil)
			if err == nil {
				_, err = TCP().Path(u)
			}
			if err == nil {
				_, err = c.Connect(t.Context())
			}
			if protocols.KindOf(err) != protocols.KindUsage && protocols.KindOf(err) != protocols.KindConnect {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

// accepted is the answer to a request for an upgrade, and what follows it.
func accepted(r *http.Request, after string) string {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + upgradeKey))
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n" + after
}

// played answers each request with what answer makes of it.
func played(t *testing.T, answer func(r *http.Request) string) string {
	return labtest.Serve(t, func(conn net.Conn) {
		defer conn.Close()
		in := bufio.NewReader(conn)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		io.WriteString(conn, answer(r))
		conn.(interface{ CloseWrite() error }).CloseWrite()
		io.Copy(io.Discard, in)
	})
}

func close16(code uint16) string {
	return string(binary.BigEndian.AppendUint16([]byte("\x88\x02"), code))
}

// TestWebSocketFrames: what servers may send after the upgrade.
func TestWebSocketFrames(t *testing.T) {
	for _, c := range []struct {
		name, sent, got string
		kind            protocols.Kind
	}{
		{"in parts, with a ping between them", "\x01\x03one\x89\x01x\x00\x03two\x80\x00" + close16(1000), "onetwo", protocols.KindOK},
		{"an empty message", "\x81\x00\x81\x01a" + close16(1001), "a", protocols.KindOK},
		{"an end without a code", "\x82\x01a\x88\x00", "a", protocols.KindOK},
		{"an unasked pong", "\x8a\x00\x81\x01a" + close16(1000), "a", protocols.KindOK},
		{"longer sizes than needed", "\x82\x7e\x00\x01a\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x01b" + close16(1000), "ab", protocols.KindOK},
		{"no goodbye", "\x81\x01a", "a", protocols.KindProtocol},
		{"cut in a frame", "\x81\x05ab", "ab", protocols.KindProtocol},
		{"cut in a head", "\x81", "", protocols.KindProtocol},
		{"an error of the server", "\x81\x01a" + close16(1011), "a", protocols.KindTemporary},
		{"a refusal", close16(1008), "", protocols.KindRefused},
		{"a code of its own", close16(4711), "", protocols.KindRefused},
		{"masked", "\x81\x81abcdx", "", protocols.KindProtocol},
		{"an extension", "\xc1\x01a", "", protocols.KindProtocol},
		{"continues nothing", "\x80\x01a", "", protocols.KindProtocol},
		{"begins in another", "\x01\x01a\x01\x01b", "a", protocols.KindProtocol},
		{"a ping in parts", "\x09\x00", "", protocols.KindProtocol},
		{"a long ping", "\x89\x7e\x00\x7e", "", protocols.KindProtocol},
		{"an unknown kind", "\x83\x00", "", protocols.KindProtocol},
		{"an unknown control frame", "\x8b\x00", "", protocols.KindProtocol},
		{"half a close code", "\x88\x01\x03", "", protocols.KindProtocol},
		{"more than there is", "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "", protocols.KindProtocol},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := played(t, func(r *http.Request) string { return accepted(r, c.sent) })
			o, err := webClient(t, "ws://"+at+"/", nil).Get(t.Context(), "", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer o.Body.Close()
			got, err := io.ReadAll(o.Body)
			if string(got) != c.got || protocols.KindOf(err) != c.kind {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// TestWebSocketRefused: what servers may answer to the request.
func TestWebSocketRefused(t *testing.T) {
	for _, c := range []struct {
		name, answer, says string
		kind               protocols.Kind
	}{
		{"not found", "HTTP/1.1 404 Not Found\r\n\r\n", "no WebSocket here: 404 Not Found", protocols.KindRefused},
		{"a page", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 OK", protocols.KindRefused},
		{"elsewhere", "HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n", "302 Found", protocols.KindRefused},
		{"busy", "HTTP/1.1 503 Busy\r\n\r\n", "503 Busy", protocols.KindTemporary},
		{"another key", "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n", "does not belong to our key", protocols.KindProtocol},
		{"not HTTP", "SSH-2.0-x\r\n", "is not HTTP", protocols.KindProtocol},
		{"nothing", "", "cut short", protocols.KindProtocol},
		{"no end", "HTTP/1.1 101 X\r\n" + strings.Repeat("A: b\r\n", maxUpgrade/6+1), "64 KiB", protocols.KindProtocol},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := played(t, func(*http.Request) string { return c.answer })
			conn, err := webClient(t, "ws://"+at+"/", nil).Connect(t.Context())
			if err == nil || protocols.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, %v", conn, err)
			}
		})
	}
	for _, header := range []string{"Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: mine"} {
		at := played(t, func(r *http.Request) string {
			return strings.Replace(accepted(r, ""), "\r\n\r\n", "\r\n"+header+"\r\n\r\n", 1)
		})
		if _, err := webClient(t, "ws://"+at+"/", nil).Connect(t.Context()); protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%s: %v", header, err)
		}
	}
}

// TestWebSocketLogin: what the user named goes with the request; a challenge is answered;
// nothing goes where somebody could read it.
func TestWebSocketLogin(t *testing.T) {
	const challenge = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n"
	known := func(user, password string) *protocols.Options {
		return &protocols.Options{Credentials: func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
			return protocols.Credential{User: user, Password: password}, nil
		}}
	}
	for _, c := range []struct {
		name, user, offer, begins string
		o                         *protocols.Options
		requests                  int
	}{
		{"in the URL", "ann:secret@", `Basic realm="x"`, "Basic YW5uOnNlY3JldA==", nil, 1},
		{"found, Basic", "", `Basic realm="x"`, "Basic YW5uOnNlY3JldA==", known("ann", "secret"), 2},
		{"found, Digest", "", `Digest realm="x", nonce="n", qop="auth", algorithm=SHA-256`, `Digest username="ann"`, known("ann", "secret"), 2},
		{"in the URL, Digest", "ann:secret@", `Digest realm="x", nonce="n", qop="auth"`, `Digest username="ann"`, nil, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := make(chan string, 10)
			at := played(t, func(r *http.Request) string {
				if seen <- r.Header.Get("Authorization"); !strings.HasPrefix(r.Header.Get("Authorization"), c.begins) {
					return fmt.Sprintf(challenge, c.offer)
				}
				return accepted(r, close16(1000))
			})
			conn, err := webClient(t, "ws://"+c.user+at+"/", c.o).Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
			if len(seen) != c.requests {
				t.Errorf("%d requests", len(seen))
			}
		})
	}
	at := played(t, func(*http.Request) string { return fmt.Sprintf(challenge, `Basic realm="x"`) })
	if _, err := webClient(t, "ws://ann:wrong@"+at+"/", nil).Connect(t.Context()); protocols.KindOf(err) != protocols.KindAuth {
		t.Error(err)
	}
	remote := &protocols.Options{ConnectTo: map[string]string{"far.example:80": at}, Resolve: map[string]string{"far.example:80": "192.0.2.1"}}
	remote.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, at)
	}
	c := webClient(t, "ws://far.example/", remote)
	c.Settings.WebSocket.Header = http.Header{"Authorization": {"Bearer x"}}
	if _, err := c.Connect(t.Context()); protocols.KindOf(err) != protocols.KindAuth {
		t.Error(err)
	}
}
