package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// asked records the requests to the proxies of the tests.
type asked struct {
	mu    sync.Mutex
	lines []string
}

func (a *asked) add(s string) {
	a.mu.Lock()
	a.lines = append(a.lines, s)
	a.mu.Unlock()
}

func (a *asked) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.lines, " ")
}

// join copies in both directions until one side ends.
func join(a, b net.Conn) {
	done := make(chan struct{})
	go func() { defer close(done); io.Copy(a, b); a.Close() }()
	io.Copy(b, a)
	b.Close()
	<-done
}

// socksServer is a SOCKS5 proxy that connects to backend whatever the request; it
// requires a login if user is not empty, and replies with code.
func socksServer(a *asked, user, pass, backend string, code byte) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		head := make([]byte, 2)
		io.ReadFull(r, head)
		io.CopyN(io.Discard, r, int64(head[1]))
		if user != "" {
			c.Write([]byte{5, 2})
			io.ReadFull(r, head)
			name := make([]byte, head[1])
			io.ReadFull(r, name)
			n, _ := r.ReadByte()
			word := make([]byte, n)
			io.ReadFull(r, word)
			if string(name) != user || string(word) != pass {
				c.Write([]byte{1, 1})
				return
			}
			c.Write([]byte{1, 0})
		} else {
			c.Write([]byte{5, 0})
		}
		request := make([]byte, 4)
		io.ReadFull(r, request)
		a.add(socksAddress(r, request[3]))
		if code != 0 {
			c.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0})
			return
		}
		b, err := net.Dial("tcp", backend)
		if err != nil {
			return
		}
		c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		join(c, b)
	}
}

func socksAddress(r *bufio.Reader, kind byte) string {
	var host string
	switch kind {
	case 3:
		n, _ := r.ReadByte()
		b := make([]byte, n)
		io.ReadFull(r, b)
		host = string(b)
	default:
		b := make([]byte, map[byte]int{1: 4, 4: 16}[kind])
		io.ReadFull(r, b)
		ip, _ := netip.AddrFromSlice(b)
		host = ip.String()
	}
	var port [2]byte
	io.ReadFull(r, port[:])
	return net.JoinHostPort(host, fmt.Sprint(int(port[0])<<8|int(port[1])))
}

// connectServer is an HTTP proxy that answers CONNECT with status, and connects
// to backend. With a challenge it wants a login first, any will do.
func connectServer(a *asked, challenge, status, backend string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		a.add(q.Method + " " + q.Host + " " + q.Header.Get("Proxy-Authorization"))
		if challenge != "" && q.Header.Get("Proxy-Authorization") == "" {
			io.WriteString(c, "HTTP/1.1 407 Who\r\nProxy-Authenticate: "+challenge+"\r\nContent-Length: 4\r\n\r\nwho?")
			return
		}
		if !strings.HasPrefix(status, "HTTP/1.1 2") {
			io.WriteString(c, status)
			return
		}
		b, err := net.Dial("tcp", backend)
		if err != nil {
			return
		}
		greeting := make([]byte, 6)
		io.ReadFull(b, greeting)
		io.WriteString(c, status+string(greeting)) // the server's greeting in one segment with the head
		join(c, b)
	}
}

// greeter sends a greeting and then echoes what it receives.
func greeter(c net.Conn) { io.WriteString(c, "hello\n"); io.Copy(c, c) }

