package ftp_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// labCase is one embedded server and how it is used.
type labCase struct {
	server ftplab.Options
	opts   protocols.Options
	set    ftp.Settings
	user   *url.Userinfo // nil: alice
}

func (lc labCase) start(t *testing.T) (*ftp.Client, *ftplab.Server) {
	t.Helper()
	if lc.server.TLS != lab.TLSNone && lc.server.Authority == nil {
		lc.server.Authority = authority(t)
	}
	srv, err := ftplab.Start(lc.server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	return lc.client(t, srv), srv
}

// client returns a client of a server.
func (lc labCase) client(t *testing.T, srv *ftplab.Server) *ftp.Client {
	t.Helper()
	u, err := url.Parse(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = lc.user
	if u.User == nil {
		u.User = url.UserPassword("alice", "secret")
	}
	if a := lc.server.Authority; a != nil && lc.opts.TLS.Config == nil {
		lc.opts.TLS.Config = &tls.Config{RootCAs: a.Pool()}
	}
	c, err := ftp.New(u, &lc.opts)
	if err != nil {
		t.Fatal(err)
	}
	c.Settings = lc.set
	t.Cleanup(func() { c.Close() })
	return c
}

var authority = func() func(t *testing.T) *lab.Authority {
	made := sync.OnceValues(lab.NewAuthority)
	return func(t *testing.T) *lab.Authority {
		t.Helper()
		a, err := made()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}()

func tree(t *testing.T, files map[string]string) *lab.Tree {
	t.Helper()
	tr := lab.NewTree()
	for name, data := range files {
		if i := strings.LastIndexByte(name, '/'); i > 0 {
			if err := tr.MkdirAll(name[:i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := tr.WriteFile(name, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

func readAll(ctx context.Context, c *ftp.Client, name string, o *protocols.GetOptions) ([]byte, error) {
	obj, err := c.Get(ctx, name, o)
	if err != nil {
		return nil, err
	}
	defer obj.Body.Close()
	return io.ReadAll(obj.Body)
}

func wantKind(t *testing.T, err error, kind protocols.Kind) {
	t.Helper()
	if err == nil || protocols.KindOf(err) != kind {
		t.Errorf("error %v of kind %v, want kind %v", err, protocols.KindOf(err), kind)
	}
}

// TestTLSModes: what each TLS mode does with what a server offers.
func TestTLSModes(t *testing.T) {
	files := map[string]string{"f": "content"}
	for _, tt := range []struct {
		name   string
		server ftplab.Options
		mode   protocols.TLSMode
		set    ftp.Settings
		kind   protocols.Kind
		secure bool
	}{
		{name: "auto upgrades", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}, RequireSessionReuse: true}, secure: true},
		{name: "auto without TLS", server: ftplab.Options{}},
		{name: "off", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, mode: protocols.TLSOff},
		{name: "off where TLS is wanted", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSRequired}}, mode: protocols.TLSOff, kind: protocols.KindAuth},
		{name: "require", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSRequired}, RequireSessionReuse: true}, mode: protocols.TLSRequire, secure: true},
		{name: "require without TLS", server: ftplab.Options{}, mode: protocols.TLSRequire, kind: protocols.KindTLS},
		{name: "implicit", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, RequireSessionReuse: true}, secure: true},
		{name: "implicit TLS 1.2", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, RequireSessionReuse: true, MaxTLS: tls.VersionTLS12}, secure: true},
		{name: "clear data", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, set: ftp.Settings{ClearData: true}, secure: true},
		{name: "CCC", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, set: ftp.Settings{CCC: true}, secure: true},
		{name: "CCC active", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, set: ftp.Settings{CCC: true, Active: true}, secure: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Tree = tree(t, files)
			c, srv := labCase{server: tt.server, opts: protocols.Options{TLS: protocols.TLS{Mode: tt.mode}}, set: tt.set}.start(t)
			b, err := readAll(t.Context(), c, "f", nil)
			if tt.kind != protocols.KindOK {
				wantKind(t, err, tt.kind)
				if strings.Contains(strings.Join(srv.Commands(), "\n"), "PASS") {
					t.Error("a password was sent")
				}
				return
			}
			if err != nil || string(b) != "content" {
				t.Fatalf("%q, %v", b, err)
			}
			if n, err := c.Size(t.Context(), "f"); err != nil || n != 7 {
				t.Errorf("second command: %d, %v", n, err)
			}
			sent := strings.Join(srv.Commands(), "\n")
			if tt.secure && !strings.Contains(sent, "PBSZ 0") {
				t.Error("no PBSZ: was TLS up?")
			}
		})
	}
}

