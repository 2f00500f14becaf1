package cli

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/youmark/pkcs8"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/socklab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

func TestNoProxyFlag(t *testing.T) {
	t.Setenv("no_proxy", "quiet.test")
	t.Setenv("all_proxy", "http://env:2")
	for _, c := range []struct{ flags, direct, proxied string }{
		{"--proxy socks5://p:1 --noproxy .in.test,10.0.0.0/8", "fake://in.test fake://a.in.test fake://10.1.2.3", "fake://out.test fake://11.1.2.3 fake://xin.test fake://quiet.test"},
		{"--noproxy one.test", "fake://one.test fake://quiet.test", "fake://two.test"},
		{"--noproxy *", "fake://one.test", ""},
		{"", "fake://quiet.test", "fake://one.test"},
	} {
		s := &fakeServer{}
		s.cli(t, append(strings.Fields("ls fake://h/"), strings.Fields(c.flags)...)...).want(t, 0, "")
		for list, through := range map[string]bool{c.direct: false, c.proxied: true} {
			for _, host := range strings.Fields(list) {
				if u, err := s.options.Proxy(urlOf(t, host)); err != nil || (u != nil) != through {
					t.Errorf("%s: %s goes through %v, %v", c.flags, host, u, err)
				}
			}
		}
	}
}

func TestProxyHeaderFlag(t *testing.T) {
	s := &fakeServer{}
	s.cli(t, "ls", "fake://h/", "--proxy-header", "X-Via: one", "--proxy-header", "X-Via:two").want(t, 0, "")
	if got := s.options.ProxyHeader["X-Via"]; !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("%q", got)
	}
	for line, why := range map[string]string{
		"s3cret": "want 'Name: value'", ": s3cret": "want 'Name: value'", "X-A: s3cret\r\nX-B: c": "line break", "Host: s3cret": "cannot be set",
	} {
		got := s.cli(t, "ls", "fake://h/", "--proxy-header", line)
		if got.says(t, 2, why); strings.Contains(got.errOut, "s3cret") {
			t.Errorf("%q: %s", line, got.errOut)
		}
	}
}

func TestNoHeadersForSOCKS(t *testing.T) {
	s := &fakeServer{}
	s.cli(t, "ls", "fake://h/", "-x", "socks5://p:1", "--proxy-header", "X-Via: one").says(t, 2, "SOCKS")
	s.cli(t, "ls", "fake://h/", "-x", "http://p:1", "--proxy-header", "X-Via: one").want(t, 0, "")
}

func TestTimesFromEnvironment(t *testing.T) {
	s := &fakeServer{wait: true}
	t.Setenv("NETCLIENTS_TIMEOUT", "20ms")
	t.Setenv("NETCLIENTS_CONNECT_TIMEOUT", "3s")
	t.Setenv("NETCLIENTS_IDLE_TIMEOUT", "7")
	s.cli(t, "ls", "fake://h/", "--idle-timeout", "9s").says(t, 8, "timed out after 20ms (--timeout)")
	if o := s.options; o.ConnectTimeout.Seconds() != 3 || o.IdleTimeout.Seconds() != 9 {
		t.Errorf("%v, %v", o.ConnectTimeout, o.IdleTimeout)
	}
	t.Setenv("NETCLIENTS_TIMEOUT", "soon")
	s.cli(t, "ls", "fake://h/").says(t, 2, "NETCLIENTS_TIMEOUT=soon: want a time such as 4s")
	s.cli(t, "hostname").says(t, 2, "NETCLIENTS_TIMEOUT=soon")
}

// tlsServer takes connections with TLS, and wants a certificate of the client.
func tlsServer(t *testing.T, a *lab.Authority) (address string) {
	conf := a.ServerConfig()
	conf.ClientAuth, conf.ClientCAs = tls.RequireAndVerifyClientCert, a.Pool()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() { // ends with the listener
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.(*tls.Conn).Handshake()
			c.Write([]byte("hello\n"))
			c.Close()
		}
	}()
	return ln.Addr().String()
}

// mainLine runs a command line with the real protocols.
func mainLine(t *testing.T, args ...string) run {
	t.Helper()
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	var out, errOut strings.Builder
	code := Main(t.Context(), args, strings.NewReader(""), &out, &errOut)
	return run{code, out.String(), errOut.String()}
}

