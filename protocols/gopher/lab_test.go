package gopher

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/textlab"
)

func all(t testing.TB, c *Client, name string) (list []protocols.Entry) {
	t.Helper()
	for e, err := range c.List(t.Context(), name) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

// TestErrors: what is not there, and servers that are down.
func TestErrors(t *testing.T) {
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{}).URL(), nil)
	_, getErr := c.Get(t.Context(), "0/nothere", nil)
	_, statErr := c.Stat(t.Context(), "1/nothere")
	var listErr error
	for _, err := range c.List(t.Context(), "1/nothere") {
		listErr = err
	}
	for _, err := range []error{getErr, statErr, listErr} {
		if e, ok := err.(*protocols.Error); !ok || e.Kind != protocols.KindRefused || !errors.Is(err, fs.ErrNotExist) || e.Proto != "gopher" || e.Op == "" || e.URL == "" {
			t.Errorf("%#v", err)
		}
	}
	for _, err := range c.List(t.Context(), "0/README.txt") {
		if protocols.KindOf(err) != protocols.KindRefused || !strings.Contains(err.Error(), "not a menu") {
			t.Errorf("a text as menu: %v", err)
		}
	}
	down := labtest.Open(t, New, "gopher://localhost/", &protocols.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", errors.New("refused"))}
	}})
	r, err := down.Probe(t.Context())
	if protocols.KindOf(err) != protocols.KindConnect || !protocols.IsRetryable(err) || r == nil || r.Up || r.Phase != "connect" {
		t.Errorf("down: %+v, %v", r, err)
	}
}

func TestProbe(t *testing.T) {
	tree := lab.Sample()
	tree.WriteFile("/caps.txt", []byte("CAPS\r\n# comment\r\nServerSoftware=lab 1\r\n"))
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, Tree: tree, Plus: true, Before: map[string][]string{"": {"iWelcome\t\tnull\t1"}}})
	c := labtest.Open(t, New, s.URL(), &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: s.Authority().Pool()}}})
	r, err := c.Probe(t.Context())
	if err != nil || !r.Up || r.Banner != "Welcome" || r.TLSVersion == "" || r.CertNotAfter.IsZero() {
		t.Fatalf("%+v, %v", r, err)
	}
	want := "[{menu []} {gopher+ []} {ServerSoftware [lab 1]}]"
	if got := fmt.Sprint(r.Capabilities); got != want {
		t.Errorf("capabilities %s, want %s", got, want)
	}
	for _, bad := range []map[string]string{{"": "HTTP/1.1 400 Bad Request\r\n"}, {"": strings.Repeat("x", 100_000)}} {
		c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Raw: bad}).URL(), nil)
		if r, err := c.Probe(t.Context()); protocols.KindOf(err) != protocols.KindProtocol || r.Phase != "greeting" {
			t.Errorf("%.20q: %+v, %v", bad, r, err)
		}
	}
}

// TestTLS: no way around a certificate that is wrong, and --tls require has no
// meaning without TLS.
func TestTLS(t *testing.T) {
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}})
	trusting := &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: s.Authority().Pool()}}}
	if got := labtest.Read(t, labtest.Open(t, New, s.URL(), trusting), "0/pub/two words.txt"); got != "a name with a space\n" {
		t.Errorf("%q", got)
	}
	strange := labtest.Open(t, New, s.URL(), &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: x509.NewCertPool()}}})
	if _, err := strange.Get(t.Context(), "0/README.txt", nil); protocols.KindOf(err) != protocols.KindTLS {
		t.Errorf("unknown authority: %v", err)
	}
	if n := len(s.Commands()); n != 1 {
		t.Errorf("%d requests", n)
	}
	clear := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{})
	must := labtest.Open(t, New, clear.URL(), &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSRequire}})
	if _, err := must.Get(t.Context(), "0/README.txt", nil); protocols.KindOf(err) != protocols.KindTLS || clear.Connections() != 0 {
		t.Errorf("TLS required: %v, %d connections", err, clear.Connections())
	}
}

