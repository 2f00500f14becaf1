package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/netclients/netclients/protocols"
)

// serveTLS runs handle after a handshake; a failed handshake ends the connection.
func serveTLS(t testing.TB, cfg *tls.Config, handle func(*tls.Conn)) (host, port string) {
	return serve(t, func(c net.Conn) {
		s := tls.Server(c, cfg)
		if s.Handshake() == nil {
			handle(s)
		}
	})
}

func echo(c *tls.Conn) { io.Copy(c, c); c.CloseWrite() }

// startTLS dials name at host:port and performs the handshake.
func startTLS(t testing.TB, o protocols.Options, name, host, port string) (*Conn, error) {
	t.Helper()
	o.Resolve = map[string]string{name + ":" + port: host}
	c := connect(t, dialer(&o), name, port)
	return c, c.StartTLS(context.Background())
}

func TestTLSChecks(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	hour := time.Now().Add(time.Hour)
	good := ca.issue(t, hour, "server.test", "127.0.0.1")
	key := sha256.Sum256(good.Leaf.RawSubjectPublicKeyInfo)
	leaf := sha256.Sum256(good.Leaf.Raw)
	trust := func() *tls.Config { return &tls.Config{RootCAs: ca.pool} }
	cases := []struct {
		name   string
		server *tls.Config
		cert   tls.Certificate
		client protocols.TLS
		host   string
		want   string // in the error; empty for success
		hint   string
	}{
		{name: "good", cert: good, client: protocols.TLS{Config: trust()}},
		{name: "address", cert: good, client: protocols.TLS{Config: trust()}, host: "127.0.0.1"},
		{name: "unknown authority", cert: good, client: protocols.TLS{Config: &tls.Config{RootCAs: other.pool}},
			want: "signed by an unknown authority (CN=test authority)", hint: "use --ca-file FILE, or --insecure to skip verification"},
		{name: "expired", cert: ca.issue(t, time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC), "server.test"), client: protocols.TLS{Config: trust()},
			want: "certificate expired on 2020-05-06 07:08:09 UTC", hint: "--insecure"},
		{name: "not yet valid", cert: ca.issue(t, time.Now().Add(20*time.Hour), "server.test"), client: protocols.TLS{Config: trust()},
			want: "certificate is not valid before", hint: "clock"},
		{name: "wrong name", cert: ca.issue(t, hour, "a.test", "192.0.2.1"), client: protocols.TLS{Config: trust()},
			want: "certificate is for a.test, 192.0.2.1, not for server.test", hint: "--servername"},
		{name: "other name wanted", cert: ca.issue(t, hour, "a.test"), client: protocols.TLS{Config: trust(), ServerName: "a.test"}},
		{name: "insecure", cert: ca.issue(t, hour, "a.test"), client: protocols.TLS{Config: &tls.Config{InsecureSkipVerify: true}}},
		{name: "pin of key", cert: good, client: protocols.TLS{Config: trust(), Pins: [][]byte{{1}, key[:]}}},
		{name: "pin of certificate", cert: good, client: protocols.TLS{Config: trust(), Pins: [][]byte{leaf[:]}}},
		{name: "wrong pin", cert: good, client: protocols.TLS{Config: trust(), Pins: [][]byte{make([]byte, 32)}}, want: "does not match the pin", hint: "--pin"},
		{name: "wrong pin, insecure", cert: good,
			client: protocols.TLS{Config: &tls.Config{InsecureSkipVerify: true}, Pins: [][]byte{make([]byte, 32)}}, want: "does not match the pin"},
		{name: "pin alone does not trust", cert: good, client: protocols.TLS{Config: &tls.Config{RootCAs: other.pool}, Pins: [][]byte{key[:]}},
			want: "unknown authority"},
		{name: "old version", cert: good, server: &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10},
			client: protocols.TLS{Config: &tls.Config{RootCAs: ca.pool, MinVersion: tls.VersionTLS10}}, want: "version", hint: "1.2"},
		{name: "TLS 1.2", cert: good, server: &tls.Config{MaxVersion: tls.VersionTLS12}, client: protocols.TLS{Config: trust()}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := &tls.Config{}
			if c.server != nil {
				server = c.server
			}
			server.Certificates = []tls.Certificate{c.cert}
			host, port := serveTLS(t, server, echo)
			name := c.host
			if name == "" {
				name = "server.test"
			}
			conn, err := startTLS(t, protocols.Options{TLS: c.client}, name, host, port)
			if c.want == "" {
				checkEcho(t, conn, err)
				return
			}
			e := wantKind(t, err, protocols.KindTLS)
			if !strings.Contains(e.Error(), c.want) || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("%q, hint %q; want %q, hint %q", e, e.Hint, c.want, c.hint)
			}
			if conn.TLS() != nil || !conn.Broken() {
				t.Error("the connection is not marked broken")
			}
		})
	}
}

