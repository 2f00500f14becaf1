package http

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/upbody"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// rawConns hands each connection to serve, with TLS where there is a configuration.
func rawConns(t *testing.T, conf *tls.Config, serve func(net.Conn)) (addr string) {
	t.Helper()
	return labtest.Serve(t, func(conn net.Conn) {
		if conf != nil {
			conn = tls.Server(conn, conf)
			defer conn.Close()
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		serve(conn)
	})
}

// readHead reads up to the end of a head.
func readHead(conn net.Conn) (string, error) {
	var b strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(b.String(), "\r\n\r\n") {
		if _, err := io.ReadFull(conn, one); err != nil {
			return "", err
		}
		b.Write(one)
	}
	return b.String(), nil
}

// endless is a body that does not end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestUploadRefusedEarly: a server refuses a body after the first bytes of it, and
// reads on, or closes at once. The refusal arrives, unencrypted and under TLS, for
// bodies of known length and in chunks.
func TestUploadRefusedEarly(t *testing.T) {
	authority, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	for _, secure := range []bool{false, true} {
		for _, closes := range []bool{false, true} {
			for _, length := range []int64{-1, 1 << 40} {
				var conf *tls.Config
				scheme := "http://"
				if secure {
					conf, scheme = authority.ServerConfig(), "https://"
				}
				stop := make(chan struct{})
				addr := rawConns(t, conf, func(conn net.Conn) {
					if _, err := readHead(conn); err != nil {
						return
					}
					io.CopyN(io.Discard, conn, 100<<10)
					io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge")
					if !closes {
						<-stop
					}
				})
				c := labtest.Open(t, New, scheme+addr+"/", &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: authority.Pool()}}})
				resp, err := c.Do(quick(t), &Request{Method: "POST", URL: labtest.URL(t, scheme+addr+"/"), Body: io.LimitReader(endless{}, 1<<40), Length: length})
				if err != nil {
					t.Errorf("TLS %v, closes %v, length %d: %v", secure, closes, length, err)
				} else {
					body, err := io.ReadAll(resp.Body)
					if resp.Status != 413 || string(body) != "large" || err != nil {
						t.Errorf("TLS %v, closes %v, length %d: %d %q, %v", secure, closes, length, resp.Status, body, err)
					}
					resp.Body.Close()
				}
				close(stop)
			}
		}
	}
}

// TestUploadAnsweredMeanwhile: a server sends back each piece when it has come. The
// answer is read while the body is still on its way.
func TestUploadAnsweredMeanwhile(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{Handler: func(w nethttp.ResponseWriter, r *nethttp.Request) bool {
		nethttp.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		nethttp.NewResponseController(w).Flush()
		io.Copy(w, r.Body)
		return true
	}})
	c := labtest.Open(t, New, s.URL(), nil)
	data := bytes.Repeat([]byte("0123456789abcdef"), 4<<20/16)
	for range 2 {
		resp, err := c.Do(quick(t), &Request{Method: "POST", URL: labtest.URL(t, s.URL()), Body: struct{ io.Reader }{bytes.NewReader(data)}, Length: int64(len(data))})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes came back, %v", len(got), err)
		}
	}
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestUploadTellsItsOwnFailure: a body that cannot be read is the caller's failure,
// at once.
func TestUploadTellsItsOwnFailure(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, s.URL(), nil)
	broken := errors.New("the disk is gone")
	for _, length := range []int64{-1, 1 << 20} {
		_, err := c.Do(quick(t), &Request{Method: "POST", URL: labtest.URL(t, s.URL()+"-/echo"), Body: io.MultiReader(strings.NewReader("start"), failing{broken}), Length: length})
		if !errors.Is(err, broken) {
			t.Errorf("length %d: %v", length, err)
		}
	}
	_, err := c.Do(quick(t), &Request{Method: "POST", URL: labtest.URL(t, s.URL()+"-/echo"), Body: struct{ io.Reader }{strings.NewReader("short")}, Length: 100})
	wantKind(t, err, protocols.KindLocal)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestUploadMayTakeLongerThanSilence: a server that says nothing while it reads is
// not idle.
func TestUploadMayTakeLongerThanSilence(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{})
	c := labtest.Open(t, New, s.URL(), &protocols.Options{IdleTimeout: 150 * time.Millisecond})
	pieces := make(chan string)
	go func() {
		defer close(pieces)
		for range 10 {
			time.Sleep(50 * time.Millisecond)
			pieces <- "piece"
		}
	}()
	_, got := do(t, c, &Request{Method: "POST", URL: labtest.URL(t, s.URL()+"-/echo"), Body: &fromChan{pieces}, Length: -1})
	if !strings.Contains(got, `"bytes":50`) {
		t.Errorf("%s", got)
	}
}

type fromChan struct{ in chan string }

func (f *fromChan) Read(p []byte) (int, error) {
	s, ok := <-f.in
	if !ok {
		return 0, io.EOF
	}
	return copy(p, s), nil
}