func TestSearch(t *testing.T) {
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{})
	c := labtest.Open(t, New, s.URL(), nil)
	var names []string
	for e, err := range c.Search(t.Context(), "7/search", "FILE 07") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name)
	}
	if fmt.Sprint(names) != "[file07.txt]" {
		t.Error(names)
	}
	if got := all(t, c, "7/search\tdeep"); len(got) != 1 || got[0].Name != "deep.txt" || got[0].URL != s.URL()+"0/pub/nested/a/b/c/deep.txt" {
		t.Errorf("by name: %+v", got)
	}
	for _, err := range c.Search(t.Context(), "7/search", "a\tb") {
		if protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("a tab: %v", err)
		}
	}
	if got := s.Commands(); !slices.Equal(got, []string{"/search\tFILE 07", "/search\tdeep"}) {
		t.Errorf("requests %q", got)
	}
}

func TestPlus(t *testing.T) {
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Plus: true}).URL(), nil)
	e, err := c.Stat(t.Context(), "0/README.txt")
	if err != nil || !e.Modified.Equal(time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)) || e.Facts["views"] != "Text/plain En_US: <71>" || e.Facts["kind"] != "text" {
		t.Errorf("%+v, %v", e, err)
	}
	all, err := c.Attributes(t.Context(), "0/README.txt")
	if v := Views(all); err != nil || len(v) != 1 || v[0] != (View{"Text/plain", "En_US", 71}) {
		t.Errorf("%+v, %v", v, err)
	}
	c.Settings.View = "Text/plain"
	o, err := c.Get(t.Context(), "0/README.txt", nil)
	if err != nil || o.Size != 71 {
		t.Fatalf("%+v, %v", o, err)
	}
	if b, err := io.ReadAll(o.Body); err != nil || len(b) != 71 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	o.Body.Close()
	c.Settings.View = "image/png"
	if _, err := c.Get(t.Context(), "0/README.txt", nil); protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("no such view: %v", err)
	}
	plain := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{}).URL(), nil)
	if _, err := plain.Attributes(t.Context(), "0/README.txt"); protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("plain server: %v", err)
	}
	short := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Plus: true, Raw: map[string]string{"/cut": "+100\r\nshort"}}).URL(), nil)
	if o, err := short.Get(t.Context(), "9/cut\t\t+", nil); err != nil {
		t.Error(err)
	} else if _, err := io.ReadAll(o.Body); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("a view that is cut: %v", err)
	}
}

// TestStatOfPlainServer falls back to a look at the item itself.
func TestStatOfPlainServer(t *testing.T) {
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Raw: map[string]string{"/x": "some text\r\n"}})
	e, err := labtest.Open(t, New, s.URL(), nil).Stat(t.Context(), "0/x")
	if err != nil || e.Name != "x" || e.Size != -1 || len(s.Commands()) != 2 {
		t.Errorf("%+v, %v, %q", e, err, s.Commands())
	}
}

// TestDots: every byte of a text comes back from a server that keeps to the RFC,
// and from those that leave out the one or the other.
func TestDots(t *testing.T) {
	const content = "one\n.\n..\n...x\n.y\n\nlast\n"
	for _, o := range []textlab.GopherOptions{{}, {NoDot: true, NoStuff: true}, {NoStuff: true}, {NoDot: true}} {
		o.Tree = lab.NewTree()
		o.Tree.WriteFile("/t.txt", []byte(content))
		o.Faults = lab.Faults{{Kind: lab.FaultSplit, Bytes: 1}}
		if got := labtest.Read(t, labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, o).URL(), nil), "0/t.txt"); got != content {
			t.Errorf("NoDot %v, NoStuff %v: %q", o.NoDot, o.NoStuff, got)
		}
	}
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Raw: map[string]string{"/t": "a\r\n..b\r\n.\r\n"}}).URL(), nil)
	c.Settings.Binary = true
	if got := labtest.Read(t, c, "0/t"); got != "a\r\n..b\r\n.\r\n" {
		t.Errorf("binary: %q", got)
	}
}

