//go:build unix

package file

import (
	"strings"
	"syscall"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestGetFIFO: Get of a FIFO without a writer must not block.
func TestGetFIFO(t *testing.T) {
	dir := t.TempDir()
	c, ctx := open(t, dir), t.Context()
	check(t, syscall.Mkfifo(dir+"/fifo", 0o600))
	if obj, err := c.Get(ctx, "fifo", nil); err == nil { // must not block
		obj.Body.Close()
	}
}

// TestPutMode: a new file has the wanted permissions, less the umask and the setuid bit.
func TestPutMode(t *testing.T) {
	c, ctx := open(t, t.TempDir()), t.Context()
	old := syscall.Umask(0o027)
	e, err := c.Put(ctx, "g", strings.NewReader(""), &protocols.PutOptions{Mode: 0o4777, HasMode: true})
	syscall.Umask(old)
	check(t, err)
	if e.Mode != 0o750 {
		t.Errorf("mode %v", e.Mode)
	}
}
