package ftp_test

import (
	"bytes"
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
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestHostileReplies: what a server may do to a client, and what must come of it.
func TestHostileReplies(t *testing.T) {
	for _, tt := range []struct {
		name, faults string
		server       ftplab.Options
		kind         protocols.Kind
	}{
		{name: "endless line", faults: "endless:SIZE", kind: protocols.KindProtocol},
		{name: "endless greeting", faults: "endless:greeting", kind: protocols.KindProtocol},
		{name: "endless reply", faults: "multiline:SIZE", kind: protocols.KindProtocol},
		{name: "garbage", faults: "garbage:USER", kind: protocols.KindProtocol},
		{name: "no greeting", faults: "drop:greeting", kind: protocols.KindProtocol},
		{name: "too many", faults: "code:greeting=421 too many connections", kind: protocols.KindTemporary},
		{name: "login refused", faults: "code:PASS=530 no", kind: protocols.KindAuth},
		{name: "huge size", faults: "code:SIZE=213 99999999999999999999999", kind: protocols.KindProtocol},
		{name: "negative size", faults: "code:SIZE=213 -7", kind: protocols.KindProtocol},
		{name: "hangs up", faults: "drop:SIZE", kind: protocols.KindProtocol},
		{name: "reset", faults: "reset:SIZE", kind: protocols.KindProtocol},
		{name: "silent", faults: "hang:SIZE", kind: protocols.KindTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Faults = labtest.Faults(t, tt.faults)
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
		server       ftplab.Options
	}{
		{name: "EPSV refused", server: ftplab.Options{NoEPSV: true}},
		{name: "EPSV without port", faults: "code:EPSV=229 )(|||"},
		{name: "EPSV port out of range", faults: "code:EPSV=229 go (|||70000|)"},
		{name: "PASV names another host", faults: "code:EPSV=500 no", server: ftplab.Options{PASVHost: "192.0.2.7"}},
		{name: "PASV without numbers", faults: "code:EPSV=500 no,code:PASV=227 )...("},
		{name: "PASV out of range", faults: "code:EPSV=500 no,code:PASV=227 ok (1\\,2\\,3\\,4\\,300\\,1)"},
		{name: "nobody listens", faults: "code:EPSV=229 go (|||1|),code:PASV=500 no"},
		{name: "cannot connect", faults: "code:RETR=425 no*2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Tree = tree(t, files)
			tt.server.Faults = labtest.Faults(t, tt.faults)
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
		server       ftplab.Options
		kind         protocols.Kind
	}{
		{name: "short with 226", faults: "data.truncate=1000", kind: protocols.KindProtocol},
		{name: "short without SIZE", faults: "data.truncate=1000", server: ftplab.Options{NoSIZE: true}, kind: protocols.KindProtocol},
		{name: "reset", faults: "data.cut=100000", kind: protocols.KindTemporary},
		{name: "reset with 226", faults: "data.cut=100000,code:end=226 done", kind: protocols.KindProtocol},
		{name: "refused at the end", faults: "code:end=451 disk trouble", kind: protocols.KindTemporary},
		{name: "hangs up at the end", faults: "drop:end", kind: protocols.KindProtocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Tree = tree(t, map[string]string{"f": big})
			tt.server.Faults = labtest.Faults(t, tt.faults)
			c, _ := labCase{server: tt.server, opts: protocols.Options{IdleTimeout: time.Second}}.start(t)
			_, err := readAll(t.Context(), c, "f", nil)
			wantKind(t, err, tt.kind)
			if !protocols.IsRetryable(err) {
				t.Errorf("%v is not marked as worth another try", err)
			}
		})
	}
}

// TestGrown: a file that is longer than its size was is read to its end.
func TestGrown(t *testing.T) {
	data := strings.Repeat("0123456789", 1000)
	for name, srv := range map[string]ftplab.Options{
		"SIZE": {ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "code:SIZE=213 1000")}}, "150": {NoSIZE: true},
	} {
		srv.Tree = tree(t, map[string]string{"f": data})
		c, _ := labCase{server: srv}.start(t)
		o, err := c.Get(t.Context(), "f", nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(o.Body)
		if err != nil || string(b) != data || o.Size != int64(len(data)) {
			t.Errorf("%s: %d bytes of size %d, %v", name, len(b), o.Size, err)
		}
		o.Body.Close()
	}
}

// TestSame: a resume onto changed content is refused before anything moves.
func TestSame(t *testing.T) {
	c, _ := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"f": "0123456789"})}}.start(t)
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
		c, srv := labCase{server: ftplab.Options{Tree: tr}}.start(t)
		_, err := c.Put(t.Context(), "f", strings.NewReader(data), nil)
		wantKind(t, err, protocols.KindTemporary)
		if _, err := srv.Tree().Stat("f"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("final name: %v", err)
		}
	})
	t.Run("cut", func(t *testing.T) {
		c, srv := labCase{server: ftplab.Options{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "data.cut=100000")}}}.start(t)
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