func checkEcho(t *testing.T, c *Conn, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello")
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	if c.TLS() == nil || c.Timings().TLS <= 0 || c.AllowSecret() != nil {
		t.Errorf("state %v, timings %+v, secret %v", c.TLS(), c.Timings(), c.AllowSecret())
	}
}

func TestTLSWantsClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	hour := time.Now().Add(time.Hour)
	server := &tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, hour, "server.test")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool,
	}
	host, port := serveTLS(t, server, echo)
	c, err := startTLS(t, protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: ca.pool}}}, "server.test", host, port)
	if err == nil { // TLS 1.3: the first read reports the refusal
		_, err = c.Read(make([]byte, 1))
	}
	if e := wantKind(t, err, protocols.KindTLS); !strings.Contains(e.Hint, "--cert") {
		t.Errorf("%q, hint %q", e, e.Hint)
	}
	cfg := &tls.Config{RootCAs: ca.pool, Certificates: []tls.Certificate{ca.issue(t, hour, "me")}}
	c, err = startTLS(t, protocols.Options{TLS: protocols.TLS{Config: cfg}}, "server.test", host, port)
	checkEcho(t, c, err)
}

func TestServerWithoutTLS(t *testing.T) {
	host, port := serve(t, func(c net.Conn) { io.WriteString(c, "220 plain text server\r\n"); c.Read(make([]byte, 1000)) })
	_, err := startTLS(t, protocols.Options{}, "server.test", host, port)
	if e := wantKind(t, err, protocols.KindTLS); e.Error() != "server does not speak TLS on this port" || e.Hint == "" {
		t.Errorf("%q", e)
	}
	host, port = serve(t, func(c net.Conn) { c.Read(make([]byte, 10_000)) })
	_, err = startTLS(t, protocols.Options{}, "server.test", host, port)
	if err == nil || protocols.KindOf(err) != protocols.KindTLS && protocols.KindOf(err) != protocols.KindConnect {
		t.Errorf("closed: %v", err)
	}
}

func TestHandshakeTimesOut(t *testing.T) {
	stall := make(chan struct{})
	host, port := serve(t, func(c net.Conn) { <-stall })
	defer close(stall)
	_, err := startTLS(t, protocols.Options{ConnectTimeout: 50 * time.Millisecond}, "server.test", host, port)
	if e := wantKind(t, err, protocols.KindTimeout); e.Message() != "TLS handshake with server.test:"+port+" timed out after 50ms" {
		t.Errorf("%q", e.Message())
	}
}

