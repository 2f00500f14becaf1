package cli

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// mailDomain is shop.test: its zone, the web server of its policy, its mail server.
type mailDomain struct {
	mu       sync.Mutex
	tlsa     [][]byte // at the mail server
	broken   bool     // the question for them fails
	unsigned bool     // nothing is validated
	id       string   // of the policy; empty: no TXT record
	policy   string
	kind     string // content type of the policy; empty: text/plain
}

// answer is what the name server says.
func (d *mailDomain) answer(m *dnsmessage.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m.AuthenticData = !d.unsigned
	q := m.Questions[0]
	switch name := q.Name.String(); {
	case q.Type == dnsmessage.TypeMX && name == "shop.test.":
		addRecord(m, &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName("mx.shop.test.")})
	case q.Type == dnsmessage.TypeA && name == "mx.shop.test.":
		addRecord(m, &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}})
	case q.Type == dnsmessage.TypeAAAA && name == "mx.shop.test.": // no address, but the name is there
	case q.Type == 52 && name == "_25._tcp.mx.shop.test." && d.broken:
		m.RCode = dnsmessage.RCodeServerFailure
	case q.Type == 52 && name == "_25._tcp.mx.shop.test." && d.tlsa != nil:
		for _, data := range d.tlsa {
			addRecord(m, &dnsmessage.UnknownResource{Type: 52, Data: data})
		}
	case q.Type == dnsmessage.TypeTXT && name == "_mta-sts.shop.test." && d.id != "":
		addRecord(m, &dnsmessage.TXTResource{TXT: []string{"v=STSv1; ", "id=" + d.id + ";"}})
	default:
		m.RCode = dnsmessage.RCodeNameError
	}
}

func (d *mailDomain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.policy == "" || r.URL.Path != "/.well-known/mta-sts.txt" || r.Host != "mta-sts.shop.test" {
		http.NotFound(w, r)
		return
	}
	kind := d.kind
	if kind == "" {
		kind = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	io.WriteString(w, d.policy)
}

// publish changes the policy.
func (d *mailDomain) publish(id, policy string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.id, d.policy = id, policy
}

// tlsaData makes the data of a record.
func tlsaData(usage, selector, matching byte, data []byte) []byte {
	switch matching {
	case 1:
		sum := sha256.Sum256(data)
		data = sum[:]
	case 2:
		sum := sha512.Sum512(data)
		data = sum[:]
	}
	return append([]byte{usage, selector, matching}, data...)
}

const (
	enforced = "version: STSv1\r\nmode: enforce\r\nmx: mx.shop.test\r\nmax_age: 86400\r\n"
	elsewhat = "version: STSv1\nmode: enforce\nmx: *.other.test\nmx: a.mx.shop.test\nmax_age: 86400\n"
)

// TestMXPolicies sends to a domain that asks for this and that, at servers that keep it or
// do not.
func TestMXPolicies(t *testing.T) {
	good, err := base.NewAuthorityFor("mx.shop.test", "mta-sts.shop.test")
	if err != nil {
		t.Fatal(err)
	}
	misnamed, err := base.NewAuthorityFor("other.test")
	if err != nil {
		t.Fatal(err)
	}
	leaf := func(a *base.Authority) []byte { return a.ServerCertificate().Certificate[0] }
	key := func(a *base.Authority) []byte { return a.ServerCertificate().Leaf.RawSubjectPublicKeyInfo }
	root := func(a *base.Authority) []byte { b, _ := pem.Decode(a.CAPEM()); return b.Bytes }
	trial := strings.Replace(elsewhat, "enforce", "testing", 1)
	tests := []struct {
		name   string
		domain *mailDomain
		cert   *base.Authority // of the mail server; nil: it has no TLS
		args   string
		code   int
		by     string // tls_policy
		says   string // on standard error
	}{
		{"nobody asks, no TLS", &mailDomain{}, nil, "", 0, "", ""},
		{"nobody asks, wrong name", &mailDomain{}, misnamed, "", 0, "", "could not verify"},
		{"its key", &mailDomain{tlsa: [][]byte{tlsaData(3, 1, 1, key(misnamed))}}, misnamed, "", 0, "dane", ""},
		{"one of several", &mailDomain{tlsa: [][]byte{tlsaData(3, 1, 2, []byte("old")), tlsaData(3, 0, 0, leaf(good))}}, good, "", 0, "dane", ""},
		{"another key", &mailDomain{tlsa: [][]byte{tlsaData(3, 1, 1, key(good))}}, misnamed, "", 4, "", "DANE of mx.shop.test: no TLSA record matches"},
		{"records, but no STARTTLS", &mailDomain{tlsa: [][]byte{tlsaData(3, 1, 1, key(good))}}, nil, "", 4, "", "STARTTLS"},
		{"its authority", &mailDomain{tlsa: [][]byte{tlsaData(2, 0, 1, root(good))}}, good, "", 0, "dane", ""},
		{"its own key as that of an authority", &mailDomain{tlsa: [][]byte{tlsaData(2, 1, 2, good.ServerCertificate().Leaf.RawSubjectPublicKeyInfo)}}, good, "", 4, "", "no TLSA record matches"},
		{"its authority, wrong name", &mailDomain{tlsa: [][]byte{tlsaData(2, 0, 1, root(misnamed))}}, misnamed, "", 4, "", "certificate is valid for"},
		{"none can be used", &mailDomain{tlsa: [][]byte{tlsaData(0, 0, 1, nil), {3, 1, 1, 1}}}, misnamed, "", 0, "dane", ""},
		{"none can be used, no TLS", &mailDomain{tlsa: [][]byte{tlsaData(1, 0, 1, nil)}}, nil, "", 4, "", "STARTTLS"},
		{"not validated", &mailDomain{tlsa: [][]byte{tlsaData(3, 1, 1, key(good))}, unsigned: true}, misnamed, "", 0, "", "could not verify"},
		{"the question fails", &mailDomain{broken: true}, good, "", 3, "", "ServerFailure to TLSA"},
		{"off", &mailDomain{broken: true}, nil, "--mx-policy off", 0, "", ""},
		{"TLS off", &mailDomain{broken: true}, good, "--tls off", 0, "", ""},
		{"enforced", &mailDomain{id: "1", policy: enforced}, good, "--ca-file CA", 0, "mta-sts", ""},
		{"enforced, no TLS", &mailDomain{id: "1", policy: enforced}, nil, "--ca-file CA", 4, "", "STARTTLS"},
		{"enforced, another authority", &mailDomain{id: "1", policy: enforced}, misnamed, "--ca-file CA", 4, "", "certificate"},
		{"enforced, another host", &mailDomain{id: "1", policy: elsewhat}, good, "--ca-file CA", 4, "", "is not among the hosts"},
		{"enforced, DANE decides", &mailDomain{id: "1", policy: elsewhat, tlsa: [][]byte{tlsaData(3, 1, 1, key(good))}}, good, "--ca-file CA", 0, "dane", ""},
		{"testing", &mailDomain{id: "1", policy: trial}, nil, "--ca-file CA", 0, "", "is in testing"},
		{"mode none", &mailDomain{id: "1", policy: "version: STSv1\nmode: none\nmax_age: 1\n"}, nil, "--ca-file CA", 0, "", ""},
		{"the policy's server is not verified", &mailDomain{id: "1", policy: elsewhat}, nil, "", 0, "", ""},
		{"the policy is a page", &mailDomain{id: "1", policy: elsewhat, kind: "text/html"}, nil, "--ca-file CA -v", 0, "", "text/html"},
		{"the policy is broken", &mailDomain{id: "1", policy: "version: STSv1\nmode: enforce\nmax_age: 1\n"}, nil, "--ca-file CA -v", 0, "", "names no host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startDomain(t, tt.domain, good, tt.cert)
			code, out, errOut := s.send(t, tt.args)
			if by := strings.Contains(out, `"tls_policy":"`+tt.by+`"`); code != tt.code || code == 0 && by != (tt.by != "") || !strings.Contains(errOut, tt.says) {
				t.Errorf("exit code %d, %s%s", code, out, errOut)
			}
			if n := s.mail.Received(); n > 0 != (tt.code == 0) {
				t.Errorf("%d messages arrived", n)
			}
		})
	}
}

