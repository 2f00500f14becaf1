// Package programtest builds the program for tests that run it as a process.
package programtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const program = "github.com/netclients/netclients/cmd/netclients"

// Build returns the path of the program, static as it is released, in a folder of its own
// that is removed when the test ends. The test fails when the program does not compile.
func Build(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "netclients")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-o", path, program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}