func TestSessionsResumeAcrossPorts(t *testing.T) {
	ca := newAuthority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			cfg := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "server.test")}, MaxVersion: version}
			host, port := serveTLS(t, cfg, echo)
			_, dataPort := serveTLS(t, cfg, echo)
			var mu sync.Mutex
			var texts []string
			o := &protocols.Options{
				TLS:     protocols.TLS{Config: &tls.Config{RootCAs: ca.pool}},
				Resolve: map[string]string{"server.test:" + port: host},
				Trace: func(e protocols.Event) {
					mu.Lock()
					defer mu.Unlock()
					if e.Kind == protocols.EventTLS {
						texts = append(texts, e.Text)
					}
				},
			}
			d := dialer(o)
			ctl := connect(t, d, "server.test", port)
			checkEcho(t, ctl, ctl.StartTLS(t.Context()))
			n, _ := net.LookupPort("tcp", dataPort)
			for range 3 {
				data, err := d.DialPeer(t.Context(), ctl, n)
				if err != nil {
					t.Fatal(err)
				}
				checkEcho(t, data, data.StartTLS(t.Context()))
				if !data.TLS().DidResume {
					t.Error("the session was not resumed")
				}
				data.Close()
			}
			if len(texts) != 4 || !strings.Contains(texts[1], "resumed") || strings.Contains(texts[0], "resumed") {
				t.Errorf("traced %q", texts)
			}
			fresh := connect(t, dialer(o), "server.test", port)
			checkEcho(t, fresh, fresh.StartTLS(t.Context()))
			if fresh.TLS().DidResume {
				t.Error("another dialer shares the session cache")
			}
		})
	}
	if o := (&protocols.Options{TLS: protocols.TLS{Config: &tls.Config{}}}); dialer(o).tlsBase() == o.TLS.Config || o.TLS.Config.ClientSessionCache != nil {
		t.Error("the caller's configuration was modified")
	}
}

func TestTLSCopies(t *testing.T) {
	ca := newAuthority(t)
	data := randomBytes(3<<20 + 5)
	sums := make(chan [32]byte, 1)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "server.test")}}
	host, port := serveTLS(t, cfg, func(c *tls.Conn) {
		c.Write(data)
		c.CloseWrite()
		h := sha256.New()
		io.Copy(h, c)
		sums <- [32]byte(h.Sum(nil))
	})
	c, err := startTLS(t, protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: ca.pool}}}, "server.test", host, port)
	if err != nil {
		t.Fatal(err)
	}
	f := newFile(t)
	if n, err := c.WriteTo(f); n != int64(len(data)) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	sameAsFile(t, f, data)
	f.Seek(0, io.SeekStart)
	if n, err := c.ReadFrom(f); n != int64(len(data)) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if <-sums != sha256.Sum256(data) {
		t.Error("received bytes differ from those sent")
	}
}

// A stream that ends without close_notify is truncated, even between two records.
func TestTLSTruncation(t *testing.T) {
	ca := newAuthority(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "server.test")}}
	for _, goodbye := range []bool{true, false} {
		host, port := serveTLS(t, cfg, func(c *tls.Conn) {
			io.WriteString(c, "half of it")
			if goodbye {
				c.CloseWrite()
			}
			c.NetConn().(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c.NetConn())
		})
		c, err := startTLS(t, protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: ca.pool}}}, "server.test", host, port)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if string(got) != "half of it" || goodbye != (err == nil) || !goodbye && err != io.ErrUnexpectedEOF {
			t.Errorf("goodbye %v: %q, %v", goodbye, got, err)
		}
	}
}

func TestEndTLS(t *testing.T) {
	ca := newAuthority(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "server.test")}}
	host, port := serve(t, func(raw net.Conn) {
		below := newSocket(raw, 0) // like ours: it reads nothing beyond close_notify
		below.records = newRecords()
		c := tls.Server(below, cfg)
		io.WriteString(c, "200 plaintext from now\r\n")
		c.CloseWrite()
		raw.SetWriteDeadline(time.Time{}) // crypto/tls leaves one in the past
		io.WriteString(raw, "clear text at once\r\n")
		io.Copy(io.Discard, c)
		below.ahead, below.records = below.records.have, nil
		buf := make([]byte, 5)
		io.ReadFull(below, buf)
		raw.Write(bytes.ToUpper(buf))
	})
	c, err := startTLS(t, protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: ca.pool}}}, "server.test", host, port)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(c, make([]byte, 24))
	if err := c.EndTLS(t.Context()); err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello")
	got, err := io.ReadAll(c)
	if string(got) != "clear text at once\r\nHELLO" || err != nil || c.TLS() != nil {
		t.Errorf("%q, %v", got, err)
	}
	wantKind(t, c.EndTLS(t.Context()), protocols.KindUsage)
}

