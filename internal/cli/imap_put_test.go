package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPutManyMessages: many messages are one line of a summary, each with -v; what fails is named.
func TestPutManyMessages(t *testing.T) {
	mail, url := accountAt(t, "Box")
	dir := t.TempDir()
	args := []string{"put"}
	for _, name := range []string{"a", "b", "c"} {
		path := filepath.Join(dir, name+".eml")
		if err := os.WriteFile(path, []byte("Subject: "+name+"\r\n\r\nx\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	args = append(args, url+"Box")
	if code, out, told := runCLI(t, args...); code != 0 || out != "" || !strings.HasPrefix(told, "3 done, ") || strings.Count(told, "\n") != 1 {
		t.Errorf("exit code %d, %s%s", code, out, told)
	}
	if code, out, told := runCLI(t, append(args, "-v")...); code != 0 || strings.Count(out+told, "done: ") != 3 {
		t.Errorf("exit code %d, %s%s", code, out, told)
	}
	if code, out, told := runCLI(t, append(args, "--json")...); code != 0 || strings.Count(out, `"status":"done"`) != 3 {
		t.Errorf("exit code %d, %s%s", code, out, told)
	}
	if code, _, told := runCLI(t, "put", args[1], url+"Box"); code != 0 || !strings.HasPrefix(told, "done: ") {
		t.Errorf("exit code %d, %s", code, told)
	}
	if got := boxesOf(t, mail); !strings.Contains(got, "Box 11") {
		t.Error(got)
	}
}