// TestHostileMenus: security 20 and 33: whatever a menu says, entries are such
// that can be used, and a line without end is an error.
func TestHostileMenus(t *testing.T) {
	raw := map[string]string{
		"/long":    "0x\t" + strings.Repeat("y", 200_000),
		"/esc":     "0\x1b[31mred\x9b\t/x\tlocalhost\t70\r\n.\r\n",
		"/nul":     "0x\t/a\x00b\tlocalhost\t70\r\n.\r\n",
		"/cr":      "0x\t/a\rb\tlocalhost\t70\r\n.\r\n",
		"/host":    "0x\t/a\tuser@evil.example/x?\t70\r\n.\r\n",
		"/percent": "0x\t/a%0d%0aEVIL\tlocalhost\t70\r\n.\r\n",
		"/telnet":  "8x\tu:p@h/\tlocalhost\t23\r\n.\r\n",
		"/link":    "hx\tURL:javascript:alert(1)\tlocalhost\t70\r\n.\r\n",
		"/cut":     "0a\t/a\tlocalhost\t70\r\n0b\t/b\tlocalh",
	}
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Raw: raw}).URL(), nil)
	for selector := range raw {
		n := 0
		for e, err := range c.List(t.Context(), "1"+selector) {
			n++
			if err != nil {
				if selector != "/long" && selector != "/cut" || protocols.KindOf(err) != protocols.KindProtocol {
					t.Errorf("%s: %v", selector, err)
				}
				continue
			}
			if e.Parsed() && e.URL != "" && selector != "/link" {
				if _, err := protocols.ParseURL(e.URL, ""); err != nil {
					t.Errorf("%s: URL %q: %v", selector, e.URL, err)
				}
			}
		}
		if n == 0 {
			t.Errorf("%s is empty", selector)
		}
	}
	if e := all(t, c, "1/percent")[0]; e.Path != "gopher://localhost/0/a%250d%250aEVIL" {
		t.Errorf("%+v", e)
	}
}

// TestLineBreaks: security 62: nothing is sent, not even a connection made.
func TestLineBreaks(t *testing.T) {
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{})
	c := labtest.Open(t, New, s.URL(), nil)
	reg, err := protocols.NewRegistry(Spec())
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"%0d%0aFLUSHALL", "%0AFLUSHALL", "%00"} {
		if _, err := reg.Parse(s.URL()+"1"+bad, ""); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: %v", bad, err)
		}
		if _, err := reg.Parse(s.URL()+"7/x?"+bad, ""); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("?%s: %v", bad, err)
		}
	}
	for _, bad := range []string{"1\r\nFLUSHALL", "7/x\ta\nb", "gopher://localhost/1%0d%0aX"} {
		if _, err := c.Get(t.Context(), bad, nil); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if s.Connections() != 0 {
		t.Errorf("%d connections", s.Connections())
	}
}

// TestForeign: other servers are asked only when that is wanted.
func TestForeign(t *testing.T) {
	other := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{})
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{}).URL(), nil)
	name := other.URL() + "0/README.txt"
	if _, err := c.Get(t.Context(), name, nil); protocols.KindOf(err) != protocols.KindUsage || other.Connections() != 0 {
		t.Errorf("%v, %d connections", err, other.Connections())
	}
	c.Settings.Foreign = true
	if got := labtest.Read(t, c, name); !strings.HasPrefix(got, "Welcome") {
		t.Errorf("%q", got)
	}
}

func TestDelay(t *testing.T) {
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{}).URL(), nil)
	c.Settings.Delay = 50 * time.Millisecond
	start := time.Now()
	for range 3 {
		labtest.Read(t, c, "0/README.txt")
	}
	if took := time.Since(start); took < 100*time.Millisecond {
		t.Errorf("three requests in %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.Settings.Delay = time.Hour
	cancelled := time.AfterFunc(10*time.Millisecond, cancel)
	defer cancelled.Stop()
	if _, err := c.Get(ctx, "0/README.txt", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled in the pause: %v", err)
	}
}

// TestCloseCutsOff: Close ends a read that waits.
func TestCloseCutsOff(t *testing.T) {
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{ServerOptions: lab.ServerOptions{Faults: lab.Faults{{Kind: lab.FaultStall, Bytes: 100_000, Duration: time.Hour}}}})
	c := labtest.Open(t, New, s.URL(), nil)
	o, err := c.Get(t.Context(), "9/pub/large.bin", nil)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1000)
	if _, err := io.ReadFull(o.Body, first); err != nil {
		t.Fatal(err)
	}
	go c.Close()
	if _, err := io.Copy(io.Discard, o.Body); err == nil {
		t.Error("no error of a read that Close has cut off")
	}
	o.Body.Close()
	if _, err := c.Get(t.Context(), "", nil); !errors.Is(err, protocols.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestReset: a connection that is reset is not an end of a file.
func TestReset(t *testing.T) {
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{ServerOptions: lab.ServerOptions{Faults: lab.Faults{{Kind: lab.FaultCut, Bytes: 50_000}}}}).URL(), nil)
	o, err := c.Get(t.Context(), "9/pub/large.bin", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Body.Close()
	if _, err := io.Copy(io.Discard, o.Body); err == nil {
		t.Error("cut by a reset, and no error")
	}
}

