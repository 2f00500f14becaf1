package cli

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// recorded is a web server that notes what it is asked for; the content is the path.
func recorded(t *testing.T) (at string, asked func() string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		all = append(all, r.Method+" "+r.URL.RequestURI())
		mu.Unlock()
		if r.Method == "PROPFIND" || r.URL.Path == "/" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprint(w, r.URL.RequestURI())
	}))
	t.Cleanup(s.Close)
	return s.URL, func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(all, " ")
	}
}

// TestChecksumFlag: a file with another checksum is not saved, one that is there is not
// taken for the right one.
func TestChecksumFlag(t *testing.T) {
	at, _ := recorded(t)
	t.Chdir(t.TempDir())
	sum := sha256.Sum256([]byte("/file"))
	right, b64 := fmt.Sprintf("sha-256=%x", sum), "SHA256="+base64.StdEncoding.EncodeToString(sum[:])
	wrong := "sha-256=" + strings.Repeat("0", 64)
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"get " + at + "/file --checksum " + wrong, 9, "--checksum: the sha256 is"},
		{"get " + at + "/file --checksum " + wrong + " --segments 3", 9, "--checksum"},
		{"get " + at + "/file --checksum md5=1234", 2, "32 hex digits"},
		{"get " + at + "/file --checksum sha-3=12", 2, "want sha-256=SUM"},
		{"get " + at + "/a " + at + "/b --checksum " + right, 2, "for one file"},
		{"get " + at + "/file -o - --checksum " + right, 2, "cannot be taken back"},
	} {
		if code, _, errOut := fullCLI(t, strings.Fields(c.args)...); code != c.code || !strings.Contains(errOut, c.says) {
			t.Errorf("%s: exit code %d, %s", c.args, code, errOut)
		}
		if all, _ := os.ReadDir("."); len(all) > 0 {
			t.Fatalf("%s leaves %v", c.args, all)
		}
	}
	for _, sum := range []string{right, b64} {
		if code, _, errOut := fullCLI(t, "get", at+"/file", "--checksum", sum); code != 0 {
			t.Errorf("exit code %d, %s", code, errOut)
		}
	}
	if err := os.WriteFile("file", []byte("/fill"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := fullCLI(t, "get", at+"/file", "--checksum", right, "--no-clobber"); code != 9 {
		t.Errorf("exit code %d, %s", code, errOut)
	}
}

// TestURLSets: one URL for several, in the query too; --no-glob takes it as it is.
func TestURLSets(t *testing.T) {
	at, _ := recorded(t)
	for args, want := range map[string]string{
		"cat " + at + "/{a,b}?p=[1-2]":                 "/a?p=1/a?p=2/b?p=1/b?p=2",
		"http cat " + at[len("http://"):] + "/[08-10]": "/08/09/10",
		"cat " + at + "/[x-z]":                         "/x/y/z",
		"cat --no-glob " + at + "/{a,b}":               "/%7Ba,b%7D",
		`cat ` + at + `/?q={"a":1,"b":2}`:              "",
	} {
		code, out, errOut := fullCLI(t, strings.Fields(args)...)
		if want == "" && code != 6 || want != "" && (code != 0 || out != want) {
			t.Errorf("%s: exit code %d, %q, %s", args, code, out, errOut)
		}
	}
}

// TestOfflineFlag: the request is shown, and nothing is sent.
func TestOfflineFlag(t *testing.T) {
	at, asked := recorded(t)
	for args, want := range map[string]string{
		"http post " + at + "/x name=Ann --offline -H X-Token:abc": "POST /x HTTP/1.1\r\n",
		"http head " + at + "/x --offline":                         "HEAD /x HTTP/1.1\r\n",
		"http request PUT " + at + "/x --data hi --offline":        "\r\n\r\nhi",
	} {
		code, out, errOut := fullCLI(t, strings.Fields(args)...)
		if code != 0 || !strings.Contains(out, want) || strings.Contains(out, "abc") {
			t.Errorf("%s: exit code %d, %q, %s", args, code, out, errOut)
		}
	}
	if got := asked(); got != "" {
		t.Errorf("the server was asked: %s", got)
	}
}

// TestHSTSFlag: hosts of curl's file are asked by HTTPS; a file that is something else is
// left alone.
func TestHSTSFlag(t *testing.T) {
	at, asked := recorded(t)
	t.Chdir(t.TempDir())
	port := at[strings.LastIndexByte(at, ':')+1:]
	if err := os.WriteFile("hsts.txt", []byte("localhost \"unlimited\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errOut := fullCLI(t, "cat", "http://localhost:"+port+"/x", "--hsts", "hsts.txt", "--retries", "0")
	if code != 4 && code != 9 || asked() != "" {
		t.Errorf("exit code %d, %s; asked: %s", code, errOut, asked())
	}
	if code, out, errOut := fullCLI(t, "cat", at+"/x", "--hsts", "new.txt"); code != 0 || out != "/x" {
		t.Errorf("exit code %d, %q, %s", code, out, errOut)
	}
	if err := os.WriteFile("other.txt", []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := fullCLI(t, "cat", at+"/x", "--hsts", "other.txt"); code != 2 || !strings.Contains(errOut, "HSTS file") {
		t.Errorf("exit code %d, %s", code, errOut)
	}
	if b, _ := os.ReadFile("other.txt"); string(b) != "something else\n" {
		t.Errorf("%q", b)
	}
}