// domainServers are the servers of a domain, and the files of a user.
type domainServers struct {
	dns, web, ca string
	mail         *maillab.SMTPServer
}

func startDomain(t *testing.T, d *mailDomain, web, mail *base.Authority) *domainServers {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	s := &domainServers{ca: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(s.ca, web.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	page := httptest.NewUnstartedServer(d)
	page.TLS = web.ServerConfig()
	page.Config.ErrorLog = log.New(io.Discard, "", 0)
	page.StartTLS()
	t.Cleanup(page.Close)
	s.web = page.Listener.Addr().String()
	s.dns = dnsServer(t, d.answer)
	o := maillab.SMTPOptions{Discard: true}
	if mail != nil {
		b, _ := pem.Decode(mail.CAPEM())
		c := mail.ServerCertificate()
		c.Certificate = append([][]byte{}, c.Certificate[0], b.Bytes)
		o.ServerOptions = lab.ServerOptions{TLS: lab.TLSExplicit, Authority: mail, Certificate: &c}
	}
	s.mail = labtest.Start(t, maillab.StartSMTP, o)
	return s
}

func (s *domainServers) send(t *testing.T, args string) (code int, out, errOut string) {
	words := strings.Fields("smtp send shop.test --mx --from a@example.org --to b@shop.test --body x --json --retries 0 --dns " + s.dns +
		" --connect-to mx.shop.test:25:" + s.mail.Addr() + " --connect-to mta-sts.shop.test:443:" + s.web + " " + strings.ReplaceAll(args, "CA", s.ca))
	return fullCLI(t, append(words, "--proxy", "")...)
}

// TestMXPolicyIsKept: a policy holds on when its record is gone, until another one or its
// end; the file is the user's alone.
func TestMXPolicyIsKept(t *testing.T) {
	good, err := base.NewAuthorityFor("mx.shop.test", "mta-sts.shop.test")
	if err != nil {
		t.Fatal(err)
	}
	d := &mailDomain{id: "1", policy: elsewhat}
	s := startDomain(t, d, good, good)
	expect := func(what string, code int) {
		t.Helper()
		if got, out, errOut := s.send(t, "--ca-file CA"); got != code {
			t.Errorf("%s: exit code %d, %s%s", what, got, out, errOut)
		}
	}
	expect("fetched", 4)
	kept := filepath.Join(os.Getenv("XDG_STATE_HOME"), "netclients", "mta-sts", "shop.test.json")
	if info, err := os.Stat(kept); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v %v", info, err)
	}
	d.publish("", "")
	expect("the record is gone", 4)
	d.publish("2", "")
	expect("the new one cannot be had", 4)
	d.publish("2", enforced)
	expect("another one", 0)
	d.publish("2", elsewhat)
	expect("the id is the same", 0)
	if err := os.WriteFile(kept, []byte(`{"id":"2","mode":"enforce","mx":["mx.shop.test"],"until":"2020-01-01T00:00:00Z"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	expect("the kept one is over", 4)
}
