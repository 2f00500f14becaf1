package telnet_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/socklab"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/telnet"
)

const wait = 10 * time.Second

// open starts a server and a session with it.
func open(t *testing.T, so textlab.TelnetOptions, set telnet.Settings, o *protocols.Options) (*textlab.TelnetServer, *telnet.Conn) {
	t.Helper()
	s := labtest.Start(t, textlab.StartTelnet, so)
	if o == nil {
		o = &protocols.Options{}
	}
	if a := s.Authority(); a != nil {
		o.TLS.Config = &tls.Config{RootCAs: a.Pool()}
	}
	conn, err := client(t, s.URL(), set, o).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return s, conn
}

func client(t *testing.T, text string, set telnet.Settings, o *protocols.Options) *telnet.Client {
	t.Helper()
	c := labtest.Open(t, telnet.New, text, o)
	c.Settings = set
	return c
}

func until(t *testing.T, c *telnet.Conn, text string) string {
	t.Helper()
	got, err := c.ReadUntil(t.Context(), text, wait)
	if err != nil {
		t.Fatalf("%q: %v after %q", text, err, got)
	}
	return string(got)
}

func send(t *testing.T, c io.Writer, line string) {
	t.Helper()
	if _, err := io.WriteString(c, line+"\r\n"); err != nil {
		t.Fatal(err)
	}
}

func TestLoginAndOptions(t *testing.T) {
	s, c := open(t, textlab.TelnetOptions{}, telnet.Settings{Terminals: []string{"VT220"}, Width: 132, Height: 255, Environ: map[string]string{"LANG": "C"}}, nil)
	until(t, c, "login: ")
	send(t, c, "alice")
	until(t, c, "Password: ")
	send(t, c, "secret")
	until(t, c, "lab$ ")
	for line, want := range map[string]string{"term": "\r\nVT220\r\n", "size": "\r\n132 255\r\n", "env": "\r\nLANG=C\r\n", "echo a  b": "\r\na b\r\n"} {
		send(t, c, line)
		until(t, c, want)
		until(t, c, "lab$ ")
	}
	if err := c.SetWindow(80, 24); err != nil {
		t.Fatal(err)
	}
	send(t, c, "size")
	until(t, c, "\r\n80 24\r\n")
	if ours, theirs := c.Option(telnet.SGA); ours || !theirs || !c.Echoes() {
		t.Errorf("SGA %v %v, echo %v", ours, theirs, c.Echoes())
	}
	send(t, c, "exit")
	if rest, err := c.ReadAll(t.Context(), 1<<20); err != nil || !strings.HasSuffix(string(rest), "bye\r\n") {
		t.Errorf("%q, %v", rest, err)
	}
	if s.Logins() != 1 {
		t.Errorf("%d logins", s.Logins())
	}
}

// TestBytesOfTheWire: all 256 values come as they are, in text and binary mode,
// whole and byte by byte.
func TestBytesOfTheWire(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	for _, split := range []string{"", "split=1"} {
		faults, err := lab.ParseFaults(split)
		if err != nil {
			t.Fatal(err)
		}
		_, c := open(t, textlab.TelnetOptions{ServerOptions: lab.ServerOptions{Faults: faults}, NoLogin: true, Quiet: true}, telnet.Settings{}, nil)
		until(t, c, "lab$ ")
		send(t, c, "bytes")
		if got := until(t, c, "lab$ "); got != string(all)+"lab$ " {
			t.Errorf("%q: got %q", split, got)
		}
	}
}