func TestPaths(t *testing.T) {
	reg, err := protocols.NewRegistry(Spec())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"gopher://h": "", "gopher://h/": "", "gopher://h/1": "1", "gopher://h/1/a%20b": "1/a b", "gophers://h/0x": "0x",
		"gopher://h/7/s%09two%20words": "7/s\ttwo words", "gopher://h/7/s?two%20words": "7/s\ttwo words",
		"gopher://h/1/cgi?a=b": "1/cgi?a=b", "gopher://h/0a%09%09+": "0a\t\t+", "gopher://h/9%ff": "9\xff", "gopher://h/1//x": "1//x",
	} {
		target, err := reg.Parse(text, "")
		if err != nil || target.Name != want {
			t.Errorf("%s: %q, %v; want %q", text, target.Name, err, want)
		}
	}
	if _, err := reg.Parse("gopher://h/1#x", ""); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("a fragment: %v", err)
	}
	c := labtest.Open(t, New, "gopher://h/", nil)
	for name, want := range map[string]string{"": "gophermap", "1/": "gophermap", "0README": "README", "0/a/b.txt": "b.txt", "gopher://x/0/c.txt": "c.txt", "7/find\tx": "find"} {
		if got := c.SaveName(name); got != want {
			t.Errorf("SaveName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestCharsets(t *testing.T) {
	const text = "Größe, déjà vu — «x»\n"
	raw := map[string]string{
		"/utf8": text, "/latin1": "Gr\xf6\xdfe, d\xe9j\xe0 vu, \xabx\xbb\n", "/windows": "d\xe9j\xe0 \x93vu\x94\n",
		"/cp437": "\xda\xc4\xc4\xbf\n\xb3\x81\x84\xb3\n\xc0\xc4\xc4\xd9\n", "/ascii": "plain\n",
		"/menu": "0Gr\xf6\xdfe\t/x\tlocalhost\t70\r\n.\r\n",
	}
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Raw: raw}).URL(), nil)
	for selector, want := range map[string]string{
		"/utf8": text, "/latin1": "Größe, déjà vu, «x»\n", "/windows": "déjà “vu”\n", "/cp437": "┌──┐\n│üä│\n└──┘\n", "/ascii": "plain\n",
	} {
		c.Settings.Charset = "auto"
		if got := labtest.Read(t, c, "0"+selector); got != want {
			t.Errorf("%s: %q, want %q", selector, got, want)
		}
		c.Settings.Charset = ""
		if got := labtest.Read(t, c, "0"+selector); got != raw[selector] {
			t.Errorf("%s: bytes changed: %q", selector, got)
		}
	}
	for name, want := range map[string]string{"auto": "Größe", "latin1": "Größe", "cp437": "Gr÷▀e", "": "Größe"} {
		c.Settings.Charset = name
		if got := all(t, c, "1/menu")[0].Name; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	c.Settings.Charset = "nonsense"
	if _, err := c.Get(t.Context(), "0/ascii", nil); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("unknown charset: %v", err)
	}
}

// TestSplice: a file goes to a file by the kernel, without its bytes being read.
func TestSplice(t *testing.T) {
	tree := lab.NewTree()
	tree.Virtual("/big.bin", 8<<20, lab.Pattern(5))
	c := labtest.Open(t, New, labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Tree: tree}).URL(), nil)
	o, err := c.Get(t.Context(), "9/big.bin", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Body.Close()
	f, err := os.Create(filepath.Join(t.TempDir(), "big"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := io.Copy(f, o.Body)
	if err != nil || n != 8<<20 {
		t.Fatal(n, err)
	}
	got, _ := os.ReadFile(f.Name())
	want, _ := tree.ReadFile("/big.bin")
	if !bytes.Equal(got, want) {
		t.Error("other bytes")
	}
}