func TestEndTLSWithoutAnswer(t *testing.T) {
	ca := newAuthority(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "server.test")}}
	stall := make(chan struct{})
	host, port := serveTLS(t, cfg, func(c *tls.Conn) { <-stall })
	defer close(stall)
	o := protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: ca.pool}}, ConnectTimeout: 500 * time.Millisecond}
	c, err := startTLS(t, o, "server.test", host, port)
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, c.EndTLS(t.Context()), protocols.KindTimeout)
}

// A blocked TLS read ends with the context, and reports it.
func TestTLSCancel(t *testing.T) {
	ca := newAuthority(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "server.test")}}
	host, port := serveTLS(t, cfg, echo)
	c, err := startTLS(t, protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: ca.pool}}}, "server.test", host, port)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer c.Use(ctx)()
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err = c.Read(make([]byte, 1))
	wantKind(t, err, protocols.KindInterrupted)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// records returns all bytes, however they arrive and are requested, and never any
// of the next record.
func TestRecordsKeepBorders(t *testing.T) {
	var stream []byte
	for _, n := range []int{0, 1, 16384, 5, 300, 0, 16640} {
		stream = append(stream, 23, 3, 3, byte(n>>8), byte(n))
		stream = append(stream, randomBytes(n)...)
	}
	for _, size := range []int{1, 2, 4, 5, 6, 517, 40000} {
		for name, from := range map[string]io.Reader{
			"whole": bytes.NewReader(stream), "bytes": iotest.OneByteReader(bytes.NewReader(stream)), "half": iotest.HalfReader(bytes.NewReader(stream)),
		} {
			r := newRecords()
			var got []byte
			for p := make([]byte, size); ; {
				n, err := r.read(p, from.Read)
				got = append(got, p[:n]...)
				if err != nil {
					break
				}
			}
			if !bytes.Equal(got, stream) {
				t.Errorf("%s by %d: %d bytes of %d, or different ones", name, size, len(got), len(stream))
			}
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte("\x17\x03\x03\x00\x02ab\x15\x03\x03\x00\x00clear"), 3)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		r, from := newRecords(), bytes.NewReader(stream)
		var got []byte
		for p := make([]byte, 1+size&0xff); ; {
			n, err := r.read(p, from.Read)
			got = append(got, p[:n]...)
			if err != nil {
				break
			}
		}
		if !bytes.Equal(got, stream) {
			t.Errorf("%q became %q", stream, got)
		}
	})
}

func TestCertificateNamesAreFew(t *testing.T) {
	c := &x509.Certificate{DNSNames: []string{"a", "b", "c", "d", "e", "f", "g"}}
	if got := certificateNames(c); got != "a, b, c, d, e, and 2 more" {
		t.Error(got)
	}
	if got := certificateNames(&x509.Certificate{}); got != "no host" {
		t.Error(got)
	}
}

func BenchmarkTLSWriteToFile(b *testing.B) {
	const size = 128 << 20
	ca := newAuthority(b)
	block := make([]byte, 1<<20)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.issue(b, time.Now().Add(time.Hour), "server.test")}}
	host, port := serveTLS(b, cfg, func(c *tls.Conn) {
		for range size / len(block) {
			c.Write(block)
		}
		c.CloseWrite()
	})
	o := &protocols.Options{
		TLS: protocols.TLS{Config: &tls.Config{RootCAs: ca.pool}}, Resolve: map[string]string{"server.test:" + port: host},
	}
	f := ramFile(b)
	b.SetBytes(size)
	for b.Loop() {
		f.Seek(0, io.SeekStart)
		c, err := dialer(o).Dial(b.Context(), "data", "tcp", "server.test", port)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.StartTLS(b.Context()); err != nil {
			b.Fatal(err)
		}
		if n, err := c.WriteTo(f); n != size || err != nil {
			b.Fatal(n, err)
		}
		c.Close()
	}
}
