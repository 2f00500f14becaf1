package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// told is a standard error that is listened to.
type told struct {
	mu    sync.Mutex
	text  []byte // guarded by mu
	heard func(text string)
}

func (w *told) Write(p []byte) (int, error) {
	w.heard(string(p))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, p...)
	return len(p), nil
}

func (w *told) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.text)
}

// probeCLI runs a command line with all protocols.
func probeCLI(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	var stdout, stderr bytes.Buffer
	code = Main(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// served runs probe --listen with more flags until the end of the test, and returns the
// address that it serves at.
func served(t *testing.T, args ...string) string {
	t.Helper()
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	found := make(chan string, 1)
	words := &told{heard: func(text string) {
		if _, at, ok := strings.Cut(text, "serving probes at "); ok {
			found <- strings.TrimSuffix(strings.TrimSpace(at), "/probe?target=URL")
		}
	}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- Main(ctx, append([]string{"probe", "--listen", "127.0.0.1:0"}, args...), strings.NewReader(""), io.Discard, words)
	}()
	select {
	case at := <-found:
		t.Cleanup(func() {
			stop()
			if code := <-ended; code != 130 {
				t.Errorf("exit code %d, %s", code, words)
			}
		})
		return at
	case code := <-ended:
		stop()
		t.Fatalf("exit code %d, %s", code, words)
	case <-time.After(10 * time.Second):
		stop()
		t.Fatal("it does not serve")
	}
	return ""
}

// get returns the status and the text of an answer.
func get(t *testing.T, c *http.Client, url string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func mentions(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !regexp.MustCompile("(?m)" + w).MatchString(text) {
			t.Errorf("%s is not in:\n%s", w, text)
		}
	}
}

// promtool has the format checked by Prometheus itself, where that is installed.
func promtool(t *testing.T, text string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("promtool is not installed (package prometheus): the format is not checked")
		return
	}
	cmd := exec.CommandContext(t.Context(), path, "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v: %s\n%s", err, out, text)
	}
}

func TestExporter(t *testing.T) {
	ca, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	web := labtest.Start(t, lab.StartHTTP, lab.HTTPOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit, Authority: ca}})
	mail := labtest.Mail(t)
	ftp := labtest.Start(t, lab.StartFTP, lab.FTPOptions{})
	secret := tempFile(t, "secret", "secret\n")
	imap := strings.Replace(mail.IMAP, "alice:secret@", "", 1)
	modules := tempFile(t, "modules.toml", fmt.Sprintf(`
[module.web]
scheme = "https"
expect_status = "2xx"
expect_body = "README"
settings = { ca_file = %q }
[module.mail]
login = true
settings = { url = %q, user = "alice", password_file = %q }
[module.trip]
timeout = "10s"
round_trip = %q
to = "alice@lab.invalid"
settings = { url = %q, user = "alice", password_file = %q }
arrives = { url = %q, user = "alice", password_file = %q }
[module.files]
round_trip = "%sincoming/"
settings = { url = %q, user = "alice", password_file = %q }
`, tempFile(t, "ca.pem", string(ca.CAPEM())), imap, secret, imap+"INBOX", strings.Replace(mail.SMTP, "alice:secret@", "", 1), secret, imap, secret, ftp.URL(), ftp.URL(), secret))
	at := served(t, "--modules", modules)
	for _, c := range []struct {
		name, query string
		want        []string
	}{
		{"a web server by name", "module=web&target=" + web.Addr() + "/", []string{`^probe_success 1$`, `^probe_http_status_code 200$`, `^probe_http_ssl 1$`, `^probe_http_version 1.1$`,
			`^probe_ssl_earliest_cert_expiry \d`, `^probe_ssl_last_chain_expiry_timestamp_seconds \d`, `^probe_tls_version_info{version="TLS 1.3"} 1$`, `^probe_http_duration_seconds{phase="processing"} `, `^probe_ip_protocol 4$`, `^probe_duration_seconds \d`, `^probe_dns_lookup_time_seconds 0$`}},
		{"another status", "module=web&target=" + web.Addr() + "/-/status/503", []string{`^probe_success 0$`, `^probe_http_status_code 503$`, `^netclients_probe_failed_info{kind="temporary",phase="answer"} 1$`}},
		{"a body that does not match", "module=web&target=" + web.Addr() + "/pub/", []string{`^probe_success 0$`}},
		{"a login", "module=mail&target=" + imap, []string{`^probe_success 1$`, `^netclients_probe_phase_seconds{phase="login"} `}},
		{"a message that arrives", "module=trip&target=" + strings.Replace(mail.SMTP, "alice:secret@", "", 1), []string{`^probe_success 1$`, `phase="send"`, `phase="arrive"`, `phase="read"`, `phase="delete"`}},
		{"a file", "module=files&target=" + ftp.URL() + "incoming/", []string{`^probe_success 1$`, `phase="write"`, `phase="delete"`}},
		{"no module", "target=" + ftp.URL(), []string{`^probe_success 1$`, `phase="greeting"`}},
		{"no server", "target=ftp://127.0.0.1:1/", []string{`^probe_success 0$`, `^netclients_probe_failed_info{kind="connect",phase="connect"} 1$`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, text := get(t, http.DefaultClient, at+"/probe?"+c.query)
			labtest.Equal(t, "status", status, 200)
			mentions(t, text, c.want...)
			promtool(t, text)
			if strings.Contains(text, "secret") {
				t.Errorf("a secret is in %s", text)
			}
		})
	}
	t.Run("what is not probed", func(t *testing.T) {
		for query, why := range map[string]string{
			"": "target is missing", "target=x&module=web2": `no module "web2"`, "target=/etc/passwd": "", "target=file:///etc/passwd": "server", "target=ftp://a:b@h/": "password", "target=gugus://h": "unknown scheme",
		} {
			if status, text := get(t, http.DefaultClient, at+"/probe?"+query); status != 400 || !strings.Contains(text, why) {
				t.Errorf("%s: %d %s", query, status, text)
			}
		}
	})
	status, text := get(t, http.DefaultClient, at+"/metrics")
	labtest.Equal(t, "status", status, 200)
	mentions(t, text, `^netclients_exporter_probes_total{module="web",result="up"} 1$`, `^netclients_exporter_probes_total{module="web",result="down"} 2$`, `^netclients_exporter_probes_in_flight 0$`, `^go_goroutines `)
	promtool(t, text)
}

