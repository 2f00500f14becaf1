package mailtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

func TestPolicyID(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  string
	}{
		{nil, ""},
		{[]string{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
		{[]string{"something else", "v=STSv1;id=1; x=y"}, "1"},
		{[]string{"v=STSv1; id=1", "v=STSv1; id=2"}, ""},
		{[]string{"v=STSv10; id=1"}, ""},
		{[]string{"v=STSv1"}, ""},
		{[]string{"v=STSv1; id=a-b"}, ""},
		{[]string{"v=STSv1; id=" + strings.Repeat("1", 33)}, ""},
	} {
		if got := policyID(c.texts); got != c.want {
			t.Errorf("%q: %q", c.texts, got)
		}
	}
}

func TestParsePolicy(t *testing.T) {
	for _, c := range []struct {
		text, mode, wrong string
		age               time.Duration
	}{
		{"version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmx: *.b.example.\r\nmax_age: 60\r\nnew: x\r\n", "enforce", "", time.Minute},
		{"version:STSv1\nmode:testing\nmode:none\nmx:a.example\nmax_age:99999999999", "testing", "", longest},
		{"version: STSv1\nmode: none\nmax_age: 0\n", "none", "", 0},
		{"mode: none\nmax_age: 0\n", "", "version", 0},
		{"version: STSv1\nmode: maybe\nmax_age: 0\n", "", "mode", 0},
		{"version: STSv1\nmode: none\nmax_age: -1\n", "", "max_age", 0},
		{"version: STSv1\nmode: testing\nmax_age: 1\n", "", "no host", 0},
		{"version: STSv1\nmx: " + strings.Repeat("a", maxPolicy), "", "too long", 0},
		{"", "", "version", 0},
	} {
		p, err := parsePolicy([]byte(c.text))
		switch {
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%.60q: %v", c.text, err)
		case c.wrong == "" && (err != nil || p.Mode != c.mode || p.MaxAge != c.age):
			t.Errorf("%.60q: %+v, %v", c.text, p, err)
		}
	}
}

// FuzzPolicy: what a policy says is within its bounds, whatever is sent.
func FuzzPolicy(f *testing.F) {
	f.Add("version: STSv1\r\nmode: enforce\r\nmx: a.example\r\nmax_age: 60\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePolicy([]byte(text))
		if err == nil && (p.MaxAge < 0 || p.MaxAge > longest || len(p.MX) > maxHosts) {
			t.Errorf("%+v", p)
		}
	})
}

func TestAllows(t *testing.T) {
	p := &Policy{MX: []string{"mx.example", "*.shop.example"}}
	for host, want := range map[string]bool{
		"mx.example": true, "MX.Example.": true, "a.mx.example": false, "a.shop.example": true, "shop.example": false, "a.b.shop.example": false, "": false, "example": false,
	} {
		if p.allows(host) != want {
			t.Errorf("%q: not %t", host, want)
		}
	}
}

func TestLocal(t *testing.T) {
	for conf, want := range map[string]string{
		"":                                     "",
		"nameserver 192.0.2.1\n":               "",
		"# x\nnameserver 127.0.0.53\n":         "127.0.0.53:53",
		"nameserver 9.9.9.9\nnameserver ::1\n": "[::1]:53",
		"search a\nnameserver\n":               "",
	} {
		s := Local(strings.NewReader(conf), nil)
		if got := ""; s != nil {
			got = s.addr
			if got != want {
				t.Errorf("%q: %s", conf, got)
			}
		} else if want != "" {
			t.Errorf("%q: none", conf)
		}
	}
}

// TestDANEDates: of the server's own certificate no dates count, of one below an authority
// they do. An authority may stand in the record alone.
func TestDANEDates(t *testing.T) {
	a, err := base.NewAuthorityFor("mx.example")
	if err != nil {
		t.Fatal(err)
	}
	leaf := a.ServerCertificate().Leaf
	b, err := a.Expired()
	if err != nil {
		t.Fatal(err)
	}
	roots := a.ClientConfig().RootCAs
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "mx.example"})
	if err != nil {
		t.Fatal(err)
	}
	root := chains[0][len(chains[0])-1]
	whole := tlsa{2, 0, 0, root.Raw}
	for _, c := range []struct {
		name string
		r    tlsa
		leaf *x509.Certificate
		ok   bool
	}{
		{"own, expired", tlsa{3, 0, 0, b.Leaf.Raw}, b.Leaf, true},
		{"authority in the record", whole, leaf, true},
		{"authority in the record, expired", whole, b.Leaf, false},
		{"the record is no certificate", tlsa{2, 0, 0, []byte("x")}, leaf, false},
	} {
		d := &dane{host: "mx.example", records: []tlsa{c.r}, names: []string{"example", "mx.example", "localhost"}, now: time.Now}
		err := d.verify(tls.ConnectionState{PeerCertificates: []*x509.Certificate{c.leaf}})
		if (err == nil) != c.ok || err != nil && protocols.KindOf(err) != protocols.KindTLS {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := (&dane{now: time.Now}).verify(tls.ConnectionState{}); err == nil {
		t.Error("no certificate is right")
	}
}

// played is a name server that answers with the messages of a function, or bytes.
func played(t *testing.T, answer func(m *dnsmessage.Message) []byte) *Server {
	return NewServer(labtest.Serve(t, func(c net.Conn) {
		defer c.Close()
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(size[:]))
		var m dnsmessage.Message
		if _, err := io.ReadFull(c, b); err != nil || m.Unpack(b) != nil {
			return
		}
		m.Response, m.Additionals = true, nil
		raw := answer(&m)
		if raw == nil {
			raw, _ = m.Pack()
		}
		c.Write(binary.BigEndian.AppendUint16(nil, uint16(len(raw))))
		c.Write(raw)
	}), nil)
}

