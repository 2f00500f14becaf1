//go:build unix

package transfer

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestCopyToFIFO(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	check(t, syscall.Mkfifo(fifo, 0o600))
	got := make(chan string)
	go func() {
		b, _ := os.ReadFile(fifo)
		got <- string(b)
	}()
	s := newServer(map[string]string{"f": "through"})
	_, err := Copy(t.Context(), s.end("f"), localEnd(fifo), nil)
	check(t, err)
	if g := <-got; g != "through" {
		t.Errorf("got %q", g)
	}
}