func TestExpect(t *testing.T) {
	_, c := open(t, textlab.TelnetOptions{NoLogin: true}, telnet.Settings{}, nil)
	never, prompt := regexp.MustCompile(`never`), regexp.MustCompile(`(?P<host>\w+)\$ `)
	m, err := c.Expect(t.Context(), wait, never, prompt)
	if err != nil || m.Index != 1 || m.Groups[1] != "lab" || m.Names[1] != "host" {
		t.Fatalf("%+v, %v", m, err)
	}
	send(t, c, "echo aab")
	if m, err = c.Expect(t.Context(), wait, regexp.MustCompile(`\naab`)); err != nil {
		t.Fatalf("%+v, %v", m, err)
	}
	until(t, c, "lab$ ")
	send(t, c, "echo partial")
	m, err = c.Expect(t.Context(), 300*time.Millisecond, never)
	if protocols.KindOf(err) != protocols.KindTimeout || m.Index != -1 || !strings.Contains(string(m.Text), "\npartial\r\nlab$ ") {
		t.Errorf("got %q, %v", m.Text, err)
	}
	if p, err := c.ReadAvailable(); len(p) > 0 || err != nil {
		t.Errorf("left: %q, %v", p, err)
	}
}

// TestSynch: what stands before an urgent data mark is thrown away, and the mark
// does not break the stream; ours arrives as a mark too.
func TestSynch(t *testing.T) {
	s, c := open(t, textlab.TelnetOptions{NoLogin: true}, telnet.Settings{}, nil)
	until(t, c, "lab$ ")
	send(t, c, "synch")
	got := until(t, c, "after the mark\r\n")
	until(t, c, "lab$ ")
	if strings.Contains(got, "\xf2") || strings.Contains(got, "\xff") {
		t.Errorf("the mark is in the data: %q", got)
	}
	for _, b := range []byte{telnet.AYT, telnet.IP, telnet.BRK, telnet.NOP, telnet.DM} {
		if err := c.Command(b); err != nil {
			t.Fatal(err)
		}
	}
	until(t, c, "[lab: yes]")
	send(t, c, "echo done")
	until(t, c, "\ndone")
	if got := s.Signals(); !slices.Contains(got, telnet.IP) || !slices.Contains(got, telnet.BRK) {
		t.Errorf("signals %v", got)
	}
}

func TestTLS(t *testing.T) {
	for _, c := range []struct {
		name   string
		server lab.TLSMode
		mode   protocols.TLSMode
		want   bool
	}{
		{"from the start", lab.TLSImplicit, protocols.TLSAuto, true},
		{"START_TLS when offered", lab.TLSExplicit, protocols.TLSAuto, true},
		{"START_TLS required", lab.TLSRequired, protocols.TLSRequire, true},
		{"START_TLS refused", lab.TLSExplicit, protocols.TLSOff, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var banner string
			o := &protocols.Options{TLS: protocols.TLS{Mode: c.mode}}
			_, conn := open(t, textlab.TelnetOptions{ServerOptions: lab.ServerOptions{TLS: c.server}, NoLogin: true}, telnet.Settings{Width: 80, Height: 24}, o)
			banner = until(t, conn, "lab$ ")
			send(t, conn, "size")
			until(t, conn, "80 24")
			if !strings.Contains(banner, "ready") {
				t.Errorf("banner %q", banner)
			}
			if got := conn.TLS() != nil; got != c.want {
				t.Errorf("TLS: %v", got)
			}
		})
	}
}

func TestTLSRequiredButNotOffered(t *testing.T) {
	s := labtest.Start(t, textlab.StartTelnet, textlab.TelnetOptions{})
	c := client(t, s.URL(), telnet.Settings{}, &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSRequire}})
	if _, err := c.Connect(t.Context()); protocols.KindOf(err) != protocols.KindTLS {
		t.Errorf("got %v", err)
	}
}

// TestHostileEnds: a stream cut inside of a subnegotiation, and one without an
// end.
func TestHostileEnds(t *testing.T) {
	for _, before := range []string{"\xff\xfa\x18half", "\xff\xfa\x18" + strings.Repeat("x", 200<<10)} {
		_, conn := open(t, textlab.TelnetOptions{Quiet: true, NoLogin: true, Before: before}, telnet.Settings{}, nil)
		send(t, conn, "exit")
		if _, err := conn.ReadAll(t.Context(), 1<<20); protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("got %v", err)
		}
	}
}

