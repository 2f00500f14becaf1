package socket

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestPassedFile: an open file goes to the peer of a UNIX socket through NetConn, and
// the kernel says who the peer is.
func TestPassedFile(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := labtest.Open(t, New, "unix:"+filepath.Join(dir, "s"), nil).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	f, err := os.Create(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, _, err := c.NetConn().(*net.UnixConn).WriteMsgUnix([]byte("x"), unix.UnixRights(int(f.Fd())), nil); err != nil {
		t.Fatal(err)
	}
	passed := receiveFile(t, peer.(*net.UnixConn))
	defer passed.Close()
	if _, err := passed.WriteString("by the peer"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(f.Name()); string(b) != "by the peer" {
		t.Errorf("%q, %v", b, err)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var who *unix.Ucred
	if raw.Control(func(fd uintptr) { who, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || int(who.Pid) != os.Getpid() {
		t.Errorf("%+v, %v", who, err)
	}
}

func receiveFile(t *testing.T, c *net.UnixConn) *os.File {
	t.Helper()
	data, control := make([]byte, 1), make([]byte, 64)
	_, n, _, _, err := c.ReadMsgUnix(data, control)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	files, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return os.NewFile(uintptr(files[0]), "passed")
}

// TestPeek: what MSG_PEEK shows is still there to be read.
func TestPeek(t *testing.T) {
	to := serve(t, "tcp://127.0.0.1:0", &ListenOptions{Greet: "hello"})
	c, err := labtest.Open(t, New, to, nil).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	var n int
	raw.Read(func(fd uintptr) bool {
		n, _, err = unix.Recvfrom(int(fd), buf, unix.MSG_PEEK)
		return err != unix.EAGAIN
	})
	if err != nil || n == 0 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if b, err := io.ReadAll(c); string(b) != "hello" || string(buf[:n]) != "hello"[:n] {
		t.Errorf("peeked %q, read %q, %v", buf[:n], b, err)
	}
}

// TestPackets: a UNIX socket of type packet keeps the borders of what is written.
func TestPackets(t *testing.T) {
	path := "unix:" + filepath.Join(t.TempDir(), "s")
	sizes := make(chan int, 2)
	serve(t, path, &ListenOptions{Type: "packet", Handle: func(_ context.Context, p *Peer) error {
		buf := make([]byte, 100)
		for range 2 {
			n, err := p.Read(buf)
			if err != nil {
				return err
			}
			sizes <- n
		}
		return nil
	}})
	c := labtest.Open(t, New, path, nil)
	c.Settings.Type = "packet"
	conn, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "first")
	io.WriteString(conn, "second one")
	for _, want := range []int{5, 10} {
		if got := <-sizes; got != want {
			t.Errorf("a packet of %d bytes, want %d", got, want)
		}
	}
}
