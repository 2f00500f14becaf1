package cli

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/authlab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// loginCLI runs a command line of somebody without a keyring, whose files are in home.
func loginCLI(t *testing.T, home, stdin string, args ...string) (code int, out, errOut string) {
	t.Helper()
	t.Setenv("NETCLIENTS_CONFIG", home+"/none.toml")
	t.Setenv("XDG_DATA_HOME", home)
	t.Setenv("NETCLIENTS_KEYRING", "off")
	var stdout, stderr bytes.Buffer
	code = Main(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestLogin(t *testing.T) {
	mail, home := labtest.Mail(t), t.TempDir()
	imap := strings.Replace(mail.IMAP, "alice:secret@", "alice@", 1)
	code, out, errOut := loginCLI(t, home, "secret\n", "login", "--password-file", "-", imap, strings.Replace(mail.POP3, "alice:secret@", "alice@", 1))
	if code != 0 || !strings.Contains(out, "alice at imap://") || !strings.Contains(out, "mode 0600") {
		t.Fatalf("exit code %d, %s%s", code, out, errOut)
	}
	anonymous := strings.Replace(imap, "alice@", "", 1)
	for _, url := range []string{imap, anonymous, strings.Replace(mail.POP3, "alice:secret@", "", 1)} {
		if code, out, errOut = loginCLI(t, home, "", "probe", "--login", "--json", url); code != 0 || !strings.Contains(out, `"login_ms":`) {
			t.Errorf("%s: exit code %d, %s%s", url, code, out, errOut)
		}
	}
	if code, out, _ = loginCLI(t, home, "", "login", "--list", "--json"); code != 0 || !strings.Contains(out, `"stored":"file"`) || strings.Contains(out, "secret") {
		t.Errorf("exit code %d, %s", code, out)
	}
	if code, _, errOut = loginCLI(t, home, "", "logout", imap); code != 0 {
		t.Errorf("exit code %d, %s", code, errOut)
	}
	if code, _, _ = loginCLI(t, home, "", "ls", anonymous); code != 5 {
		t.Errorf("after logout: exit code %d", code)
	}
	if code, _, errOut = loginCLI(t, home, "", "logout", imap); code != 5 || !strings.Contains(errOut, "no login is kept") {
		t.Errorf("again: exit code %d, %s", code, errOut)
	}
	left, err := filepath.Glob(home + "/netclients/logins/*")
	if err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}

// TestLoginIsTried: a password that is wrong is not kept.
func TestLoginIsTried(t *testing.T) {
	mail, home := labtest.Mail(t), t.TempDir()
	imap := strings.Replace(mail.IMAP, "alice:secret@", "alice@", 1)
	code, _, errOut := loginCLI(t, home, "wrong\n", "login", "--password-file", "-", imap)
	if code != 5 || !strings.Contains(errOut, "nothing is kept") {
		t.Errorf("exit code %d, %s", code, errOut)
	}
	if _, err := os.Stat(home + "/netclients"); err == nil {
		t.Error("something is kept")
	}
	for args, why := range map[string]string{
		"login": "URL is missing", "login " + mail.IMAP[:7] + "h/": "names no user", "login --device " + imap: "are for --oauth", "login --oauth google " + imap: "--client-id",
		"login --oauth gogle --client-id x " + imap: "want google, microsoft", "login file.txt": "names no server", "login --list x": "takes no URL",
	} {
		if code, _, errOut := loginCLI(t, home, "", strings.Fields(args)...); code != 2 || !strings.Contains(errOut, why) {
			t.Errorf("%s: exit code %d, %s", args, code, errOut)
		}
	}
}

// TestLoginOAuth: a web server that wants a token gets the one that was kept, refreshed
// when it has run out, and logout has it revoked.
func TestLoginOAuth(t *testing.T) {
	auth, home := labtest.Start(t, authlab.Start, authlab.Options{Client: "cli"}), t.TempDir()
	web := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{Handler: func(w http.ResponseWriter, r *http.Request) bool {
		if !auth.Valid(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		_, _ = w.Write([]byte("welcome"))
		return true
	}}).URL()
	url := strings.Replace(web, "://", "://alice@", 1)
	code, out, errOut := loginCLI(t, home, "", "login", "--oauth", auth.Issuer(), "--client-id", "cli", "--device", url)
	if code != 0 || !strings.Contains(errOut, "enter the code LAB-CODE") || !strings.Contains(out, "then refreshed") {
		t.Fatalf("exit code %d, %s%s", code, out, errOut)
	}
	if code, out, errOut = loginCLI(t, home, "", "cat", web); code != 0 || out != "welcome" {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	if code, out, errOut = loginCLI(t, home, "", "probe", "--login", "--json", web); code != 0 || !strings.Contains(out, `"token_not_after":"`) {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	if code, out, errOut = loginCLI(t, home, "", "doctor", web); code != 0 || !strings.Contains(out, "token until") {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	if code, _, errOut = loginCLI(t, home, "", "logout", url); code != 0 || errOut != "" || auth.Refreshable() != 0 {
		t.Errorf("exit code %d, %s; %d refresh tokens", code, errOut, auth.Refreshable())
	}
}
