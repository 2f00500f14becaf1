package service

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestImage: what the image's Dockerfile copies is there, or made by the command in its
// head, and the ports that it names are those of the servers.
func TestImage(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "packaging", "lab")
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	var built, ports []string
	copied := 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "#":
			if i := slices.Index(words, "-o"); i >= 0 && slices.Contains(words, "build") && i+1 < len(words) {
				built = append(built, words[i+1])
			}
		case words[0] == "EXPOSE":
			ports = words[1:]
		case words[0] == "COPY" || words[0] == "ADD":
			for _, name := range words[1 : len(words)-1] {
				copied++
				if _, err := os.Stat(filepath.Join(dir, name)); err != nil && !slices.Contains(built, "packaging/lab/"+name) {
					t.Errorf("%s: %v", strings.TrimSpace(line), err)
				}
			}
		}
	}
	if copied == 0 {
		t.Error("the image has no files")
	}
	want := []string{"8025"} // the page
	for _, r := range rows {
		if port := strconv.Itoa(r.port); r.port != 0 && !r.tls && !slices.Contains(want, port) {
			want = append(want, port)
		}
	}
	slices.Sort(want)
	slices.Sort(ports)
	if !slices.Equal(ports, want) {
		t.Errorf("the image exposes %v, the servers have %v", ports, want)
	}
}
