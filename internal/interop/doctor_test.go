//go:build linux

package interop

import (
	"crypto/tls"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/doctor"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
)

// examined checks what the doctor says of a server: "step: status words", and the first
// step that fails.
func examined(t *testing.T, url, first string, want ...string) *doctor.Report {
	t.Helper()
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	at, err := reg.Parse(url, "")
	if err != nil {
		t.Fatal(err)
	}
	o := &protocols.Options{ConnectTimeout: 3 * time.Second, IdleTimeout: 10 * time.Second, Memory: new(protocols.Memory)}
	o.TLS.Config = &tls.Config{RootCAs: Pool(t)}
	steps := map[string]doctor.Result{}
	r, err := doctor.Examine(t.Context(), doctor.Patient{Target: at, Options: o, Open: (*protocols.Target).Open}, func(r doctor.Result) error {
		t.Logf("%-8s %-16s %s [%s]", r.Status, r.Step, r.Text, r.Ask)
		steps[r.Step] = r
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		name, rest, _ := strings.Cut(w, ": ")
		status, text, _ := strings.Cut(rest, " ")
		if s := steps[name]; string(s.Status) != status || !strings.Contains(s.Text+" "+s.Ask, text) {
			t.Errorf("step %s is %s %q, ask %q; want %s", name, s.Status, s.Text, s.Ask, w)
		}
	}
	got := ""
	if r.First != nil {
		got = r.First.Step
	}
	if got != first {
		t.Errorf("the first failure is %q, not %q", got, first)
	}
	return r
}

const login = "alice:secret@"

func TestDoctorSound(t *testing.T) {
	a := Require(t, "FTP", "FTP_PRO", "FTP_PURE", "IMAP", "POP3S", "SUBMISSION", "NNTP_LOGIN", "HTTPS")
	for name, c := range map[string]struct {
		url  string
		want []string
	}{
		"vsftpd":    {"ftp://" + login + a["FTP"], []string{"TLS: ok", "certificate: ok", "PASV: ok", "session reuse: ok resume", "LIST: ok"}},
		"ProFTPD":   {"ftpes://" + login + a["FTP_PRO"], []string{"TLS: ok", "EPSV: ok", "session reuse: ok", "MLSD: ok", "pipelining: ok"}},
		"Pure-FTPd": {"ftp://" + login + a["FTP_PURE"], []string{"TLS: ok", "EPSV: ok", "MLSD: ok"}},
		"IMAP":      {"imap://" + login + a["IMAP"], []string{"TLS: ok", "login: ok SCRAM-SHA-256", "mailboxes: ok", "extensions: ok QRESYNC"}},
		"POP3":      {"pop3s://" + login + a["POP3S"], []string{"TLS: ok", "login: ok", "messages: ok"}},
		"SMTP":      {"submission://" + login + a["SUBMISSION"], []string{"TLS: ok", "size limit: ok", "extensions: ok CHUNKING", "login: ok"}},
		"NNTP":      {"nntp://" + login + a["NNTP_LOGIN"], []string{"TLS: ok", "extensions: ok OVER", "login: ok AUTHINFO USER", "groups: ok"}},
		"HTTP":      {"https://" + a["HTTPS"] + "/hello.txt", []string{"certificate: ok", "answer: ok 200", "HTTP/2: ok", "ranges: ok"}},
	} {
		t.Run(name, func(t *testing.T) {
			if r := examined(t, c.url, "", c.want...); len(r.Settings) == 0 {
				t.Error("no profile is offered")
			}
		})
	}
}

func TestDoctorBroken(t *testing.T) {
	Require(t, "FTP", "FTP_PRO", "SMTP")
	t.Run("a passive address of another network", func(t *testing.T) {
		examined(t, "ftp://"+login+brokenVsftpd(t, "pasv_address=10.9.8.7\n"), "",
			"EPSV: ok", "PASV: without 10.9.8.7", "PASV: without pasv_address", "data connection: ok EPSV")
	})
	t.Run("data connections that resume no session", func(t *testing.T) { // Pure-FTPd keeps none
		examined(t, "ftpes://"+login+Require(t, "FTP_PURE")["FTP_PURE"], "", "EPSV: ok", "session reuse: without TLS session cache")
	})
	t.Run("a certificate that has ended", func(t *testing.T) {
		pem := expired(t)
		examined(t, "ftp://"+login+brokenVsftpd(t, "rsa_cert_file="+pem+"\nrsa_private_key_file="+pem+"\n"), "certificate",
			"TLS: ok", "certificate: failed expired", "certificate: failed renew", "login: skipped")
	})
	t.Run("AUTH TLS refused", func(t *testing.T) {
		examined(t, "ftp://"+login+brokenVsftpd(t, "ssl_enable=NO\n"), "", "TLS: without", "login: ok without TLS")
	})
	t.Run("STARTTLS refused", func(t *testing.T) {
		examined(t, "smtp://"+brokenPostfix(t, "smtpd_tls_cert_file = /nonexistent\nsmtpd_tls_key_file = /nonexistent\n"), "",
			"greeting: ok", "TLS: without 454", "TLS: without to turn TLS on", "extensions: ok")
	})
}

func run(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
}

// inNamespace, in the environment, says that the test runs in a network of its own.
const inNamespace = "INTEROP_NETWORK_OF_ITS_OWN"

// TestDoctorFirewall has a packet filter drop the passive ports, in a network namespace,
// so that nobody else is concerned.
func TestDoctorFirewall(t *testing.T) {
	needRoot(t)
	for _, name := range []string{"nft", "unshare", "ip"} {
		requireProgram(t, name)
	}
	if os.Getenv(inNamespace) == "" {
		cmd := exec.CommandContext(t.Context(), "unshare", "-n", os.Args[0], "-test.run=^TestDoctorFirewall$", "-test.v")
		cmd.Env = append(os.Environ(), inNamespace+"=1")
		out, err := cmd.CombinedOutput()
		if t.Logf("%s", out); err != nil {
			t.Fatal(err)
		}
		return
	}
	run(t, "ip", "link", "set", "lo", "up")
	run(t, "nft", "add table inet t; add chain inet t in { type filter hook input priority 0; }; add rule inet t in tcp dport 29000-29099 drop")
	addr := brokenVsftpd(t, "")
	r := examined(t, "ftp://"+login+addr, "", "login: ok", "EPSV: without pasv_min_port", "PASV: without", "EPRT: ok", "data connection: ok active only")
	if r.Settings[len(r.Settings)-1].Key != "active" {
		t.Errorf("the profile is %v", r.Settings)
	}
	run(t, "nft", "add rule inet t in tcp dport 30000-65535 tcp dport != "+addr[strings.LastIndexByte(addr, ':')+1:]+" ct state new drop")
	examined(t, "ftp://"+login+addr, "data connection", "EPSV: without", "EPRT: without", "data connection: failed firewall")
}
