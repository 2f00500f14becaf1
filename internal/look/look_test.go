package look

import (
	"os"
	"strings"
	"testing"
)

// TestOneSource: no page repeats a rule of the shared style sheet, and each names colours
// that are defined in it alone.
func TestOneSource(t *testing.T) {
	shared := map[string]bool{}
	for line := range strings.Lines(CSS()) {
		if line = strings.TrimSpace(line); strings.Contains(line, "{ ") {
			shared[line] = true
		}
	}
	if len(shared) < 15 {
		t.Errorf("the style sheet has %d rules", len(shared))
	}
	for name, uses := range map[string]string{"../../protocols/lab/internal/labweb/static/lab.css": "", "../cli/trace/html.tmpl": "{{.Look}}", "../../protocols/lab/internal/labweb/static/page.tmpl": "look.css"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), uses) {
			t.Errorf("%s does not use the style sheet", name)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); shared[line] || strings.HasPrefix(line, "--bg:") {
				t.Errorf("%s repeats %s", name, line)
			}
		}
	}
}
