package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const letterWithFiles = "Subject: files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\n\r\nsee there\r\n" +
	"--b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\ncGRm\r\n" +
	"--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"../../etc/a.pdf\"\r\n\r\nother\r\n" +
	"--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"..\"\r\n\r\ndots\r\n" +
	"--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe%1B.txt\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx=3Dy\r\n" +
	"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n" +
	"--b--\r\n"

// TestAttachments: parts come decoded, under names of this folder, and replace nothing.
func TestAttachments(t *testing.T) {
	mail, url := accountAt(t, "Files")
	for _, text := range []string{letterWithFiles, "Subject: none\r\n\r\ntext\r\n", strings.Replace(letterWithFiles, "cGRm", "!!!!", 1)} {
		if _, err := mail.Append("alice", "Files", []byte(text), nil, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "sub", "d")
	code, out, told := runCLI(t, "imap", "get", url+"Files;UID=2", "--attachments", dir, "--jq", ".status")
	if code != 0 || strings.Count(out, "done") != 5 {
		t.Errorf("exit code %d, %s%s", code, out, told)
	}
	check := func(want map[string]string) {
		t.Helper()
		list, err := os.ReadDir(dir)
		if err != nil || len(list) != len(want) {
			t.Errorf("%v, %v", list, err)
		}
		for name, text := range want {
			if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || strings.TrimSpace(string(b)) != text {
				t.Errorf("%s: %q, %v", name, b, err)
			}
		}
	}
	want := map[string]string{"a.pdf": "pdf", "a (2).pdf": "other", "part-5.bin": "dots", "Grüße%1B.txt": "x=y", "part-7.eml": "Subject: inner\r\n\r\ninner text"}
	check(want)
	if code, _, told := runCLI(t, "imap", "get", url+"Files;UID=1:*", "--attachments", dir); code == 0 || !strings.Contains(told, "decoded") {
		t.Errorf("exit code %d, %s", code, told)
	}
	for _, name := range []string{"a (3).pdf", "a (4).pdf", "part-5 (2).bin", "Grüße%1B (2).txt", "part-7 (2).eml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	list, _ := os.ReadDir(dir)
	for _, f := range list {
		if info, err := f.Info(); err != nil || info.Size() == 0 {
			t.Errorf("%s is empty or hidden: %v", f.Name(), err)
		}
	}
}