// TestTLSHostile: certificates that do not fit, and a wire that interferes. No
// password may go out in any of these.
func TestTLSHostile(t *testing.T) {
	a := authority(t)
	bad := func(make func() (tls.Certificate, error)) *tls.Certificate {
		cert, err := make()
		if err != nil {
			t.Fatal(err)
		}
		return &cert
	}
	for _, tt := range []struct {
		name   string
		server ftplab.Options
		faults string
		opts   protocols.TLS
	}{
		{name: "expired", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit, Certificate: bad(a.Expired)}}, opts: protocols.TLS{Mode: protocols.TLSRequire}},
		{name: "wrong name", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit, Certificate: bad(a.WrongName)}}},
		{name: "unknown CA", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}}, opts: protocols.TLS{Config: &tls.Config{}}},
		{name: "pin", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, opts: protocols.TLS{Config: &tls.Config{RootCAs: a.Pool()}, Pins: [][]byte{make([]byte, 32)}}},
		{name: "stripped", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, faults: "code:AUTH=500 what?", opts: protocols.TLS{Mode: protocols.TLSRequire}},
		{name: "success of another kind", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, faults: "code:AUTH=230 logged in"},
		{name: "reply injected", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, faults: "inject:AUTH=230 you are in"},
		{name: "PROT refused", server: ftplab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}}, faults: "code:PROT=534 no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Authority = a
			tt.server.Faults = labtest.Faults(t, tt.faults)
			c, srv := labCase{server: tt.server, opts: protocols.Options{TLS: tt.opts}}.start(t)
			_, err := c.Size(t.Context(), "f")
			wantKind(t, err, protocols.KindTLS)
			if tt.name != "PROT refused" && strings.Contains(strings.Join(srv.Commands(), "\n"), "PASS") {
				t.Error("a password was sent")
			}
		})
	}
}

// TestDialects lists one tree in every form of LIST.
func TestDialects(t *testing.T) {
	for _, dialect := range []string{"unix", "dos", "eplf", "vms"} {
		t.Run(dialect, func(t *testing.T) {
			tr := tree(t, map[string]string{"DIR/A.TXT": "12345", "DIR/B.TXT": "1234567890"})
			c, _ := labCase{server: ftplab.Options{Tree: tr, Dialect: dialect, NoMLSD: true}}.start(t)
			var names []string
			for e, err := range c.List(t.Context(), "DIR") {
				if err != nil {
					t.Fatal(err)
				}
				if !e.Parsed() {
					t.Errorf("not understood: %q", e.Raw)
				}
				names = append(names, e.Name)
			}
			if got := strings.ToUpper(strings.Join(names, " ")); got != "A.TXT B.TXT" {
				t.Errorf("%q, want A.TXT and B.TXT", got)
			}
		})
	}
}

// TestTimeZone: a server that lists local time is found out with one MDTM, also
// when the listing is longer than what is held back for it.
func TestTimeZone(t *testing.T) {
	for _, n := range []int{3, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			tr := lab.NewTree()
			when := time.Now().UTC().Truncate(time.Minute).Add(-3 * time.Hour)
			for i := range n {
				name := fmt.Sprintf("f%04d", i)
				if err := tr.WriteFile(name, nil); err != nil {
					t.Fatal(err)
				}
				if err := tr.Chtimes(name, when); err != nil {
					t.Fatal(err)
				}
			}
			zone := time.FixedZone("x", -(4*3600 + 1800))
			c, srv := labCase{server: ftplab.Options{Tree: tr, NoMLSD: true, TimeZone: zone}}.start(t)
			count := 0
			for e, err := range c.List(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				count++
				if !e.Modified.Equal(when) || e.Accuracy != time.Minute {
					t.Fatalf("%s: %v ± %v, want %v", e.Name, e.Modified.UTC(), e.Accuracy, when)
				}
			}
			if count != n {
				t.Errorf("%d entries, want %d", count, n)
			}
			if m := strings.Count(strings.Join(srv.Commands(), "\n"), "MDTM"); m != 1 {
				t.Errorf("%d times MDTM, want 1", m)
			}
		})
	}
}

// TestUnparsedLines are reported, raw.
func TestUnparsedLines(t *testing.T) {
	c, _ := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"a": "1"}), NoMLSD: true, ExtraListLines: []string{"what is this?"}}}.start(t)
	raw := 0
	for e, err := range c.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Raw == "what is this?" && !e.Parsed() {
			raw++
		}
	}
	if raw != 1 {
		t.Errorf("%d raw entries, want 1", raw)
	}
}