func add(m *dnsmessage.Message, name string, body dnsmessage.ResourceBody, t dnsmessage.Type) {
	m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Type: t, Class: dnsmessage.ClassINET}, Body: body})
}

// TestAliases: the records stand where the aliases of a host end; where a name on the way
// is not validated none are looked for.
func TestAliases(t *testing.T) {
	for _, secure := range []bool{true, false} {
		var mu sync.Mutex
		var asked []string
		s := played(t, func(m *dnsmessage.Message) []byte {
			mu.Lock()
			defer mu.Unlock()
			q := m.Questions[0]
			m.AuthenticData = secure || q.Type == dnsmessage.TypeMX
			asked = append(asked, q.Name.String())
			switch q.Type {
			case dnsmessage.TypeMX:
				add(m, q.Name.String(), &dnsmessage.MXResource{MX: dnsmessage.MustNewName("mx.example.")}, q.Type)
			case dnsmessage.TypeA:
				add(m, "mx.example.", &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("a.example.")}, dnsmessage.TypeCNAME)
				add(m, "a.example.", &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("b.example.")}, dnsmessage.TypeCNAME)
				add(m, "b.example.", &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}, q.Type)
			case typeTLSA:
				add(m, q.Name.String(), &dnsmessage.UnknownResource{Type: typeTLSA, Data: append([]byte{3, 1, 1}, make([]byte, 32)...)}, q.Type)
			}
			return nil
		})
		f := &Finder{Trusted: s, Cache: NewCache(""), Now: time.Now, Tell: func(string) {}}
		r, err := f.Route(t.Context(), "example")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.LookupMX(t.Context(), "example"); err != nil {
			t.Fatal(err)
		}
		d, err := r.Demand(t.Context(), "mx.example", "25")
		mu.Lock()
		defer mu.Unlock()
		if err != nil || (d.By == "dane") != secure || slices.Contains(asked, "_25._tcp.b.example.") != secure {
			t.Errorf("secure is %t: %+v, %v, asked %q", secure, d, err, asked)
		}
	}
}

// TestAnswers: what is not an answer to the question is an error, never that there is nothing.
func TestAnswers(t *testing.T) {
	for name, answer := range map[string]func(m *dnsmessage.Message) []byte{
		"refused":          func(m *dnsmessage.Message) []byte { m.RCode = dnsmessage.RCodeRefused; return nil },
		"bogus":            func(m *dnsmessage.Message) []byte { m.RCode = dnsmessage.RCodeServerFailure; return nil },
		"not an answer":    func(m *dnsmessage.Message) []byte { m.Response = false; return nil },
		"another question": func(m *dnsmessage.Message) []byte { m.Questions[0].Type = dnsmessage.TypeA; return nil },
		"garbage":          func(*dnsmessage.Message) []byte { return []byte("garbage") },
		"nothing":          func(*dnsmessage.Message) []byte { return []byte{} },
	} {
		if a, err := played(t, answer).ask(t.Context(), "h.example", typeTLSA); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if _, err := NewServer("127.0.0.1:1", nil).ask(t.Context(), strings.Repeat("a", 300), typeTLSA); protocols.KindOf(err) != protocols.KindUsage {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	f := &Finder{Trusted: NewServer("127.0.0.1:1", nil), Cache: NewCache(""), Now: time.Now}
	if _, err := f.Route(ctx, "example"); err == nil {
		t.Error("no error after the end")
	}
}

// TestCache: a file that is not right is as none, and an address has no policy.
func TestCache(t *testing.T) {
	dir := t.TempDir()
	c, now := NewCache(filepath.Join(dir, "deep")), time.Now()
	if c.get("a.example", now) != nil {
		t.Error("something in an empty cache")
	}
	p := &Policy{ID: "1", Mode: modeEnforce, MX: []string{"mx.example"}, Until: now.Add(time.Hour)}
	if err := c.put(t.Context(), "a.example", p); err != nil {
		t.Fatal(err)
	}
	if got := c.get("a.example", now); got == nil || got.ID != "1" || c.get("a.example", now.Add(2*time.Hour)) != nil {
		t.Errorf("%+v", got)
	}
	for _, text := range []string{"", "{", `{"until":"9999-01-01T00:00:00Z"}`} {
		if err := os.WriteFile(c.path("b.example"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := c.get("b.example", now); got != nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NewCache(filepath.Join(dir, "file")).put(t.Context(), "a.example", p); protocols.KindOf(err) != protocols.KindLocal {
		t.Error(err)
	}
	for _, domain := range []string{"[192.0.2.1]", "192.0.2.1", "[IPv6:2001:db8::1]"} {
		r, err := (&Finder{Cache: c, Now: time.Now}).Route(t.Context(), domain)
		if err != nil || !r.given {
			t.Errorf("%s: %+v, %v", domain, r, err)
		}
		if d, err := r.Demand(t.Context(), "192.0.2.1", "25"); err != nil || d.By != "" {
			t.Errorf("%s: %+v, %v", domain, d, err)
		}
	}
}