// TestExporterKeepsItsLogins: who chooses the target does not get a login that is for
// another server, nor that of the environment.
func TestExporterKeepsItsLogins(t *testing.T) {
	var lines bytes.Buffer
	trap := labtest.Start(t, lab.StartFTP, lab.FTPOptions{ServerOptions: lab.ServerOptions{OnCommand: func(l string) { lines.WriteString(l + "\n") }}})
	t.Setenv("NETCLIENTS_PASSWORD", "environment-secret")
	modules := tempFile(t, "modules.toml", fmt.Sprintf("[module.m]\nlogin = true\nsettings = { url = 'ftp://127.0.0.1:1/', user = 'alice', password_file = %q }\n", tempFile(t, "pw", "module-secret\n")))
	at := served(t, "--modules", modules)
	for _, user := range []string{"", "alice@"} {
		status, _ := get(t, http.DefaultClient, at+"/probe?module=m&target="+strings.Replace(trap.URL(), "://", "://"+user, 1))
		labtest.Equal(t, "status", status, 200)
	}
	trap.Close()
	if strings.Contains(lines.String(), "-secret") {
		t.Errorf("the server has got %s", &lines)
	}
	code, _, errOut := probeCLI(t, "probe", "--listen", "127.0.0.1:0", "--modules", tempFile(t, "m", "[module.m]\nsettings = { user = 'alice', password_file = 'x' }\n"))
	if code != 2 || !strings.Contains(errOut, "no url") {
		t.Errorf("exit code %d, %s", code, errOut)
	}
}