// TestCharset: names in another charset than UTF-8, both ways.
func TestCharset(t *testing.T) {
	latin := "caf\xe9"
	c, _ := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{latin: "x"}), NoUTF8: true}, set: ftp.Settings{Charset: "iso-8859-1"}}.start(t)
	for e, err := range c.List(t.Context(), "") {
		if err != nil || e.Name != "café" {
			t.Errorf("%q, %v", e.Name, err)
		}
	}
	if b, err := readAll(t.Context(), c, "café", nil); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	_, err := c.Size(t.Context(), "日本")
	wantKind(t, err, protocols.KindUsage)
	for _, name := range []string{"windows-1251", "koi8-r", "IBM866", "iso-8859-15", "cp437", "macintosh"} {
		if _, err := (&ftp.Settings{Charset: name}).BuiltIn(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad, _ := labCase{set: ftp.Settings{Charset: "no-such-charset"}}.start(t)
	_, err = bad.Size(t.Context(), "x")
	wantKind(t, err, protocols.KindUsage)
}

// TestASCII: TYPE A converts line ends, exactly.
func TestASCII(t *testing.T) {
	text := "one\ntwo\r\nthree\rfour\n\nend"
	c, srv := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"f": text})}, set: ftp.Settings{ASCII: true}}.start(t)
	if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != strings.ReplaceAll(text, "\r\n", "\n") {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := c.Put(t.Context(), "g", strings.NewReader(text), nil); err != nil {
		t.Fatal(err)
	}
	if got, err := srv.Tree().ReadFile("g"); err != nil || string(got) != strings.ReplaceAll(text, "\r\n", "\n") {
		t.Errorf("stored %q, %v", got, err)
	}
}

// TestAccount: a login that needs ACCT.
func TestAccount(t *testing.T) {
	c, _ := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"f": "x"}), Account: "billing"}, set: ftp.Settings{Account: "billing"}}.start(t)
	if n, err := c.Size(t.Context(), "f"); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	c, _ = labCase{server: ftplab.Options{Account: "billing"}}.start(t)
	_, err := c.Size(t.Context(), "f")
	wantKind(t, err, protocols.KindAuth)
}

// connects collects the peers of the data connections from a trace.
func connects(o *protocols.Options) func() []string {
	var mu sync.Mutex
	var peers []string
	o.Trace = func(e protocols.Event) {
		if e.Channel == "data" && (e.Kind == protocols.EventConnect || e.Kind == protocols.EventError) {
			mu.Lock()
			defer mu.Unlock()
			peers = append(peers, e.Text)
		}
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(peers)
	}
}

// TestNoPassword: a user without a password, and a server that wants one.
func TestNoPassword(t *testing.T) {
	c, srv := labCase{user: url.User("alice")}.start(t)
	_, err := c.Size(t.Context(), "f")
	wantKind(t, err, protocols.KindAuth)
	if strings.Contains(strings.Join(srv.Commands(), "\n"), "PASS") {
		t.Error("an empty password was sent")
	}
}

// TestTrustPASV: the address in a 227 reply counts only for a user who says so.
func TestTrustPASV(t *testing.T) {
	for _, trust := range []bool{false, true} {
		var o protocols.Options
		peers := connects(&o)
		server := ftplab.Options{Tree: tree(t, map[string]string{"f": "content"}), NoEPSV: true, PASVHost: "127.0.0.9"}
		lc := labCase{server: server, opts: o, set: ftp.Settings{TrustPASV: trust}}
		c, _ := lc.start(t)
		// Nobody listens at 127.0.0.9; active mode brings the content all the same.
		if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "content" {
			t.Errorf("trust %v: %q, %v", trust, b, err)
		}
		if told := strings.Contains(strings.Join(peers(), " "), "127.0.0.9"); told != trust {
			t.Errorf("trust %v: data connections %q", trust, peers())
		}
	}
}

// TestAbortOnCancel: a server is told to stop when a context ends a transfer.
func TestAbortOnCancel(t *testing.T) {
	tr := lab.NewTree()
	if err := tr.Virtual("big", 1<<40, lab.Pattern(1)); err != nil {
		t.Fatal(err)
	}
	aborted := make(chan struct{})
	var once sync.Once
	server := ftplab.Options{Tree: tr, ServerOptions: lab.ServerOptions{OnCommand: func(line string) {
		if strings.HasPrefix(line, "ABOR") {
			once.Do(func() { close(aborted) })
		}
	}}}
	c, _ := labCase{server: server}.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	obj, err := c.Get(ctx, "big", nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	obj.Body.Close()
	select {
	case <-aborted:
	case <-time.After(10 * time.Second):
		t.Error("no ABOR came")
	}
}