func throughProxy(t *testing.T, proxy string, o protocols.Options, host, port string) (*Conn, error) {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	o.Proxy = func(*url.URL) (*url.URL, error) { return u, nil }
	d := dialer(&o)
	d.lookup = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if host != "server.test" {
			t.Errorf("looked up %s", host)
		}
		return []netip.Addr{netip.MustParseAddr("192.0.2.44")}, nil
	}
	c, err := d.Dial(t.Context(), "control", "tcp", host, port)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func TestProxies(t *testing.T) {
	bh, bp := serve(t, greeter)
	backend := net.JoinHostPort(bh, bp)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:secret"))
	cases := []struct {
		name, scheme, user string
		server             func(*asked) func(net.Conn)
		host, asked        string
	}{
		{"socks5 resolves here", "socks5", "", func(a *asked) func(net.Conn) { return socksServer(a, "", "", backend, 0) }, "server.test", "192.0.2.44:21"},
		{"socks5h resolves there", "socks5h", "", func(a *asked) func(net.Conn) { return socksServer(a, "", "", backend, 0) }, "server.test", "server.test:21"},
		{"socks5h with address", "socks5h", "", func(a *asked) func(net.Conn) { return socksServer(a, "", "", backend, 0) }, "2001:db8::1", "[2001:db8::1]:21"},
		{"socks5h with user", "socks5h", "me:secret@", func(a *asked) func(net.Conn) { return socksServer(a, "me", "secret", backend, 0) }, "server.test", "server.test:21"},
		{"http", "http", "", func(a *asked) func(net.Conn) { return connectServer(a, "", "HTTP/1.1 200 OK\r\n\r\n", backend) }, "server.test", "CONNECT server.test:21 "},
		{"http with user", "http", "me:secret@", func(a *asked) func(net.Conn) {
			return connectServer(a, `Basic realm="p"`, "HTTP/1.1 204 Fine\r\nX: y\r\n\r\n", backend)
		}, "bücher.test", "CONNECT xn--bcher-kva.test:21 " + basic},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var a asked
			host, port := serve(t, c.server(&a))
			conn, err := throughProxy(t, c.scheme+"://"+c.user+net.JoinHostPort(host, port), protocols.Options{}, c.host, "21")
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 9)
			io.WriteString(conn, "abc")
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello\nabc" {
				t.Errorf("%q, %v", got, err)
			}
			want := c.asked
			if strings.HasSuffix(want, basic) { // asked without a login first
				want = strings.TrimSuffix(want, basic) + " " + want
			}
			if a.String() != want {
				t.Errorf("asked for %q, want %q", a.String(), want)
			}
			if conn.AllowSecret() == nil {
				t.Error("a secret may be sent unencrypted through a proxy")
			}
			if _, ok := conn.NetConn().(*net.TCPConn); !ok {
				t.Errorf("fast paths lost: %T", conn.NetConn())
			}
			if _, err := conn.d.Listen(conn, ListenOptions{}); err == nil {
				t.Error("Listen succeeded although the server is behind a proxy")
			}
			before := a.String()
			data, err := conn.d.DialPeer(t.Context(), conn, 2020)
			if err != nil {
				t.Fatal(err)
			}
			data.Close()
			if want := before + " " + strings.Replace(c.asked, ":21", ":2020", 1); a.String() != want {
				t.Errorf("data: asked for %q, want %q", a.String(), want)
			}
		})
	}
}

// Bytes that arrived with the proxy's response are copied to a file too.
func TestBytesAfterTheHeadAreCopied(t *testing.T) {
	bh, bp := serve(t, func(c net.Conn) { io.WriteString(c, "hello\nand more") })
	var a asked
	host, port := serve(t, connectServer(&a, "", "HTTP/1.1 200 OK\r\n\r\n", net.JoinHostPort(bh, bp)))
	c, err := throughProxy(t, "http://"+net.JoinHostPort(host, port), protocols.Options{}, "server.test", "21")
	if err != nil {
		t.Fatal(err)
	}
	f := newFile(t)
	if n, err := c.WriteTo(f); n != 14 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	sameAsFile(t, f, []byte("hello\nand more"))
}