// TestPutFolder: a name that ends with a slash is not a name to store under.
func TestPutFolder(t *testing.T) {
	c, srv := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"d/f": "content"})}}.start(t)
	for _, name := range []string{"", "d/", "nothere/"} {
		_, err := c.Put(t.Context(), name, strings.NewReader("data"), nil)
		wantKind(t, err, protocols.KindUsage)
	}
	e, err := c.Put(t.Context(), "d/", strings.NewReader("data"), &protocols.PutOptions{Unique: true})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := srv.Tree().ReadFile(e.Path); err != nil || string(b) != "data" || !strings.HasPrefix(e.Path, "d/") {
		t.Errorf("%q: %q, %v", e.Path, b, err)
	}
}

// TestRelayElsewhere: a source that names a third host in its reply to PASV does not
// get the destination to connect there.
func TestRelayElsewhere(t *testing.T) {
	for _, trust := range []bool{false, true} {
		src, _ := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"f": "content"}), PASVHost: "127.0.0.9"}, set: ftp.Settings{TrustPASV: trust}}.start(t)
		var mu sync.Mutex
		told := false
		o := protocols.Options{Trace: func(e protocols.Event) {
			mu.Lock()
			defer mu.Unlock()
			told = told || strings.Contains(e.Text, "127,0,0,9")
		}}
		dst, srv := labCase{opts: o}.start(t)
		err := src.Relay(t.Context(), "f", dst, "g")
		if err == nil {
			t.Errorf("trust %v: a copy from where nobody listens", trust)
		}
		if !trust && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v, want one that has the copy go through here", err)
		}
		mu.Lock()
		if told != trust {
			t.Errorf("trust %v: the destination was told the address: %v", trust, told)
		}
		mu.Unlock()
		if _, err := srv.Tree().Stat("g"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("final name: %v", err)
		}
	}
}

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
	c, _ := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"f": "hello"})}}.start(t)
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
	wantKind(t, err, protocols.KindAuth)
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(seen.String(), "PASS ****") || strings.Contains(seen.String()+err.Error(), "hunter2") {
		t.Errorf("trace:\n%s\nerror: %v", &seen, err)
	}
}

// TestRaw: any command, any reply, and the session afterwards.
func TestRaw(t *testing.T) {
	c, _ := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"f": "x"})}}.start(t)
	for command, code := range map[string]int{"NOOP": 200, "TYPE A": 200, "NONSENSE": 500, "SIZE missing": 550} {
		if r, err := c.Do(t.Context(), command); err != nil || r.Code != code {
			t.Errorf("%s: %+v, %v; want %d", command, r, err, code)
		}
	}
	if _, err := c.Do(t.Context(), "NOOP\r\nDELE f"); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("two commands in one: %v", err)
	}
	if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestBeforeAfter: the user's own commands around a transfer.
func TestBeforeAfter(t *testing.T) {
	c, srv := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"f": "x"})}, set: ftp.Settings{Before: []string{"NOOP", "-NONSENSE"}, After: []string{"SYST"}}}.start(t)
	if b, err := readAll(t.Context(), c, "f", nil); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
	sent := strings.Join(srv.Commands(), " ")
	if i, j, k := strings.Index(sent, "NONSENSE"), strings.Index(sent, "RETR"), strings.Index(sent, "SYST"); i < 0 || i > j || j > k {
		t.Errorf("commands: %s", sent)
	}
	c, _ = labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"f": "x"})}, set: ftp.Settings{Before: []string{"NONSENSE"}}}.start(t)
	_, err := readAll(t.Context(), c, "f", nil)
	wantKind(t, err, protocols.KindRefused)
}

// TestNoWay: the error reports what was wrong with a way that the server agreed to,
// not that it refused the others.
func TestNoWay(t *testing.T) {
	const others = "code:EPSV=500 n,code:EPRT=500 n,code:PORT=500 n,"
	for reply, kind := range map[string]protocols.Kind{
		`227 ok (127\,0\,0\,1\,256\,1)`: protocols.KindProtocol, "227 (": protocols.KindProtocol,
		`227 ok (127\,0\,0\,1\,0\,1)`: protocols.KindConnect, "500 n": protocols.KindRefused,
	} {
		c, _ := labCase{server: ftplab.Options{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, others+"code:PASV="+reply)}, Tree: tree(t, map[string]string{"f": "content"})}}.start(t)
		_, err := readAll(t.Context(), c, "f", nil)
		wantKind(t, err, kind)
	}
}

// TestWriterFails: when what is fetched cannot be written here, that is the error,
// not the server's word on the transfer that was stopped.
func TestWriterFails(t *testing.T) {
	full := errors.New("no space left")
	c, _ := labCase{server: ftplab.Options{Tree: tree(t, map[string]string{"f": strings.Repeat("content ", 1<<20), "g": "more"})}}.start(t)
	o, err := c.Get(t.Context(), "f", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&failing{after: 100_000, err: full}, o.Body); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if err := o.Body.Close(); err != nil {
		t.Error(err)
	}
	if b, err := readAll(t.Context(), c, "g", nil); err != nil || string(b) != "more" {
		t.Errorf("the next one: %q, %v", b, err)
	}
}

// failing takes some bytes only.
type failing struct {
	after int
	err   error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, f.err
	}
	return len(p), nil
}