// TestEncryptedKeys: the forms that programs write, and what a wrong password says.
func TestEncryptedKeys(t *testing.T) {
	a, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := a.ClientCertificate("ann")
	if err != nil {
		t.Fatal(err)
	}
	cert, _, err := lab.PEM(pair)
	if err != nil {
		t.Fatal(err)
	}
	modern, err := pkcs8.ConvertPrivateKeyToPKCS8(pair.PrivateKey, []byte("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := x509.EncryptPEMBlock(rand.Reader, "PRIVATE KEY", der, []byte("open sesame"), x509.PEMCipherAES256) //nolint:staticcheck // the form that the program still reads
	if err != nil {
		t.Fatal(err)
	}
	ca, certFile := tempFile(t, "ca", string(a.CAPEM())), tempFile(t, "cert", string(cert))
	good, bad := tempFile(t, "good", "open sesame\n"), tempFile(t, "bad", "wrong\n")
	address := tlsServer(t, a)
	for name, key := range map[string]*pem.Block{"PKCS #8": {Type: "ENCRYPTED PRIVATE KEY", Bytes: modern}, "RFC 1421": legacy} {
		keyFile := tempFile(t, "key", string(pem.EncodeToMemory(key)))
		line := []string{"tcp", "recv", "tls://" + address, "--ca-file", ca, "--cert", certFile, "--key", keyFile}
		mainLine(t, append(line, "--key-password-file", good)...).want(t, 0, "hello\n")
		mainLine(t, append(line, "--key-password-file", bad)...).says(t, 5, "cannot be decrypted")
		mainLine(t, line...).says(t, 5, "is encrypted", "--key-password-file FILE")
		t.Log(name)
	}
	mainLine(t, "tcp", "recv", "tls://"+address, "--key-password-file", good).says(t, 2, "--key-password-file needs --cert")
}

// TestTLSVersionAndKeyLog: --tls-max, and the keys for those who look into TLS.
func TestTLSVersionAndKeyLog(t *testing.T) {
	a, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	web, err := weblab.StartHTTP(weblab.HTTPOptions{ServerOptions: lab.ServerOptions{Authority: a, TLS: lab.TLSImplicit}})
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	ca := tempFile(t, "ca", string(a.CAPEM()))
	keys := filepath.Join(t.TempDir(), "keys")
	t.Setenv("SSLKEYLOGFILE", keys)
	for max, version := range map[string]string{"1.2": "TLS 1.2", "1.3": "TLS 1.3"} {
		got := mainLine(t, "probe", web.URL(), "--ca-file", ca, "--tls-max", max, "--json", "-v")
		if got.code != 0 || !strings.Contains(got.out, `"tls_version":"`+version+`"`) || !strings.Contains(got.errOut, "SSLKEYLOGFILE") {
			t.Errorf("%s: %+v", max, got)
		}
	}
	text, err := os.ReadFile(keys)
	if err != nil || !strings.Contains(string(text), "CLIENT_RANDOM ") || !strings.Contains(string(text), "CLIENT_TRAFFIC_SECRET_0 ") {
		t.Errorf("%s, %v", text, err)
	}
	if info, err := os.Stat(keys); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	mainLine(t, "probe", web.URL(), "--tls-min", "1.3", "--tls-max", "1.2").says(t, 2, "--tls-min 1.3 is above --tls-max 1.2")
	t.Setenv("SSLKEYLOGFILE", "/nowhere/keys")
	mainLine(t, "probe", web.URL()).says(t, 11, "/nowhere/keys")
}

func TestProxyCommandLine(t *testing.T) {
	for _, c := range []struct{ line, address, want string }{
		{"nc %h %p", "server.test:143", "nc server.test 143"},
		{"a 100%% %h:%p %h", "[::1]:25", "a 100% ::1:25 ::1"},
		{"nc %h", "$(reboot):25", ""},
		{"nc %h", "-oProxyCommand=x:25", ""},
		{"nc %h", "a;b:25", ""},
		{"nc %h", "a b:25", ""},
	} {
		got, err := kit.FillCommand(c.line, c.address)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s, %s: %q, %v", c.line, c.address, got, err)
		}
	}
}

// TestProxyCommandIsNotThisMachine: what a command leads to may be far away.
func TestProxyCommandIsNotThisMachine(t *testing.T) {
	u := "pop3://ann:secret@127.0.0.1:1/"
	says := []string{"--proxy-command", "printf '+OK ready\\r\\n'; while read -r line; do case $line in CAPA*) printf '+OK\\r\\n.\\r\\n';; *) printf '-ERR no\\r\\n';; esac; done"}
	mainLine(t, append(says, "ls", u)...).says(t, 5, "refused to send a secret without TLS")
	mainLine(t, "ls", u, "--proxy-command", "exit 3").says(t, 3, "the proxy command ended: exit status 3")
	mainLine(t, "ls", u, "--proxy-command", "cat", "--proxy", "http://p:1").says(t, 2, "cannot be used together")
	mainLine(t, "udp", "send", "127.0.0.1:9", "x", "--proxy-command", "cat").says(t, 2, "carries no datagrams")
	file := t.TempDir() + "/socket"
	local, err := socklab.Start(socklab.Options{ServerOptions: lab.ServerOptions{Addr: file}, Network: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	mainLine(t, "unix", "send", file, "hello", "--proxy-command", "exit 3").want(t, 0, "hello")
	greets := "printf '* PREAUTH [CAPABILITY IMAP4rev1] hello ann\\r\\n'; " +
		"while read -r tag rest; do case $rest in LIST*) printf '* LIST () \"/\" INBOX\\r\\n';; LOGOUT*) printf '* BYE bye\\r\\n';; esac; printf \"$tag OK done\\r\\n\"; done"
	got := mainLine(t, "ls", "imap://ann@far.test/", "--proxy-command", greets)
	if got.code != 0 || !strings.Contains(got.out, "INBOX") {
		t.Errorf("PREAUTH: %+v", got)
	}
}
