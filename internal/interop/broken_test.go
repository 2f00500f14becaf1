//go:build linux

package interop

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A private instance of a server is one of those of servers.sh with other settings, on
// ports of its own. It ends with the test, and the other tests do not notice it.

// state is the folder of the servers.
func state(t *testing.T) string {
	t.Helper()
	return filepath.Dir(filepath.Dir(CA(t)))
}

// needRoot skips a test whose servers drop privileges by themselves.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("servers with other settings are started by root only")
	}
}

// derived reads a configuration file of a running server, replaces patterns in it in
// order, and writes it to a folder of the test.
func derived(t *testing.T, dir, from string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		text = regexp.MustCompile("(?m)"+replace[i]).ReplaceAll(text, []byte(replace[i+1]))
	}
	path := filepath.Join(dir, filepath.Base(from))
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve starts a server in the foreground, waits until it listens at addr, and ends it,
// with all that it has started, at the end of the test.
func serve(t *testing.T, addr string, argv ...string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-done
		}
	})
	for range 100 {
		if conn, err := net.DialTimeout("tcp", addr, dialTimeout); err == nil {
			conn.Close()
			return
		}
		select {
		case <-done:
			t.Fatalf("%s has ended: %s", argv[0], &out)
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not listen at %s: %s", argv[0], addr, &out)
}

// brokenVsftpd starts vsftpd with further settings, and returns its address.
func brokenVsftpd(t *testing.T, settings string) string {
	t.Helper()
	needRoot(t)
	dir, port := t.TempDir(), freePort(t)
	conf := derived(t, dir, filepath.Join(state(t), "vsftpd.conf"), `^listen_port=.*`, "listen_port="+port,
		`^pasv_min_port=.*`, "pasv_min_port=29000", `^pasv_max_port=.*`, "pasv_max_port=29099")
	f, err := os.OpenFile(conf, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(settings); err != nil {
		t.Fatal(err)
	}
	f.Close()
	addr := net.JoinHostPort("127.0.0.1", port)
	serve(t, addr, "sh", "-c", `exec vsftpd "$1" 0>&1`, "sh", conf) // it reports errors on descriptor 0
	return addr
}

// brokenPostfix starts a Postfix that takes SMTP only, with further settings, and
// returns its address.
func brokenPostfix(t *testing.T, settings string) string {
	t.Helper()
	needRoot(t)
	dir, err := os.MkdirTemp("/tmp", "netclients-postfix") // its own users must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	port, from := freePort(t), filepath.Join(state(t), "postfix")
	for _, name := range []string{"etc", "spool", "data", "log"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("chown", "postfix", filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	etc := filepath.Join(dir, "etc")
	changes := []string{regexp.QuoteMeta(from), dir, `^maillog_file_prefixes = .*`, "maillog_file_prefixes = " + dir, `^smtpd_sasl_auth_enable = .*`, "smtpd_sasl_auth_enable = no"}
	for line := range strings.Lines(settings) {
		// Each process warns of a parameter that is there twice, postlogd too: to itself, which
		// blocks it for ever when its queue is full.
		name, _, _ := strings.Cut(line, "=")
		changes = append(changes, `^`+regexp.QuoteMeta(strings.TrimSpace(name))+` *=.*\n`, "")
	}
	derived(t, etc, filepath.Join(from, "etc/main.cf"), append(changes, `\z`, settings)...)
	derived(t, etc, filepath.Join(from, "etc/master.cf"), `^127.0.0.1:22(587|465|027) .*\n`, "", `^127.0.0.1:22025 `, "127.0.0.1:"+port+" ")
	addr := net.JoinHostPort("127.0.0.1", port)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = exec.CommandContext(ctx, "postfix", "-c", etc, "stop").Run()
	})
	serve(t, addr, "postfix", "-c", etc, "start-fg")
	return addr
}

// ownDovecot starts a Dovecot with accounts of its own that asks an authorization server
// about tokens, by introspection (RFC 7662). It returns the addresses of IMAP and POP3.
func ownDovecot(t *testing.T, introspection string) (imap, pop3 string) {
	t.Helper()
	needRoot(t)
	dir, err := os.MkdirTemp("/tmp", "netclients-dovecot") // its own users must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"run", "state", "home/alice"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(filepath.Join(dir, "home/alice"), 5000, 5000); err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(state(t), "dovecot")
	derived(t, dir, filepath.Join(from, "passwd"), regexp.QuoteMeta(from), dir)
	oauth := "introspection_mode = post\nintrospection_url = " + introspection + "\nusername_attribute = username\nactive_attribute = active\nactive_value = true\n"
	if err := os.WriteFile(filepath.Join(dir, "oauth2.conf"), []byte(oauth), 0o644); err != nil {
		t.Fatal(err)
	}
	ports := []string{`base_dir = .*`, "base_dir = " + dir + "/run", regexp.QuoteMeta(from), dir, `^instance_name = .*`, "instance_name = " + filepath.Base(dir)}
	found := map[string]string{}
	for _, old := range []string{"22143", "22993", "22110", "22995", "22024", "22026"} {
		found[old] = freePort(t)
		ports = append(ports, `port = `+old+`\b`, "port = "+found[old])
	}
	conf := derived(t, dir, filepath.Join(from, "dovecot.conf"), ports...)
	imap, pop3 = net.JoinHostPort("127.0.0.1", found["22143"]), net.JoinHostPort("127.0.0.1", found["22110"])
	serve(t, imap, "/usr/sbin/dovecot", "-F", "-c", conf)
	return imap, pop3
}

// expired writes a certificate of the servers' authority that ended yesterday, with its
// key, and returns the path.
func expired(t *testing.T) string {
	t.Helper()
	authority, err := tls.LoadX509KeyPair(CA(t), strings.TrimSuffix(CA(t), ".crt")+".key")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().AddDate(0, 0, -30), NotAfter: time.Now().AddDate(0, 0, -1),
	}, authority.Leaf, &key.PublicKey, authority.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "expired.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
