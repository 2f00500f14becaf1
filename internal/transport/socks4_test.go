package transport

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// socks4Server is a SOCKS4 and SOCKS4a proxy that connects to where it is asked for when
// backend is empty, and answers with code.
func socks4Server(a *asked, backend string, code byte) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		head := make([]byte, 8)
		if _, err := io.ReadFull(r, head); err != nil || head[0] != 4 || head[1] != 1 {
			return
		}
		user, _ := r.ReadString(0)
		ip, _ := netip.AddrFromSlice(head[4:])
		host := ip.String()
		if strings.HasPrefix(host, "0.0.0.") && host != "0.0.0.0" {
			host, _ = r.ReadString(0)
			host = strings.TrimSuffix(host, "\x00")
		}
		at := net.JoinHostPort(host, fmt.Sprint(binary.BigEndian.Uint16(head[2:])))
		a.add(at + " " + strings.TrimSuffix(user, "\x00"))
		c.Write([]byte{0, code, 0, 0, 0, 0, 0, 0})
		if code != socks4Granted {
			return
		}
		if backend != "" {
			at = backend
		}
		if b, err := net.Dial("tcp", at); err == nil {
			join(c, b)
		}
	}
}

// TestSOCKS4: addresses that were resolved here, or names for the proxy; the user id.
func TestSOCKS4(t *testing.T) {
	bh, bp := serve(t, greeter)
	backend := net.JoinHostPort(bh, bp)
	for _, c := range []struct {
		proxy, host, asked string
		code               byte
		kind               protocols.Kind
		says               string
	}{
		{"socks4://", "server.test", "192.0.2.44:21 ", 90, protocols.KindInternal, ""},
		{"socks4://ann@", "192.0.2.9", "192.0.2.9:21 ann", 90, protocols.KindInternal, ""},
		{"socks4a://", "server.test", "server.test:21 ", 90, protocols.KindInternal, ""},
		{"socks4a://", "2001:db8::1", "", 90, protocols.KindConnect, "IPv4 only"},
		{"socks4://", "2001:db8::1", "", 90, protocols.KindConnect, "has no IPv4 address"},
		{"socks4a://", "server.test", "server.test:21 ", 91, protocols.KindConnect, "SOCKS4 request refused"},
		{"socks4a://ann@", "server.test", "server.test:21 ann", 93, protocols.KindConnect, "user id"},
		{"socks4a://", "server.test", "server.test:21 ", 5, protocols.KindConnect, "code 5"},
	} {
		t.Run(fmt.Sprintf("%s %s %d", c.proxy, c.host, c.code), func(t *testing.T) {
			var a asked
			host, port := serve(t, socks4Server(&a, backend, c.code))
			conn, err := throughProxy(t, c.proxy+net.JoinHostPort(host, port), protocols.Options{}, c.host, "21")
			if c.says != "" {
				if e := wantKind(t, err, c.kind); !strings.Contains(e.Error()+e.Hint, c.says) {
					t.Errorf("%v lacks %q", e, c.says)
				}
			} else if err != nil {
				t.Fatal(err)
			} else if got, err := io.ReadAll(io.LimitReader(conn, 6)); err != nil || string(got) != "hello\n" {
				t.Errorf("%q, %v", got, err)
			}
			if a.String() != c.asked {
				t.Errorf("asked for %q, want %q", a.String(), c.asked)
			}
		})
	}
}

// TestSOCKS4Garbage: what is not an answer, or a cut one.
func TestSOCKS4Garbage(t *testing.T) {
	for answer, kind := range map[string]protocols.Kind{"HTTP/1.1 400 no\r\n\r\n": protocols.KindProtocol, "\x00\x5a": protocols.KindConnect} {
		host, port := serve(t, func(c net.Conn) { io.WriteString(c, answer); io.CopyN(io.Discard, c, 9) })
		_, err := throughProxy(t, "socks4a://"+net.JoinHostPort(host, port), protocols.Options{}, "server.test", "21")
		wantKind(t, err, kind)
	}
}

// TestPreProxy: the proxy itself is reached through a SOCKS proxy, whose failure is told
// as such.
func TestPreProxy(t *testing.T) {
	bh, bp := serve(t, greeter)
	var first, second asked
	h1, p1 := serve(t, socks4Server(&first, "", socks4Granted))
	h2, p2 := serve(t, connectServer(&second, "", "HTTP/1.1 200 OK\r\n\r\n", net.JoinHostPort(bh, bp)))
	o := protocols.Options{PreProxy: &url.URL{Scheme: "socks4", Host: net.JoinHostPort(h1, p1)}}
	conn, err := throughProxy(t, "http://"+net.JoinHostPort(h2, p2), o, "server.test", "21")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(io.LimitReader(conn, 6)); err != nil || string(got) != "hello\n" {
		t.Errorf("%q, %v", got, err)
	}
	if first.String() != net.JoinHostPort(h2, p2)+" " || second.String() != "CONNECT server.test:21 " {
		t.Errorf("%q, then %q", first.String(), second.String())
	}
	h3, p3 := serve(t, socks4Server(&first, "", 91))
	o.PreProxy = &url.URL{Scheme: "socks4", Host: net.JoinHostPort(h3, p3)}
	_, err = throughProxy(t, "http://"+net.JoinHostPort(h2, p2), o, "server.test", "21")
	if e := wantKind(t, err, protocols.KindConnect); !strings.Contains(e.Error(), "through "+o.PreProxy.Host) {
		t.Error(e)
	}
	o.PreProxy.Scheme = "http"
	_, err = throughProxy(t, "http://"+net.JoinHostPort(h2, p2), o, "server.test", "21")
	wantKind(t, err, protocols.KindUsage)
}