func TestHTTPSProxyAndTLSInside(t *testing.T) {
	ca := newAuthority(t)
	inner := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "server.test")}}
	bh, bp := serve(t, func(c net.Conn) {
		io.WriteString(c, "hello\n")
		echo(tls.Server(c, inner))
	})
	var a asked
	outer := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}}
	serveProxy := connectServer(&a, "", "HTTP/1.1 200 OK\r\n\r\n", net.JoinHostPort(bh, bp))
	host, port := serveTLS(t, outer, func(c *tls.Conn) { serveProxy(c) })
	o := protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: ca.pool}}, IdleTimeout: 300 * time.Millisecond}
	c, err := throughProxy(t, "https://"+net.JoinHostPort(host, port), o, "server.test", "21")
	if err != nil {
		t.Fatal(err)
	}
	if c.AllowSecret() == nil {
		t.Error("TLS to the proxy counts as TLS to the server")
	}
	io.ReadFull(c, make([]byte, 6))
	checkEcho(t, c, c.StartTLS(t.Context()))
	_, err = c.Read(make([]byte, 1))
	wantKind(t, err, protocols.KindTimeout)
	o.TLS.Config = nil
	_, err = throughProxy(t, "https://"+net.JoinHostPort(host, port), o, "server.test", "21")
	wantKind(t, err, protocols.KindTLS)
}

