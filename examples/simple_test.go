package examples

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSimpleServerAndClient runs the two programs of the tutorial against each
// other.
func TestSimpleServerAndClient(t *testing.T) {
	dir := programs(t)
	server := exec.CommandContext(t.Context(), filepath.Join(dir, "simple-server"), "127.0.0.1:0")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the server printed nothing")
	}
	addr := strings.TrimPrefix(lines.Text(), "listening on ")
	for range 2 {
		got, err := exec.CommandContext(t.Context(), filepath.Join(dir, "simple-client"), addr).Output()
		if string(got) != "Thank you for connecting" || err != nil {
			t.Errorf("client: %q, %v", got, err)
		}
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), "Got connection from 127.0.0.1:") {
			t.Errorf("server: %q", lines.Text())
		}
	}
	server.Process.Signal(os.Interrupt)
	if err := server.Wait(); err != nil {
		t.Errorf("the server exited with %v", err)
	}
	if out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "simple-client"), addr).CombinedOutput(); err == nil {
		t.Errorf("without a server: %q", out)
	}
}
