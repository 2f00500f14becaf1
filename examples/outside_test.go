package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestOutside runs the tests of the modules below this folder with the race detector
// where this test has it: they import this module as other programs do. A module that cannot be downloaded is a
// reason to skip, an error in a test is not.
func TestOutside(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: builds modules of their own, which takes a minute")
	}
	found, err := filepath.Glob("*/go.mod")
	if err != nil || len(found) == 0 {
		t.Fatalf("no modules: %v", err)
	}
	for _, file := range found {
		dir := filepath.Dir(file)
		t.Run(dir, func(t *testing.T) {
			mod := modfile(t, dir)
			run := func(args ...string) ([]byte, error) {
				cmd := exec.CommandContext(t.Context(), "go", args...)
				cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -mod=mod -modfile="+mod, "GOWORK=off")
				return cmd.CombinedOutput()
			}
			if out, err := run("mod", "download"); err != nil {
				t.Skipf("the modules cannot be downloaded: %v\n%s", err, out)
			}
			args := []string{"test", "-timeout=5m", "-count=1"}
			if race {
				args = append(args, "-race")
			}
			if out, err := run(append(args, "./...")...); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// modfile copies go.mod and go.sum: they may lack what this module has come to need, and
// a test changes no file of the project.
func modfile(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(to, "go.mod")
}
