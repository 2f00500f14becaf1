package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab"
)

// TestReadme runs the example lines of README.md, in order, with the embedded
// server in place of ftp.example.org.
func TestReadme(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("the lines are for a shell: %v", err)
	}
	server, err := lab.StartFTP(lab.FTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	bin, dir := t.TempDir(), t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "netclients"), "../cmd/netclients").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "report.txt"), []byte("a report\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := server.Credentials()
	host := c.User + ":" + c.Password + "@" + server.Addr()
	lines := readmeLines(t)
	if len(lines) != 10 {
		t.Errorf("%d examples", len(lines))
	}
	for _, line := range lines {
		cmd := exec.CommandContext(t.Context(), sh, "-c", strings.ReplaceAll(line, "ftp.example.org", host))
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	for name, want := range map[string]int64{"large.bin": 3 << 20, "mirror/many/file07.txt": 14} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if info, err := server.Tree().Stat("/incoming/report.txt"); err != nil || info.Mode.Perm() != 0o640 {
		t.Errorf("report.txt: %+v, %v", info, err)
	}
}

// readmeLines gives the commands under the heading Examples.
func readmeLines(t *testing.T) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n## Examples\n")
	part, _, _ := strings.Cut(rest, "\n## ")
	for line := range strings.Lines(part) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, strings.TrimSpace(command))
		}
	}
	return lines
}
