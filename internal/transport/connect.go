package transport

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/httpauth"
	"github.com/netclients/netclients/protocols"
)

// maxHead limits the head of a proxy's response to CONNECT.
const maxHead = 64 << 10

// connectTunnel sends CONNECT to an HTTP proxy, RFC 9110 section 9.3.6. Bytes
// that the server sent after the head are kept for the first Read.
func connectTunnel(_ context.Context, c *Conn, u *url.URL, address string) error {
	request, err := c.d.connectRequest(u, address)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(c.sock, request); err != nil {
		return err
	}
	head, rest, err := readHead(c.sock)
	if err != nil {
		return err
	}
	c.sock.ahead = rest
	return connectStatus(head)
}

func (d *Dialer) connectRequest(u *url.URL, address string) (string, error) {
	d.loginMu.Lock()
	login, err := d.loginTo(u).Authorization("CONNECT", address, nil)
	d.loginMu.Unlock()
	if err != nil {
		return "", err
	}
	fields, err := ProxyHeader(d.o)
	if err != nil {
		return "", err
	}
	if login != "" {
		fields["Proxy-Authorization"] = []string{login}
	}
	var b strings.Builder
	b.WriteString("CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	b.WriteString("\r\n")
	return b.String(), nil
}

// NewProxyLogin returns the login to an HTTP proxy: the user of its URL, with the password
// there or from the options' credentials. Nothing is asked for before the proxy asks.
func NewProxyLogin(o *protocols.Options, proxy *url.URL) *httpauth.Proxy {
	return &httpauth.Proxy{Ask: func(ctx context.Context) (protocols.Credential, error) {
		with, err := withPassword(ctx, o, proxy)
		if err != nil {
			return protocols.Credential{}, err
		}
		return protocols.URLCredential(with), nil
	}}
}

// loginTo returns the login to the proxy, which all connections of the dialer share. The
// caller holds loginMu.
func (d *Dialer) loginTo(proxy *url.URL) *httpauth.Proxy {
	if d.login == nil || d.loginFor != proxy.String() {
		d.login, d.loginFor = NewProxyLogin(d.o, proxy), proxy.String()
	}
	return d.login
}

// challenged takes the challenge of a proxy. It reports whether to try again.
func (d *Dialer) challenged(ctx context.Context, proxy *url.URL, asks *proxyAsks) (again bool, err error) {
	d.loginMu.Lock()
	defer d.loginMu.Unlock()
	return d.loginTo(proxy).Challenged(ctx, asks.offers)
}

// proxyAsks is the error of a proxy that wants a login.
type proxyAsks struct {
	error
	offers []string // values of Proxy-Authenticate
}

func (e *proxyAsks) Unwrap() error { return e.error }

// readHead reads up to the empty line, which may end in a bare LF, and also
// returns what was received after it.
func readHead(r io.Reader) (head, rest []byte, err error) {
	buf := make([]byte, 0, 4<<10)
	for {
		seen := max(len(buf)-3, 0)
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if head, rest, ok := cutHead(buf, seen); ok {
			return head, rest, nil
		}
		if err != nil {
			if err == io.EOF {
				err = &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Text: "closed the connection without a response"}
			}
			return nil, nil, err
		}
		if len(buf) == cap(buf) {
			if len(buf) >= maxHead {
				return nil, nil, protocols.ProtocolError("", "", "response to CONNECT is longer than "+strconv.Itoa(maxHead)+" bytes")
			}
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
	}
}

// cutHead searches for the empty line, starting at byte seen.
func cutHead(buf []byte, seen int) (head, rest []byte, ok bool) {
	for _, end := range []string{"\r\n\r\n", "\n\n", "\n\r\n"} {
		if i := bytes.Index(buf[seen:], []byte(end)); i >= 0 {
			at := seen + i + len(end)
			return buf[:seen+i], bytes.Clone(buf[at:]), true
		}
	}
	return nil, nil, false
}

// connectStatus accepts any 2xx status.
func connectStatus(head []byte) error {
	line, _, _ := strings.Cut(string(head), "\n")
	version, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	word, _, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(word)
	if err != nil || len(word) != 3 || !strings.HasPrefix(version, "HTTP/1.") {
		return protocols.ProtocolError("", "", "does not speak HTTP")
	}
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == 407:
		return &proxyAsks{&protocols.Error{
			Kind: protocols.KindConnect, Text: "requires proxy authentication: " + rest,
			Hint: "put the proxy's user name in its URL, and the password in ~/.netrc or the keyring",
		}, proxyOffers(head)}
	}
	return &protocols.Error{Kind: protocols.KindConnect, Retryable: code >= 500, Text: "refused CONNECT: " + rest}
}

// proxyOffers returns the values of Proxy-Authenticate in a head.
func proxyOffers(head []byte) (values []string) {
	for line := range strings.Lines(string(head)) {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "Proxy-Authenticate") {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}
