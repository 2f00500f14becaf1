package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// movingServer redirects to URLs of other protocols.
func movingServer(t *testing.T, ftp string) string {
	mux := http.NewServeMux()
	for name, to := range map[string]string{
		"/ftp": ftp + "README.txt", "/secret": strings.Replace(ftp, "://", "://eve:s3cret@", 1) + "README.txt", "/none": ftp + "none", "/far": "/ftp",
		"/file": "file:///etc/hostname", "/gopher": "gopher://127.0.0.1:1/0x", "/imap": "imap://127.0.0.1:1/INBOX", "/tcp": "tcp://127.0.0.1:1",
	} {
		mux.Handle(name, http.RedirectHandler(to, http.StatusFound))
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// TestRedirectsToFTP: get and cat follow them, without anything that was given for the
// server that redirects.
func TestRedirectsToFTP(t *testing.T) {
	ftp := labtest.Start(t, ftplab.Start, ftplab.Options{})
	at := movingServer(t, ftp.URL())
	dir, password := t.TempDir(), tempFile(t, "password", "pa55word\n")
	trace, config := filepath.Join(dir, "trace.txt"), tempFile(t, "config", "[profile.p]\nuser = \"prof\"\npassword_file = \""+password+"\"\n")
	for name, args := range map[string][]string{
		"flags":             {"cat", at + "/ftp", "-u", "bob", "--password-file", password},
		"a URL's user":      {"cat", strings.Replace(at, "://", "://bob:pa55word@", 1) + "/ftp"},
		"a profile":         {"cat", at + "/ftp", "--profile", "p"},
		"the server's user": {"cat", at + "/secret"},
		"over HTTP before":  {"cat", at + "/far", "--max-redirects", "2"},
		"to a file":         {"get", at + "/ftp", "-o", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NETCLIENTS_CONFIG", config)
			var out, errOut strings.Builder
			code := Main(t.Context(), append(args, "--trace", trace), strings.NewReader(""), &out, &errOut)
			if code != 0 || !strings.Contains(out.String(), "Welcome") {
				t.Fatalf("exit code %d, %q, %s", code, out.String(), errOut.String())
			}
			b, err := os.ReadFile(trace)
			if err != nil || !strings.Contains(string(b), "USER anonymous") || strings.Contains(string(b), "USER bob") || strings.Contains(string(b), "USER eve") || strings.Contains(string(b), "USER prof") {
				t.Errorf("%v, %s", err, b)
			}
		})
	}
	one := filepath.Join(dir, "one")
	mainLine(t, "get", at+"/ftp", "-o", one).says(t, 0, "done")
	mainLine(t, "cp", at+"/ftp", filepath.Join(dir, "two")).says(t, 0, "done")
	mainLine(t, "get", at+"/ftp", at+"/secret", at+"/far", "-o", dir).says(t, 0, "3 done")
	for _, name := range []string{"one", "two", "ftp", "secret", "far"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(b), "Welcome") {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

// TestRedirectsNotFollowed: to other protocols, and past the limit.
func TestRedirectsNotFollowed(t *testing.T) {
	ftp := labtest.Start(t, ftplab.Start, ftplab.Options{})
	at := movingServer(t, ftp.URL())
	for path, text := range map[string]string{"file": "file:///etc/hostname", "gopher": "gopher://", "imap": "imap://", "tcp": "tcp://"} {
		for _, verb := range []string{"cat", "get", "cp"} {
			line := []string{verb, at + "/" + path}
			switch verb {
			case "get":
				line = append(line, "-o", filepath.Join(t.TempDir(), "x"))
			case "cp":
				line = append(line, filepath.Join(t.TempDir(), "x"))
			}
			got := mainLine(t, line...)
			if got.says(t, 6, text); got.out != "" {
				t.Errorf("%v: %q", line, got.out)
			}
		}
	}
	mainLine(t, "cat", at+"/far", "--max-redirects", "1").says(t, 9, "more than 1 redirect")
	mainLine(t, "cat", at+"/none").says(t, 6, "none")
	mainLine(t, "cp", at+"/ftp", strings.Replace(ftp.URL(), "://", "://alice:secret@", 1)+"copy").says(t, 6, "ftp://")
	dir := t.TempDir()
	mainLine(t, "get", at+"/ftp", at+"/gopher", at+"/none", "-o", dir).says(t, 10, "1 done")
}
