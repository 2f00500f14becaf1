package socket

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/httpauth"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket/internal/wsframe"
)

// WebSocket is how a ws or wss URL is upgraded to a stream of messages (RFC 6455).
type WebSocket struct {
	Header       http.Header // of the request, in place of our own; a name without a value drops ours
	Subprotocols []string    // offered to the server
	Frames       Frames
}

// Frames says what messages are sent as.
type Frames = wsframe.Kind

// The kinds of frames. FramesAuto is text where a message is UTF-8.
const (
	FramesAuto   = wsframe.Auto
	FramesText   = wsframe.Text
	FramesBinary = wsframe.Binary
)

// maxUpgrade bounds the answer to the request for an upgrade.
const maxUpgrade = 64 << 10

// upgradeKey is what a server adds to the key of the request (RFC 6455 1.3).
const upgradeKey = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Web reports whether the stream is one of WebSocket.
func (c *Client) Web() bool { return c.scheme.Name == "ws" || c.scheme.Name == "wss" }

// Messages reports whether each write is one message, and each read is from one.
func (c *Client) Messages() bool { return c.Settings.Messages() || c.Web() }

// webPath checks the URL of a WebSocket: a fragment is none of its parts (RFC 6455 3).
func webPath(u *url.URL) (string, error) {
	if u.Fragment != "" {
		return "", protocols.UsageError(u.Scheme, "", "the URL of a WebSocket has no fragment")
	}
	return "", nil
}

// errLogin is a refusal that a login may change.
type errLogin struct {
	no     *protocols.Error
	offers []httpauth.Challenge
}

func (e *errLogin) Error() string { return e.no.Error() }
func (e *errLogin) Unwrap() error { return e.no }

// webLogin is the value of Authorization, made when a request goes out.
type webLogin struct {
	value  string
	secret bool // not one that the user named, so that it goes nowhere unencrypted without an error
}

// upgrade makes the connection a stream of messages. A connection that was refused for
// want of a login is closed; the next one has it.
func (c *Client) upgrade(conn *transport.Conn, login webLogin) (*wsframe.Stream, error) {
	private := conn.AllowSecret()
	if login.value != "" && private != nil {
		if login.secret {
			return nil, private
		}
		login.value = ""
	}
	key := base64.StdEncoding.EncodeToString([]byte(rand.Text()[:16]))
	r := c.request(key, login.value)
	if err := c.secretHeaders(private); err != nil {
		return nil, err
	}
	conn.Event(protocols.EventSend, r.Method+" "+r.URL.RequestURI()+" HTTP/1.1", 0)
	if err := r.Write(conn); err != nil {
		return nil, err
	}
	head := &io.LimitedReader{R: conn, N: maxUpgrade}
	in := bufio.NewReader(head)
	resp, err := http.ReadResponse(in, r)
	if err != nil {
		return nil, notHTTP(err)
	}
	conn.Event(protocols.EventRecv, resp.Proto+" "+resp.Status, 0)
	if err := c.upgraded(resp, key); err != nil {
		return nil, err
	}
	head.N = math.MaxInt64
	return wsframe.New(in, conn, c.Settings.WebSocket.Frames), nil
}

// request makes the request for the upgrade (RFC 6455 4.1).
func (c *Client) request(key, authorization string) *http.Request {
	u := *c.url
	u.User, u.Scheme = nil, map[string]string{"ws": "http", "wss": "https"}[c.scheme.Name]
	r := &http.Request{Method: http.MethodGet, URL: &u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"User-Agent": {"netclients"}}}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if offered := c.Settings.WebSocket.Subprotocols; len(offered) > 0 {
		r.Header.Set("Sec-WebSocket-Protocol", strings.Join(offered, ", "))
	}
	for name, values := range c.Settings.WebSocket.Header {
		if r.Header[name] = values; len(values) == 0 {
			r.Header[name] = nil // net/http would add its own User-Agent
		}
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key} {
		r.Header.Set(name, value)
	}
	return r
}

// secretHeaders refuses to send secrets among the headers where somebody could read them.
func (c *Client) secretHeaders(private error) error {
	for _, name := range []string{"Authorization", "Cookie"} {
		if len(c.Settings.WebSocket.Header[name]) > 0 && private != nil {
			return private
		}
	}
	return nil
}

// notHTTP is the error of an answer that is none.
func notHTTP(err error) error {
	const what = "the answer to the request for WebSocket is "
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return protocols.ProtocolError("", "", what+"cut short, or longer than 64 KiB")
	case protocols.KindOf(err) != protocols.KindInternal:
		return err
	}
	return protocols.ProtocolError("", "", what+"not HTTP: "+err.Error())
}

