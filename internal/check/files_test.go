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

// text are the kinds of files that are read as text.
var text = []string{".go", ".md", ".txt", ".sh", ".py", ".txtar", ".tmpl", ".toml", ".dialog", ".mod", ".yml"}

// eachText calls f for the text files of the project. Folders whose name starts
// with a dot are left out, but for .ci, and so is what is built or measured.
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

// TestNoPathsOfOneMachine: nothing names a folder that only one machine has.
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
		t.Errorf("only %d files were read", n)
	}
}

// TestLinksOfDocuments: every relative link of a document leads to a file.
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

// TestDocumentsNameWhatExists: a path of this project that a document has in
// back-quotes is there.
func TestDocumentsNameWhatExists(t *testing.T) {
	named := regexp.MustCompile("`((?:cmd|internal|protocols|examples|bench|docs)/[A-Za-z0-9_./-]*[A-Za-z0-9_])`")
	eachText(t, func(name string, content []byte) {
		if filepath.Ext(name) != ".md" {
			return
		}
		for _, m := range named.FindAllSubmatch(content, -1) {
			if _, err := os.Stat(filepath.Join(root, string(m[1]))); err != nil && !bytes.Contains(m[1], []byte("NAME")) {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	})
}
