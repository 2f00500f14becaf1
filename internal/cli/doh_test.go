package cli

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// fullCLI runs a command line with all adapters.
func fullCLI(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	var o, e bytes.Buffer
	code = Main(t.Context(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// TestDOHFlag: names are resolved at the server of --doh-url.
func TestDOHFlag(t *testing.T) {
	var asked atomic.Value
	doh := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var m dnsmessage.Message
		if err := m.Unpack(b); err != nil {
			t.Error(err)
			return
		}
		q := m.Questions[0]
		asked.Store(q.Name.String())
		m.Response = true
		if q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
		}
		packed, _ := m.Pack()
		w.Header().Set("Content-Type", "application/dns-message")
		w.Write(packed)
	}))
	defer doh.Close()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "found") }))
	defer web.Close()
	u, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + net.JoinHostPort("far.test", u.Port()) + "/"
	if code, out, errOut := fullCLI(t, "cat", at, "--doh-url", doh.URL, "--retries", "0", "--proxy", ""); code != 0 || out != "found" {
		t.Errorf("exit code %d, %q, %s", code, out, errOut)
	}
	if asked.Load() != "far.test." {
		t.Errorf("asked for %v", asked.Load())
	}
	for flag, says := range map[string]string{"http://dns.example.org/q": "want an https URL", "": ""} {
		code, _, errOut := fullCLI(t, "cat", "data:,x", "--doh-url", flag)
		if says != "" && (code != 2 || !strings.Contains(errOut, says)) || says == "" && code != 0 {
			t.Errorf("--doh-url %q: exit code %d, %s", flag, code, errOut)
		}
	}
	for line, says := range map[string]string{"--preproxy socks5://p:1": "which --proxy names", "--preproxy http://p:1 --proxy http://q:1": "want a SOCKS proxy"} {
		if code, _, errOut := fullCLI(t, append([]string{"cat", "data:,x"}, strings.Fields(line)...)...); code != 2 || !strings.Contains(errOut, says) {
			t.Errorf("%s: exit code %d, %s", line, code, errOut)
		}
	}
}
