package socket

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestStaleSocket: the file of a listener that is gone is not an obstacle; one in use, or a
// file of another kind, is.
func TestStaleSocket(t *testing.T) {
	for kind, network := range unixNetworks {
		path := filepath.Join(t.TempDir(), "s")
		listen := func() (io.Closer, error) {
			if kind == "datagram" {
				return ListenPackets(t.Context(), labtest.URL(t, "unix:"+path), nil)
			}
			return Listen(t.Context(), labtest.URL(t, "unix:"+path), &ListenOptions{Type: kind})
		}
		fd, err := syscall.Socket(syscall.AF_UNIX, map[string]int{"unix": syscall.SOCK_STREAM, "unixgram": syscall.SOCK_DGRAM, "unixpacket": syscall.SOCK_SEQPACKET}[network], 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
			t.Fatal(err)
		}
		syscall.Close(fd)
		s, err := listen()
		if err != nil {
			t.Errorf("%s: a stale socket: %v", network, err)
			continue
		}
		if again, err := listen(); protocols.KindOf(err) != protocols.KindConnect || strings.Count(err.Error(), "in use") != 1 {
			t.Errorf("%s: one in use: %v, %v", network, again, err)
		}
		s.Close()
		if err := os.WriteFile(path, []byte("keep"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := listen(); protocols.KindOf(err) != protocols.KindConnect {
			t.Errorf("%s: a file: %v", network, err)
		}
		if b, _ := os.ReadFile(path); string(b) != "keep" {
			t.Errorf("%s: the file is gone", network)
		}
	}
}