// TestUploadLoginInTheMiddle: a login that is asked for while the body is on its
// way costs a connection, and the body goes out again from its start.
func TestUploadLoginInTheMiddle(t *testing.T) {
	const size = 32 << 20 // more than sockets hold
	var got int64
	again := make(chan struct{})
	addr := rawConns(t, nil, func(conn net.Conn) {
		head, err := readHead(conn)
		if err != nil {
			return
		}
		if !strings.Contains(head, "Authorization: Basic") {
			io.CopyN(io.Discard, conn, 10)
			io.WriteString(conn, "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n")
			<-again
			return
		}
		close(again)
		got, _ = io.CopyN(io.Discard, conn, size)
		io.WriteString(conn, "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n")
	})
	c := labtest.Open(t, New, labtest.WithUser("http://"+addr+"/"), nil)
	if _, err := c.Put(quick(t), "x", bytes.NewReader(make([]byte, size)), &protocols.PutOptions{}); err != nil || got != size {
		t.Errorf("%v, %d bytes with a login", err, got)
	}
}

// TestLoginForAStream: a body that can be read only once meets a login. A short one is kept;
// a long one waits for the server's consent; one that went out before is an error.
func TestLoginForAStream(t *testing.T) {
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{LoginToRead: true})
	cred := func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: "alice", Password: "secret"}, nil
	}
	for _, size := range []int{0, 5, upbody.Buffer, upbody.Buffer + 1, 3 << 20} {
		for _, known := range []int64{0, int64(size)} {
			data := make([]byte, size)
			lab.Pattern(7)(data, 0)
			c := labtest.Open(t, New, s.URL(), &protocols.Options{Credentials: cred})
			_, err := c.Put(quick(t), "incoming/stream", io.MultiReader(bytes.NewReader(data)), &protocols.PutOptions{Size: known})
			if stored, rerr := s.Tree().ReadFile("/incoming/stream"); err != nil || rerr != nil || !bytes.Equal(stored, data) {
				t.Errorf("%d bytes, length %d: %v, %v, %d bytes arrived", size, known, err, rerr, len(stored))
			}
		}
	}
	p := upbody.NewReplay(io.MultiReader(bytes.NewReader(make([]byte, upbody.Buffer+1))))
	if _, err := io.Copy(io.Discard, p.Reader()); err != nil {
		t.Fatal(err)
	}
	if err := p.Rewind(); !protocols.IsRetryable(err) { // the source may be opened anew
		t.Errorf("%v", err)
	}
}

// TestUploadGoesOutAgainWhole: a login is asked for at once, while the body is being
// read: what goes out with the login is all of it, in every version.
func TestUploadGoesOutAgainWhole(t *testing.T) {
	data := make([]byte, 2<<20)
	lab.Pattern(9)(data, 0)
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := labtest.Start(t, weblab.StartHTTP, w.server)
			o := &protocols.Options{}
			if w.server.TLS != lab.TLSNone {
				o.TLS.Config = s.Authority().ClientConfig()
			}
			for range 2 {
				c := labtest.Open(t, New, labtest.WithUser(s.URL()), o)
				c.Settings.Version, c.Settings.HTTP3 = w.version, QUIC
				resp, got := do(t, c, &Request{Method: "PUT", URL: labtest.URL(t, s.URL()+"incoming/again"), Body: bytes.NewReader(data), Length: int64(len(data))})
				if resp.Status/100 != 2 {
					t.Fatalf("%d %s", resp.Status, got)
				}
				if stored, err := s.Tree().ReadFile("/incoming/again"); err != nil || !bytes.Equal(stored, data) {
					t.Fatalf("%d bytes arrived, %v", len(stored), err)
				}
			}
		})
	}
}

// TestBodyLongerThanItsLength: nothing of a body is left out unseen, in any version, from
// memory or not, small or not.
func TestBodyLongerThanItsLength(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			s := labtest.Start(t, weblab.StartHTTP, w.server)
			o := &protocols.Options{}
			if w.server.TLS != lab.TLSNone {
				o.TLS.Config = s.Authority().ClientConfig()
			}
			for _, size := range []int{5, 300 << 10} {
				for name, body := range map[string]io.Reader{
					"known": bytes.NewReader(make([]byte, size)), "stream": struct{ io.Reader }{bytes.NewReader(make([]byte, size))},
				} {
					c := labtest.Open(t, New, s.URL(), o)
					c.Settings.Version, c.Settings.HTTP3 = w.version, QUIC
					r := NewRequest("POST", labtest.URL(t, s.URL()+"-/echo"), body)
					r.Length = int64(size - 2)
					if resp, err := c.Do(quick(t), r); err == nil {
						resp.Body.Close()
						t.Errorf("%s body of %d: no error, status %d", name, size, resp.Status)
					} else if kind := protocols.KindOf(err); kind != protocols.KindLocal && kind != protocols.KindUsage {
						t.Errorf("%s body of %d: %v", name, size, err)
					}
				}
			}
		})
	}
}