// TestExporterIsGuarded: TLS, a login, and a limit of probes.
func TestExporterIsGuarded(t *testing.T) {
	ca, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := lab.PEM(ca.ServerCertificate())
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("pass"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	hang := labtest.Start(t, lab.StartFTP, lab.FTPOptions{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, "hang:GREETING")}})
	at := served(t, "--listen-cert", tempFile(t, "cert.pem", string(cert)+string(key)), "--listen-users", tempFile(t, "users", "# who\nbob:"+string(hash)+"\n"), "--max-probes", "1")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.CAPEM())
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer c.CloseIdleConnections()
	for login, want := range map[string]int{"": 401, "Basic Ym9iOndyb25n": 401, "Basic YW5uOnBhc3M=": 401, "Basic Ym9iOnBhc3M=": 200} {
		status, _ := get(t, c, at+"/metrics", "Authorization", login)
		labtest.Equal(t, "status with "+login, status, want)
	}
	const login = "Basic Ym9iOnBhc3M="
	done := make(chan struct{})
	go func() {
		defer close(done)
		status, text := get(t, c, at+"/probe?target="+hang.URL(), "Authorization", login, "X-Prometheus-Scrape-Timeout-Seconds", "2")
		if status != 200 || !strings.Contains(text, "probe_success 0") {
			t.Errorf("%d %s", status, text)
		}
	}()
	for range 100 {
		if _, text := get(t, c, at+"/metrics", "Authorization", login); strings.Contains(text, "in_flight 1") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	status, _ := get(t, c, at+"/probe?target="+hang.URL(), "Authorization", login)
	labtest.Equal(t, "status of one too many", status, 503)
	<-done
}

// TestProbePage: targets that are probed at an interval, with their timings on a page.
func TestProbePage(t *testing.T) {
	ftp := labtest.Start(t, lab.StartFTP, lab.FTPOptions{})
	list := tempFile(t, "targets", "# servers\n"+ftp.URL()+"\nftp://127.0.0.1:1/ \n")
	html := filepath.Join(t.TempDir(), "page.html")
	at := served(t, "--targets", list, "--every", "50ms", "--html", html)
	var text string
	for range 100 {
		if _, text = get(t, http.DefaultClient, at+"/"); strings.Count(text, `class="up"`) > 2 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	mentions(t, text, ftp.URL(), `state up`, `state down`, `connection refused`, `greeting`, `<rect class="p0"`)
	written, err := os.ReadFile(html)
	if err != nil || !strings.Contains(string(written), "state down") {
		t.Errorf("%v, %s", err, written)
	}
	if left, _ := filepath.Glob(filepath.Dir(html) + "/.*"); len(left) > 1 {
		t.Error(left)
	}
}

// TestProbeTargetsAndTrips: the same without an exporter.
func TestProbeTargetsAndTrips(t *testing.T) {
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	mail := labtest.Mail(t)
	ftp := labtest.WithUser(labtest.Start(t, lab.StartFTP, lab.FTPOptions{}).URL())
	code, out, errOut := probeCLI(t, "probe", "--json", "--round-trip", mail.IMAP+"INBOX", "--to", "alice@lab.invalid", mail.SMTP)
	if code != 0 || !strings.Contains(out, `"round_trip_ms":`) {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	code, out, errOut = probeCLI(t, "probe", "--round-trip", ftp+"incoming/", ftp+"incoming/")
	if code != 0 || !strings.Contains(out, "  write ") || !strings.Contains(out, "  delete ") {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	code, out, errOut = probeCLI(t, "probe", "--prometheus", "--round-trip", ftp+"nowhere/", ftp+"nowhere/")
	if code != 6 || !strings.Contains(out, "probe_up{") || !strings.Contains(errOut, "ftp put") {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	list := tempFile(t, "targets", ftp+"\n"+ftp+"\n")
	if code, out, errOut = probeCLI(t, "probe", "--targets", list); code != 0 || strings.Count(out, "  up  ") != 2 {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	for args, why := range map[string]string{
		"--targets " + tempFile(t, "none", "# nothing\n"): "no URL in it", "--html x ftp://h/": "--html needs --every", "": "URL is missing",
		"--listen 127.0.0.1:0 --login": "modules", "--listen 127.0.0.1:0 --every 1s": "--every needs them", "--listen 127.0.0.1:0 ftp://h/": "need --every",
		"--targets " + tempFile(t, "mod", ftp+" web\n"): "modules are for --listen", "--round-trip gopher://127.0.0.1:1/ " + ftp: "no round trip leads",
	} {
		if code, _, errOut := probeCLI(t, append([]string{"probe"}, strings.Fields(args)...)...); code != 2 || !strings.Contains(errOut, why) {
			t.Errorf("%s: exit code %d, %s", args, code, errOut)
		}
	}
}
