package ftplab

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/base"
	labtest "github.com/netclients/netclients/protocols/lab/internal/kit"
)

// benchFTP serves a file of size bytes and a folder of 50,000 files.
func benchFTP(b *testing.B, size int64) *ftpClient {
	b.Helper()
	tree := base.NewTree()
	tree.Virtual("/file", size, func(p []byte, _ int64) {})
	for i := range 50_000 {
		tree.Virtual(fmt.Sprintf("/many/file-%05d", i), 1, base.Pattern(1))
	}
	s, err := Start(Options{Tree: tree})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return loginFTP(b, s.Addr())
}

// BenchmarkFTPRetrieve is a download of 64 MiB that is thrown away.
func BenchmarkFTPRetrieve(b *testing.B) {
	const size = 64 << 20
	c := benchFTP(b, size)
	b.SetBytes(size)
	buf := make([]byte, dataBuffer)
	for b.Loop() {
		conn := c.open()
		c.cmd(150, "RETR /file")
		io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ net.Conn }{conn}, buf)
		conn.Close()
		c.expect(226)
	}
}

// BenchmarkFTPStore is an upload of 64 MiB.
func BenchmarkFTPStore(b *testing.B) {
	const size = 64 << 20
	c := benchFTP(b, size)
	data := strings.Repeat("x", size)
	b.SetBytes(size)
	for b.Loop() {
		labtest.Equal(b, "STOR", c.put(data, "STOR /up"), 226)
	}
}

// BenchmarkFTPList is a listing of 50,000 entries.
func BenchmarkFTPList(b *testing.B) {
	c := benchFTP(b, 1)
	for _, cmd := range []string{"LIST", "MLSD"} {
		b.Run(cmd, func(b *testing.B) {
			for b.Loop() {
				c.get("%s /many", cmd)
			}
		})
	}
}
