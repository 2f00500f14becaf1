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

// TestDependencies: the modules imported by packages and tests, the direct
// dependencies in go.mod, and the modules listed with a reason in
// dependencies.txt are the same.
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
			t.Errorf("%s is in dependencies.txt, but nothing imports it", m)
		}
		if !required[m] {
			t.Errorf("%s is in dependencies.txt, but is not a direct dependency in go.mod", m)
		}
	}
	for m := range required {
		if listed[m] == "" {
			t.Errorf("%s is a direct dependency in go.mod, but has no line with a reason in dependencies.txt", m)
		}
	}
}

// moduleOf returns the longest module path that contains a package.
func moduleOf(imported string, modules []string) (found string) {
	for _, m := range modules {
		if matches(m+"/...", imported) && len(m) > len(found) {
			found = m
		}
	}
	return found
}

// readDependencies returns the reason for each module in dependencies.txt, which
// has sorted lines of a module and a reason.
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
		t.Error("go.mod has replace directives, which importers of this module would not get")
	}
	found := map[string]bool{}
	for _, r := range mod.Require {
		if !r.Indirect {
			found[r.Path] = true
		}
	}
	return found
}

// TestSmallPrograms: what programs with one adapter, or with all, do not contain.
func TestSmallPrograms(t *testing.T) {
	imports := map[string][]string{}
	for _, s := range sources(t) {
		imports[s.path] = s.imports
	}
	for of, never := range map[string][]string{
		"protocols/all":      {"quic-go"},
		"protocols/fsys":     {"quic-go"},
		"protocols/transfer": {"quic-go"},
		"protocols/ftp":      {"sasl", "scram", "htmlindex", "quic-go"},
	} {
		for imported, by := range reached(imports, of) {
			if slices.ContainsFunc(never, func(word string) bool { return strings.Contains(imported, word) }) {
				t.Errorf("%s imports %s, which makes programs with %s large", by, imported, of)
			}
		}
	}
}

// reached returns all that a package imports directly or by others of this module, and by
// which.
func reached(imports map[string][]string, from string) map[string]string {
	by := map[string]string{}
	for todo := []string{from}; len(todo) > 0; todo = todo[1:] {
		for _, imported := range imports[todo[0]] {
			if by[imported] != "" {
				continue
			}
			by[imported] = todo[0]
			if below, ok := strings.CutPrefix(imported, module); ok {
				todo = append(todo, below)
			}
		}
	}
	return by
}
