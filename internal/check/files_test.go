package check

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// text lists the extensions of text files.
var text = []string{".go", ".md", ".txt", ".sh", ".py", ".txtar", ".tmpl", ".toml", ".dialog", ".mod", ".yml", ".tsv"}

// eachText calls f for the text files of the project. It skips folders whose name
// starts with a dot, except .ci, and the output of builds and benchmarks.
func eachText(t *testing.T, f func(path string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (name == "bin" || name == "run" || name[0] == '.' && name != ".ci"):
			return filepath.SkipDir
		case d.IsDir() || !slices.Contains(text, filepath.Ext(name)) && name != "Makefile" && !strings.HasSuffix(filepath.Dir(path), ".ci"):
			return nil
		}
		content, err := os.ReadFile(path)
		if err == nil {
			f(filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator))), content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNoPathsOfOneMachine: no file mentions a folder that exists only on one
// machine.
func TestNoPathsOfOneMachine(t *testing.T) {
	path := regexp.MustCompile(`/(wor[k]|roo[t]|User[s]|home/[a-z]+/(go|src|git|code|projects))/|[A-Z]:\\Users\\|\.\./share[d]`)
	n := 0
	eachText(t, func(name string, content []byte) {
		n++
		if found := path.Find(content); found != nil {
			t.Errorf("%s names %s", name, found)
		}
	})
	if n < 100 {
		t.Errorf("read only %d files", n)
	}
}

// TestLinksOfDocuments: every relative link in a document leads to a file.
func TestLinksOfDocuments(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	eachText(t, func(name string, content []byte) {
		if filepath.Ext(name) != ".md" {
			return
		}
		for _, m := range link.FindAllSubmatch(content, -1) {
			to := string(m[1])
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), to)); err != nil {
				t.Errorf("%s links to %s: %v", name, to, err)
			}
		}
	})
}

// TestDocumentsNameWhatExists: every path of this project that a document has in
// backquotes exists.
func TestDocumentsNameWhatExists(t *testing.T) {
	named := regexp.MustCompile("`((?:cmd|internal|protocols|examples|bench|docs)/[A-Za-z0-9_./-]*[A-Za-z0-9_])`")
	eachText(t, func(name string, content []byte) {
		if filepath.Ext(name) != ".md" {
			return
		}
		for _, m := range named.FindAllSubmatch(content, -1) {
			if _, err := os.Stat(filepath.Join(root, string(m[1]))); err != nil && !bytes.Contains(m[1], []byte("NAME")) {
				t.Errorf("%s names %s, which does not exist", name, m[1])
			}
		}
	})
}
