package ftp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab"
)

// labCase is one embedded server and how it is used.
type labCase struct {
	server lab.FTPOptions
	opts   protocols.Options
	set    ftp.Settings
	user   *url.Userinfo // nil: alice
}

func (lc labCase) start(t *testing.T) (*ftp.Client, *lab.FTPServer) {
	t.Helper()
	if lc.server.TLS != lab.TLSNone && lc.server.Authority == nil {
		lc.server.Authority = authority(t)
	}
	srv, err := lab.StartFTP(lc.server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
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
	return c, srv
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

func faults(t *testing.T, spec string) lab.Faults {
	t.Helper()
	f, err := lab.ParseFaults(spec)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

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
		server lab.FTPOptions
		mode   protocols.TLSMode
		set    ftp.Settings
		kind   protocols.Kind
		secure bool
	}{
		{name: "auto upgrades", server: lab.FTPOptions{TLS: lab.TLSExplicit, RequireSessionReuse: true}, secure: true},
		{name: "auto without TLS", server: lab.FTPOptions{}},
		{name: "off", server: lab.FTPOptions{TLS: lab.TLSExplicit}, mode: protocols.TLSOff},
		{name: "off where TLS is wanted", server: lab.FTPOptions{TLS: lab.TLSRequired}, mode: protocols.TLSOff, kind: protocols.Auth},
		{name: "require", server: lab.FTPOptions{TLS: lab.TLSRequired, RequireSessionReuse: true}, mode: protocols.TLSRequire, secure: true},
		{name: "require without TLS", server: lab.FTPOptions{}, mode: protocols.TLSRequire, kind: protocols.TLSFailure},
		{name: "implicit", server: lab.FTPOptions{TLS: lab.TLSImplicit, RequireSessionReuse: true}, secure: true},
		{name: "implicit TLS 1.2", server: lab.FTPOptions{TLS: lab.TLSImplicit, RequireSessionReuse: true, MaxTLS: tls.VersionTLS12}, secure: true},
		{name: "clear data", server: lab.FTPOptions{TLS: lab.TLSExplicit}, set: ftp.Settings{ClearData: true}, secure: true},
		{name: "CCC", server: lab.FTPOptions{TLS: lab.TLSExplicit}, set: ftp.Settings{CCC: true}, secure: true},
		{name: "CCC active", server: lab.FTPOptions{TLS: lab.TLSExplicit}, set: ftp.Settings{CCC: true, Active: true}, secure: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Tree = tree(t, files)
			c, srv := labCase{server: tt.server, opts: protocols.Options{TLS: protocols.TLS{Mode: tt.mode}}, set: tt.set}.start(t)
			b, err := readAll(t.Context(), c, "f", nil)
			if tt.kind != protocols.OK {
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
		server lab.FTPOptions
		faults string
		opts   protocols.TLS
	}{
		{name: "expired", server: lab.FTPOptions{TLS: lab.TLSExplicit, Certificate: bad(a.Expired)}},
		{name: "wrong name", server: lab.FTPOptions{TLS: lab.TLSImplicit, Certificate: bad(a.WrongName)}},
		{name: "unknown CA", server: lab.FTPOptions{TLS: lab.TLSImplicit}, opts: protocols.TLS{Config: &tls.Config{}}},
		{name: "pin", server: lab.FTPOptions{TLS: lab.TLSExplicit}, opts: protocols.TLS{Config: &tls.Config{RootCAs: a.Pool()}, Pins: [][]byte{make([]byte, 32)}}},
		{name: "stripped", server: lab.FTPOptions{TLS: lab.TLSExplicit}, faults: "code:AUTH=500 what?", opts: protocols.TLS{Mode: protocols.TLSRequire}},
		{name: "success of another kind", server: lab.FTPOptions{TLS: lab.TLSExplicit}, faults: "code:AUTH=230 logged in"},
		{name: "reply injected", server: lab.FTPOptions{TLS: lab.TLSExplicit}, faults: "inject:AUTH=230 you are in"},
		{name: "PROT refused", server: lab.FTPOptions{TLS: lab.TLSExplicit}, faults: "code:PROT=534 no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Authority = a
			tt.server.Faults = faults(t, tt.faults)
			c, srv := labCase{server: tt.server, opts: protocols.Options{TLS: tt.opts}}.start(t)
			_, err := c.Size(t.Context(), "f")
			wantKind(t, err, protocols.TLSFailure)
			if tt.name != "PROT refused" && strings.Contains(strings.Join(srv.Commands(), "\n"), "PASS") {
				t.Error("a password was sent")
			}
		})
	}
}

// TestDialects lists one tree in every form of LIST.
func TestDialects(t *testing.T) {
	for _, dialect := range []string{"unix", "dos", "eplf", "vms", "as400", "mvs", "netware"} {
		t.Run(dialect, func(t *testing.T) {
			tr := tree(t, map[string]string{"DIR/A.TXT": "12345", "DIR/B.TXT": "1234567890"})
			c, _ := labCase{server: lab.FTPOptions{Tree: tr, Dialect: dialect, NoMLSD: true}}.start(t)
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
			c, srv := labCase{server: lab.FTPOptions{Tree: tr, NoMLSD: true, TimeZone: zone}}.start(t)
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
	c, _ := labCase{server: lab.FTPOptions{Tree: tree(t, map[string]string{"a": "1"}), NoMLSD: true, ExtraListLines: []string{"what is this?"}}}.start(t)
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
	c, _ := labCase{server: lab.FTPOptions{Tree: tree(t, map[string]string{latin: "x"}), NoUTF8: true}, set: ftp.Settings{Charset: "iso-8859-1"}}.start(t)
	for e, err := range c.List(t.Context(), "") {
		if err != nil || e.Name != "café" {
			t.Errorf("%q, %v", e.Name, err)
		}
	}
	if b, err := readAll(t.Context(), c, "café", nil); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	_, err := c.Size(t.Context(), "日本")
	wantKind(t, err, protocols.Usage)
	bad, _ := labCase{set: ftp.Settings{Charset: "no-such-charset"}}.start(t)
	_, err = bad.Size(t.Context(), "x")
	wantKind(t, err, protocols.Usage)
}

// TestASCII: TYPE A converts line ends, exactly.
func TestASCII(t *testing.T) {
	text := "one\ntwo\r\nthree\rfour\n\nend"
	c, srv := labCase{server: lab.FTPOptions{Tree: tree(t, map[string]string{"f": text})}, set: ftp.Settings{ASCII: true}}.start(t)
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
	c, _ := labCase{server: lab.FTPOptions{Tree: tree(t, map[string]string{"f": "x"}), Account: "billing"}, set: ftp.Settings{Account: "billing"}}.start(t)
	if n, err := c.Size(t.Context(), "f"); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	c, _ = labCase{server: lab.FTPOptions{Account: "billing"}}.start(t)
	_, err := c.Size(t.Context(), "f")
	wantKind(t, err, protocols.Auth)
}

// TestHostileReplies: what a server may do to a client, and what must come of it.
func TestHostileReplies(t *testing.T) {
	for _, tt := range []struct {
		name, faults string
		server       lab.FTPOptions
		kind         protocols.Kind
	}{
		{name: "endless line", faults: "endless:SIZE", kind: protocols.Protocol},
		{name: "endless greeting", faults: "endless:greeting", kind: protocols.Protocol},
		{name: "endless reply", faults: "multiline:SIZE", kind: protocols.Protocol},
		{name: "garbage", faults: "garbage:USER", kind: protocols.Protocol},
		{name: "no greeting", faults: "drop:greeting", kind: protocols.Protocol},
		{name: "too many", faults: "code:greeting=421 too many connections", kind: protocols.Temporary},
		{name: "login refused", faults: "code:PASS=530 no", kind: protocols.Auth},
		{name: "huge size", faults: "code:SIZE=213 99999999999999999999999", kind: protocols.Protocol},
		{name: "negative size", faults: "code:SIZE=213 -7", kind: protocols.Protocol},
		{name: "hangs up", faults: "drop:SIZE", kind: protocols.Protocol},
		{name: "reset", faults: "reset:SIZE", kind: protocols.Connect},
		{name: "silent", faults: "hang:SIZE", kind: protocols.Timeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Faults = faults(t, tt.faults)
			c, _ := labCase{server: tt.server, opts: protocols.Options{IdleTimeout: 300 * time.Millisecond}}.start(t)
			_, err := c.Size(t.Context(), "f")
			wantKind(t, err, tt.kind)
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

// TestHostilePorts: replies to EPSV and PASV that lead nowhere or elsewhere.
func TestHostilePorts(t *testing.T) {
	files := map[string]string{"f": "content"}
	for _, tt := range []struct {
		name, faults string
		server       lab.FTPOptions
	}{
		{name: "EPSV refused", server: lab.FTPOptions{NoEPSV: true}},
		{name: "EPSV without port", faults: "code:EPSV=229 )(|||"},
		{name: "EPSV port out of range", faults: "code:EPSV=229 go (|||70000|)"},
		{name: "PASV names another host", faults: "code:EPSV=500 no", server: lab.FTPOptions{PASVHost: "192.0.2.7"}},
		{name: "PASV without numbers", faults: "code:EPSV=500 no,code:PASV=227 )...("},
		{name: "PASV out of range", faults: "code:EPSV=500 no,code:PASV=227 ok (1\\,2\\,3\\,4\\,300\\,1)"},
		{name: "nobody listens", faults: "code:EPSV=229 go (|||1|),code:PASV=500 no"},
		{name: "cannot connect", faults: "code:RETR=425 no*2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Tree = tree(t, files)
			tt.server.Faults = faults(t, tt.faults)
			c, _ := labCase{server: tt.server}.start(t)
			if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "content" {
				t.Errorf("%q, %v: no other way was found", b, err)
			}
		})
	}
}

// TestTruncated: a transfer that is not whole is never a success.
func TestTruncated(t *testing.T) {
	big := strings.Repeat("0123456789", 100_000)
	for _, tt := range []struct {
		name, faults string
		server       lab.FTPOptions
		kind         protocols.Kind
	}{
		{name: "short with 226", faults: "data.truncate=1000", kind: protocols.Protocol},
		{name: "short without SIZE", faults: "data.truncate=1000", server: lab.FTPOptions{NoSIZE: true}, kind: protocols.Protocol},
		{name: "reset", faults: "data.cut=100000", kind: protocols.Connect},
		{name: "refused at the end", faults: "code:end=451 disk trouble", kind: protocols.Temporary},
		{name: "hangs up at the end", faults: "drop:end", kind: protocols.Protocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Tree = tree(t, map[string]string{"f": big})
			tt.server.Faults = faults(t, tt.faults)
			c, _ := labCase{server: tt.server, opts: protocols.Options{IdleTimeout: time.Second}}.start(t)
			_, err := readAll(t.Context(), c, "f", nil)
			wantKind(t, err, tt.kind)
			if !protocols.IsRetryable(err) {
				t.Errorf("%v is not marked as worth another try", err)
			}
		})
	}
}

// TestRestLies: a server that says it resumes and sends from the start.
func TestRestLies(t *testing.T) {
	c, _ := labCase{server: lab.FTPOptions{Tree: tree(t, map[string]string{"f": strings.Repeat("x", 5000)}), RestLies: true}}.start(t)
	_, err := readAll(t.Context(), c, "f", &protocols.GetOptions{Offset: 1000})
	wantKind(t, err, protocols.Protocol)
}

// TestSame: a resume onto changed content is refused before anything moves.
func TestSame(t *testing.T) {
	c, _ := labCase{server: lab.FTPOptions{Tree: tree(t, map[string]string{"f": "0123456789"})}}.start(t)
	e, err := c.Stat(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := readAll(t.Context(), c, "f", &protocols.GetOptions{Offset: 4, Same: &e}); err != nil || string(b) != "456789" {
		t.Errorf("%q, %v", b, err)
	}
	e.Size = 11
	_, err = readAll(t.Context(), c, "f", &protocols.GetOptions{Offset: 4, Same: &e})
	if !errors.Is(err, protocols.ErrChanged) {
		t.Errorf("%v, want ErrChanged", err)
	}
}

// TestPutFailures: nothing appears under the final name.
func TestPutFailures(t *testing.T) {
	data := strings.Repeat("0123456789", 50_000)
	t.Run("reader fails", func(t *testing.T) {
		c, srv := labCase{}.start(t)
		broken := io.MultiReader(strings.NewReader(data), iotestErr{})
		_, err := c.Put(t.Context(), "f", broken, nil)
		if !errors.Is(err, errReader) {
			t.Errorf("%v, want the reader's error", err)
		}
		if _, err := srv.Tree().Stat("f"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("final name: %v", err)
		}
		if _, err := c.Put(t.Context(), "g", strings.NewReader("ok"), nil); err != nil {
			t.Errorf("the session does not go on: %v", err)
		}
	})
	t.Run("disk full", func(t *testing.T) {
		tr := lab.NewTree()
		tr.SetCapacity(100_000)
		c, srv := labCase{server: lab.FTPOptions{Tree: tr}}.start(t)
		_, err := c.Put(t.Context(), "f", strings.NewReader(data), nil)
		wantKind(t, err, protocols.Temporary)
		if _, err := srv.Tree().Stat("f"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("final name: %v", err)
		}
	})
	t.Run("cut", func(t *testing.T) {
		c, srv := labCase{server: lab.FTPOptions{Faults: faults(t, "data.cut=100000")}}.start(t)
		_, err := c.Put(t.Context(), "f", strings.NewReader(data), nil)
		if err == nil {
			t.Error("no error")
		}
		if _, err := srv.Tree().Stat("f"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("final name: %v", err)
		}
	})
}

var errReader = errors.New("the reader's own trouble")

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errReader }

// TestUnique: STOU, and the name that the server chose.
func TestUnique(t *testing.T) {
	c, srv := labCase{}.start(t)
	e, err := c.Put(t.Context(), "wanted", strings.NewReader("data"), &protocols.PutOptions{Unique: true})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := srv.Tree().ReadFile(e.Path); err != nil || string(b) != "data" {
		t.Errorf("%q: %q, %v", e.Path, b, err)
	}
}

// TestChecksum compares the server's checksum with the content's.
func TestChecksum(t *testing.T) {
	c, _ := labCase{server: lab.FTPOptions{Tree: tree(t, map[string]string{"f": "hello"})}}.start(t)
	algorithm, sum, err := c.Checksum(t.Context(), "f")
	if err != nil || algorithm != "sha256" || fmt.Sprintf("%x", sum) != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" {
		t.Errorf("%s %x, %v", algorithm, sum, err)
	}
}

// TestSecretsMasked: no trace event and no error shows the password.
func TestSecretsMasked(t *testing.T) {
	var mu sync.Mutex
	var seen bytes.Buffer
	o := protocols.Options{Trace: func(e protocols.Event) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&seen, e.Text)
	}}
	c, _ := labCase{opts: o, user: url.UserPassword("alice", "hunter2-wrong")}.start(t)
	_, err := c.Size(t.Context(), "x")
	wantKind(t, err, protocols.Auth)
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(seen.String(), "PASS ****") || strings.Contains(seen.String()+err.Error(), "hunter2") {
		t.Errorf("trace:\n%s\nerror: %v", &seen, err)
	}
}

// TestRaw: any command, any reply, and the session afterwards.
func TestRaw(t *testing.T) {
	c, _ := labCase{server: lab.FTPOptions{Tree: tree(t, map[string]string{"f": "x"})}}.start(t)
	for command, code := range map[string]int{"NOOP": 200, "TYPE A": 200, "NONSENSE": 500, "SIZE missing": 550} {
		if r, err := c.Do(t.Context(), command); err != nil || r.Code != code {
			t.Errorf("%s: %+v, %v; want %d", command, r, err, code)
		}
	}
	if _, err := c.Do(t.Context(), "NOOP\r\nDELE f"); protocols.KindOf(err) != protocols.Usage {
		t.Errorf("two commands in one: %v", err)
	}
	if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestBeforeAfter: the user's own commands around a transfer.
func TestBeforeAfter(t *testing.T) {
	c, srv := labCase{server: lab.FTPOptions{Tree: tree(t, map[string]string{"f": "x"})}, set: ftp.Settings{Before: []string{"NOOP", "-NONSENSE"}, After: []string{"SYST"}}}.start(t)
	if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	sent := strings.Join(srv.Commands(), " ")
	if i, j, k := strings.Index(sent, "NONSENSE"), strings.Index(sent, "RETR"), strings.Index(sent, "SYST"); i < 0 || i > j || j > k {
		t.Errorf("commands: %s", sent)
	}
	c, _ = labCase{server: lab.FTPOptions{Tree: tree(t, map[string]string{"f": "x"})}, set: ftp.Settings{Before: []string{"NONSENSE"}}}.start(t)
	_, err := readAll(t.Context(), c, "f", nil)
	wantKind(t, err, protocols.Refused)
}