func TestProxyFailures(t *testing.T) {
	says := func(text string) func(net.Conn) {
		return func(c net.Conn) { c.Read(make([]byte, 1000)); io.WriteString(c, text); io.Copy(io.Discard, c) }
	}
	connectSays := func(text string) func(net.Conn) { return connectServer(&asked{}, "", text, "") }
	cases := []struct {
		name, scheme string
		server       func(net.Conn)
		host         string
		kind         protocols.Kind
		text         string
	}{
		{"socks refuses", "socks5h", socksServer(&asked{}, "", "", "", 5), "server.test", protocols.KindConnect, "connection refused"},
		{"socks requires user", "socks5h", socksServer(&asked{}, "me", "x", "", 0), "server.test", protocols.KindConnect, "authentication"},
		{"socks that speaks HTTP", "socks5h", says("HTTP/1.1 400 Bad\r\n\r\n"), "server.test", protocols.KindConnect, "proxy 127.0.0.1:"},
		{"http 407", "http", connectSays("HTTP/1.1 407 Who are you\r\n\r\n"), "server.test", protocols.KindConnect, "proxy authentication"},
		{"http 403", "http", connectSays("HTTP/1.0 403 No\r\n\r\n"), "server.test", protocols.KindConnect, "refused CONNECT: 403 No"},
		{"http that speaks FTP", "http", says("220 hello\r\n\r\n"), "server.test", protocols.KindProtocol, "does not speak HTTP"},
		{"http that sends nothing", "http", func(c net.Conn) { bufio.NewReader(c).ReadString('\n') }, "server.test", protocols.KindConnect, ""},
		{"endless head", "http", says("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 20_000)), "server.test", protocols.KindProtocol, "longer than"},
		{"silence", "http", func(c net.Conn) { io.Copy(io.Discard, c) }, "server.test", protocols.KindTimeout, "timed out after 200ms"},
		{"socks silence", "socks5h", func(c net.Conn) { io.Copy(io.Discard, c) }, "server.test", protocols.KindTimeout, "timed out after 200ms"},
		{"long name", "socks5h", func(net.Conn) {}, strings.Repeat("a.", 130) + "test", protocols.KindUsage, ""},
		{"unknown scheme", "ftp", func(net.Conn) {}, "server.test", protocols.KindUsage, "not supported"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			host, port := serve(t, c.server)
			o := protocols.Options{ConnectTimeout: 200 * time.Millisecond}
			_, err := throughProxy(t, c.scheme+"://u:secret@"+net.JoinHostPort(host, port), o, c.host, "21")
			if e := wantKind(t, err, c.kind); !strings.Contains(e.Message(), c.text) || strings.Contains(e.Error(), "secret") {
				t.Errorf("%q", e)
			}
		})
	}
}

func TestNoUDPThroughAProxy(t *testing.T) {
	proxy := func(*url.URL) (*url.URL, error) { return url.Parse("socks5://127.0.0.1:1") }
	_, err := dialer(&protocols.Options{Proxy: proxy}).Dial(t.Context(), "data", "udp", "127.0.0.1", "53")
	wantKind(t, err, protocols.KindUsage)
}

func TestEnvProxy(t *testing.T) {
	cases := []struct {
		name, target string
		env          map[string]string
		want         string
	}{
		{"nothing", "ftp://h.test/", nil, ""},
		{"by scheme", "ftp://h.test/", map[string]string{"ftp_proxy": "socks5://p:1"}, "socks5://p:1"},
		{"other scheme", "imap://h.test/", map[string]string{"ftp_proxy": "socks5://p:1"}, ""},
		{"upper case", "ftp://h.test/", map[string]string{"FTP_PROXY": "http://p:1"}, "http://p:1"},
		{"lower first", "ftp://h.test/", map[string]string{"FTP_PROXY": "http://p:1", "ftp_proxy": "http://q:1"}, "http://q:1"},
		{"HTTP_PROXY is not read", "http://h.test/", map[string]string{"HTTP_PROXY": "http://p:1"}, ""},
		{"http_proxy", "http://h.test/", map[string]string{"http_proxy": "p:8080"}, "http://p:8080"},
		{"HTTPS_PROXY", "https://h.test/", map[string]string{"HTTPS_PROXY": "http://p:1"}, "http://p:1"},
		{"all", "pop3://h.test/", map[string]string{"all_proxy": "socks5h://p:1"}, "socks5h://p:1"},
		{"ALL", "pop3://h.test/", map[string]string{"ALL_PROXY": "socks5h://p:1"}, "socks5h://p:1"},
		{"scheme before all", "ftp://h.test/", map[string]string{"all_proxy": "http://p:1", "FTP_PROXY": "http://q:1"}, "http://q:1"},
		{"loopback is proxied", "ftp://127.0.0.1/", map[string]string{"all_proxy": "http://p:1"}, "http://p:1"},
		{"no host", "maildir:/x", map[string]string{"all_proxy": "http://p:1"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			target, _ := url.Parse(c.target)
			u, err := EnvProxy(func(name string) string { return c.env[name] })(target)
			got := ""
			if u != nil {
				got = u.String()
			}
			if got != c.want || err != nil {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
	env := EnvProxy(func(string) string { return "gopher://p:1" })
	_, err := env(&url.URL{Scheme: "ftp", Host: "h"})
	wantKind(t, err, protocols.KindUsage)
}

func TestNoProxy(t *testing.T) {
	cases := []struct {
		list, target string
		bypass       bool
	}{
		{"", "ftp://h.test", false},
		{"*", "ftp://h.test", true},
		{"h.test", "ftp://h.test", true},
		{"H.Test", "ftp://h.TEST", true},
		{"h.test", "ftp://h.test.", true},
		{"h.test.", "ftp://h.test", true},
		{"test", "ftp://h.test", true},
		{".test", "ftp://h.test", true},
		{".h.test", "ftp://h.test", true},
		{"h.test", "ftp://xh.test", false},
		{"est", "ftp://h.test", false},
		{"a.test, h.test", "ftp://h.test", true},
		{"a.test h.test", "ftp://h.test", true},
		{"h.test:21", "ftp://h.test:21", true},
		{"h.test:21", "ftp://h.test:22", false},
		{"127.0.0.1", "ftp://127.0.0.1", true},
		{"0.0.1", "ftp://127.0.0.1", false},
		{"127.0.0.0/8", "ftp://127.9.0.1", true},
		{"127.0.0.0/8", "ftp://128.9.0.1", false},
		{"127.0.0.0/99", "ftp://127.9.0.1", false},
		{"::1", "ftp://[::1]", true},
		{"[::1]", "ftp://[::1]:21", true},
		{"[::1]:22", "ftp://[::1]:21", false},
		{"2001:db8::/32", "ftp://[2001:db8::7]", true},
		{".", "ftp://h.test", false},
		{",,", "ftp://h.test", false},
	}
	for _, c := range cases {
		target, err := url.Parse(c.target)
		if err != nil {
			t.Fatal(err)
		}
		if got := bypasses(c.list, target); got != c.bypass {
			t.Errorf("no_proxy %q, %s: bypass %v, want %v", c.list, c.target, got, c.bypass)
		}
	}
}

func FuzzConnectAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\nrest"))
	f.Add([]byte("HTTP/1.0 407 x\n\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		head, rest, err := readHead(strings.NewReader(string(answer)))
		if err == nil && len(head)+len(rest) > len(answer) {
			t.Errorf("%d and %d bytes of %d", len(head), len(rest), len(answer))
		}
		if err == nil {
			_ = connectStatus(head)
		}
	})
}

// TestProxiesThatAskForDigest: the strongest mechanism is used, the password itself is never
// sent, and the next connection goes without being asked again.
func TestProxiesThatAskForDigest(t *testing.T) {
	bh, bp := serve(t, greeter)
	var a asked
	const challenge = "Digest realm=\"p\", nonce=\"n0\", qop=\"auth\", algorithm=SHA-256\r\nProxy-Authenticate: Basic realm=\"p\""
	host, port := serve(t, connectServer(&a, challenge, "HTTP/1.1 200 OK\r\n\r\n", net.JoinHostPort(bh, bp)))
	c, err := throughProxy(t, "http://me:secret@"+net.JoinHostPort(host, port), protocols.Options{}, "server.test", "21")
	if err != nil {
		t.Fatal(err)
	}
	data, err := c.d.DialPeer(t.Context(), c, 2020)
	if err != nil {
		t.Fatal(err)
	}
	data.Close()
	got := a.String()
	if strings.Contains(got, "Basic") || strings.Count(got, "CONNECT") != 3 || !strings.Contains(got, `Digest username="me"`) || !strings.Contains(got, `uri="server.test:2020"`) || !strings.Contains(got, "nc=00000002") {
		t.Error(got)
	}
}

// TestProxyLogin: a proxy's password need not be in its URL.
func TestProxyLogin(t *testing.T) {
	bh, bp := serve(t, greeter)
	var a asked
	host, port := serve(t, socksServer(&a, "me", "secret", net.JoinHostPort(bh, bp), 0))
	known := protocols.Credential{User: "me", Password: "secret"}
	var request protocols.CredentialRequest
	o := protocols.Options{Credentials: func(_ context.Context, r protocols.CredentialRequest) (protocols.Credential, error) {
		request = r
		return known, nil
	}}
	if _, err := throughProxy(t, "socks5h://me@"+net.JoinHostPort(host, port), o, "server.test", "21"); err != nil {
		t.Fatal(err)
	}
	want := protocols.CredentialRequest{Protocol: "socks5h", Scheme: "socks5h", Host: host, Port: port, User: "me", Proxy: true}
	if request != want {
		t.Errorf("asked for %+v, want %+v", request, want)
	}
	known.Password = ""
	_, err := throughProxy(t, "socks5h://me@"+net.JoinHostPort(host, port), o, "server.test", "21")
	wantKind(t, err, protocols.KindAuth)
	known.Empty = true
	_, err = throughProxy(t, "socks5h://me@"+net.JoinHostPort(host, port), o, "server.test", "21")
	wantKind(t, err, protocols.KindConnect) // the proxy was contacted, and refused
}

func TestNoProxyList(t *testing.T) {
	one := &url.URL{Scheme: "http", Host: "p:1"}
	proxy := func(*url.URL) (*url.URL, error) { return one, nil }
	for _, c := range []struct {
		list string
		want *url.URL
	}{{"", one}, {"*", nil}, {"other.test", one}, {"x, .Server.test", nil}} {
		got, err := NoProxy(c.list, proxy)(&url.URL{Scheme: "ftp", Host: "a.server.test"})
		if got != c.want || err != nil {
			t.Errorf("%q: %v, %v", c.list, got, err)
		}
	}
	if NoProxy("*", nil) != nil {
		t.Error("got a proxy for nil")
	}
}
