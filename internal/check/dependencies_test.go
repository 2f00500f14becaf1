package check

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestDependencies: the modules that the packages and their tests import, those
// that go.mod calls direct, and those of dependencies.txt, where each has its
// reason, are the same.
func TestDependencies(t *testing.T) {
	listed, required := readDependencies(t), direct(t)
	used := map[string]bool{}
	for _, s := range sources(t) {
		for _, imported := range union(s.imports, s.tests) {
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") || strings.HasPrefix(imported, module) {
				continue
			}
			m := moduleOf(imported, slices.Collect(maps.Keys(listed)))
			if m == "" {
				t.Errorf("%s imports %s, whose module is not in dependencies.txt", s.path, imported)
			}
			used[m] = true
		}
	}
	for m := range listed {
		if !used[m] {
			t.Errorf("%s is in dependencies.txt and nothing imports it", m)
		}
		if !required[m] {
			t.Errorf("%s is in dependencies.txt and go.mod does not have it as a direct one", m)
		}
	}
	for m := range required {
		if listed[m] == "" {
			t.Errorf("%s is a direct one in go.mod and has no line with a reason in dependencies.txt", m)
		}
	}
}

// moduleOf returns the longest module that a package can be of.
func moduleOf(imported string, modules []string) (found string) {
	for _, m := range modules {
		if matches(m+"/...", imported) && len(m) > len(found) {
			found = m
		}
	}
	return found
}

// readDependencies returns the reason of each module in dependencies.txt, sorted
// lines of a module and a reason.
func readDependencies(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("dependencies.txt")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	var order []string
	for line := range strings.Lines(string(b)) {
		m, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		if m == "" || m[0] == '#' {
			continue
		}
		reasons[m] = strings.TrimSpace(reason)
		order = append(order, m)
	}
	if !slices.IsSorted(order) {
		t.Error("dependencies.txt is not sorted")
	}
	return reasons
}

// direct returns the direct dependencies of go.mod.
func direct(t *testing.T) map[string]bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []struct{}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) > 0 {
		t.Error("go.mod replaces modules: others could not use this one")
	}
	found := map[string]bool{}
	for _, r := range mod.Require {
		if !r.Indirect {
			found[r.Path] = true
		}
	}
	return found
}