func TestHooks(t *testing.T) {
	var events []string
	set := telnet.Settings{
		Accept:         func(option byte, ours, known bool) bool { return option == 0x63 && ours || known },
		Subnegotiation: func(option byte, data []byte) ([]byte, bool) { return []byte("pong"), option == 0x63 },
		Observe:        func(v telnet.Event) { events = append(events, v.String()) },
	}
	s, c := open(t, textlab.TelnetOptions{NoLogin: true, Quiet: true, Before: "\xff\xfd\x63\xff\xfa\x63ping\xff\xf0"}, set, nil)
	_ = s
	until(t, c, "lab$ ")
	want := []string{`received DO 99`, `sent WILL 99`, `received SB 99 "ping"`, `sent SB 99 "pong"`}
	if !slices.Equal(events, want) {
		t.Errorf("got %q", events)
	}
	if option, data := c.LastSubnegotiation(); option != 0x63 || string(data) != "ping" {
		t.Errorf("last: %d %q", option, data)
	}
}

func TestProbe(t *testing.T) {
	s := labtest.Start(t, textlab.StartTelnet, textlab.TelnetOptions{})
	r, err := client(t, s.URL(), telnet.Settings{}, nil).Probe(t.Context())
	if err != nil || !r.Up || r.Banner != "netclients lab Telnet server ready." {
		t.Fatalf("%+v, %v", r, err)
	}
	i := slices.IndexFunc(r.Capabilities, func(c protocols.Capability) bool { return c.Name == "TTYPE" })
	if i < 0 || !slices.Equal(r.Capabilities[i].Params, []string{"received DO", "sent WILL", "received SB SEND", `sent SB IS "XTERM"`}) {
		t.Errorf("%+v", r.Capabilities)
	}
}

// TestCancel: the end of the context ends a wait at once.
func TestCancel(t *testing.T) {
	_, c := open(t, textlab.TelnetOptions{}, telnet.Settings{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	until(t, c, "login: ")
	cancel()
	if _, err := c.ReadUntil(ctx, "never", 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestBusyAndClosed(t *testing.T) {
	s := labtest.Start(t, textlab.StartTelnet, textlab.TelnetOptions{})
	c := client(t, s.URL(), telnet.Settings{}, nil)
	one, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Connect(t.Context()); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("second: %v", err)
	}
	one.Close()
	one.Close()
	two, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	two.Close()
	c.Close()
	if _, err := c.Connect(t.Context()); !errors.Is(err, protocols.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestBigEchoes: a large write and its echo do not wait for each other.
func TestBigEchoes(t *testing.T) {
	s := labtest.Start(t, socklab.Start, socklab.Options{})
	conn, err := client(t, "telnet://"+s.Addr()+"/", telnet.Settings{}, nil).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	data := bytes.Repeat([]byte("0123456789\xff\r\x00\n\r\n"), 1<<18)
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(data)
		conn.CloseWrite()
		sent <- err
	}()
	got, err := conn.ReadAll(t.Context(), 1<<30)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes of %d, %v", len(got), len(data), err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// TestLineEnd: a line ends with CR LF, and with CR while BINARY is on.
func TestLineEnd(t *testing.T) {
	for binary, want := range map[bool]string{false: "\r\n", true: "\r"} {
		s := labtest.Start(t, textlab.StartTelnet, textlab.TelnetOptions{NoLogin: true})
		c := labtest.Open(t, telnet.New, s.URL(), nil)
		c.Settings.Binary = binary
		conn, err := c.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// The first prompt may come before the answer to our option, the second one does not.
		for i := range 2 {
			if _, err := conn.ReadUntil(t.Context(), "$ ", 10*time.Second); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte("\r\n")); err != nil && i == 0 {
				t.Fatal(err)
			}
		}
		if got := conn.LineEnd(); got != want {
			t.Errorf("binary %v: %q", binary, got)
		}
		conn.Close()
	}
}