// upgraded checks the answer to the request (RFC 6455 4.1).
func (c *Client) upgraded(resp *http.Response, key string) error {
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return c.notUpgraded(resp)
	}
	sum := sha1.Sum([]byte(key + upgradeKey))
	chosen := resp.Header.Get("Sec-WebSocket-Protocol")
	switch {
	case !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket"), resp.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]):
		return protocols.ProtocolError("", "", "the server says 101, but not to WebSocket: its Sec-WebSocket-Accept does not belong to our key")
	case resp.Header.Get("Sec-WebSocket-Extensions") != "":
		return protocols.ProtocolError("", "", "the server uses an extension that was not offered: "+strconv.Quote(resp.Header.Get("Sec-WebSocket-Extensions")))
	case chosen != "" && !offered(c.Settings.WebSocket.Subprotocols, chosen):
		return protocols.ProtocolError("", "", "the server chose a subprotocol that was not offered: "+strconv.Quote(chosen))
	}
	return nil
}

func offered(list []string, chosen string) bool {
	for _, s := range list {
		if s == chosen {
			return true
		}
	}
	return false
}

// notUpgraded is the error of any other answer.
func (c *Client) notUpgraded(resp *http.Response) error {
	e := &protocols.Error{Kind: protocols.KindRefused, Code: resp.StatusCode, Text: "no WebSocket here: " + resp.Status}
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized:
		e.Kind = protocols.KindAuth
		return &errLogin{e, httpauth.Parse(resp.Header.Values("WWW-Authenticate"))}
	case s >= 300 && s < 400 && resp.Header.Get("Location") != "":
		e.Hint = "the server sends to " + strconv.Quote(resp.Header.Get("Location")) + ", which is not followed: name that URL"
	case s == http.StatusTooManyRequests || s >= 500:
		e.Kind, e.Retryable = protocols.KindTemporary, true
	}
	return e
}

// webStream upgrades a connection, with a login where the user named one, and once more
// over a new connection where the server asks for one.
func (c *Client) webStream(ctx context.Context, conn *transport.Conn) (*Conn, error) {
	named, err := c.namedLogin(ctx)
	if err != nil {
		return nil, err
	}
	done := conn.Use(ctx)
	s, err := c.upgrade(conn, named)
	done()
	if err == nil {
		return &Conn{conn: conn, frames: s}, nil
	}
	wants, ok := errors.AsType[*errLogin](err)
	if !ok || named.value != "" && httpauth.Strongest(wants.offers) == nil {
		return nil, err
	}
	login, lerr := c.askedLogin(ctx, wants)
	if lerr != nil {
		return nil, lerr
	}
	conn.Close()
	if conn, err = c.secured(ctx); err != nil {
		return nil, err
	}
	defer conn.Use(ctx)()
	if s, err = c.upgrade(conn, login); err != nil {
		conn.Close()
		return nil, err
	}
	return &Conn{conn: conn, frames: s}, nil
}

func (c *Client) credentialRequest() protocols.CredentialRequest {
	host, port := protocols.HostPort(c.url, c.scheme)
	return protocols.CredentialRequest{Protocol: c.proto, Scheme: c.scheme.Name, Host: host, Port: port, User: c.url.User.Username()}
}

// namedLogin is the login that goes with the first request: what the user named for this
// server.
func (c *Client) namedLogin(ctx context.Context) (webLogin, error) {
	var cred protocols.Credential
	switch {
	case c.opts.Named != nil:
		var err error
		if cred, err = c.opts.Named(ctx, c.credentialRequest()); err != nil {
			return webLogin{}, err
		}
	case c.opts.Credentials == nil && c.url.User != nil:
		cred = protocols.URLCredential(c.url)
	}
	switch {
	case cred.Token != "":
		return webLogin{value: "Bearer " + cred.Token}, nil
	case cred.HasPassword() && cred.User+cred.Password != "":
		return webLogin{value: httpauth.Basic(cred)}, nil
	}
	return webLogin{}, nil
}

// askedLogin answers the challenges of a server: Digest, else Basic.
func (c *Client) askedLogin(ctx context.Context, wants *errLogin) (webLogin, error) {
	cred := protocols.URLCredential(c.url)
	if c.opts.Credentials != nil {
		var err error
		if cred, err = c.opts.Credentials(ctx, c.credentialRequest()); err != nil {
			return webLogin{}, err
		}
	}
	if !cred.HasPassword() {
		return webLogin{}, wants.no
	}
	if d := httpauth.Strongest(wants.offers); d != nil {
		value, err := d.Authorization(http.MethodGet, c.url.RequestURI(), nil, cred)
		return webLogin{value, true}, err
	}
	for _, o := range wants.offers {
		if o.Scheme == "basic" {
			return webLogin{httpauth.Basic(cred), true}, nil
		}
	}
	return webLogin{}, wants.no
}
