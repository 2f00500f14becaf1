//go:build linux

package urgent

import (
	"io"
	"net"
	"testing"
	"time"
)

// TestUrgent: Ahead sees the urgent pointer, and the urgent bytes stay in the
// stream.
func TestUrgent(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	from, to := a.(*net.TCPConn), b.(*net.TCPConn)
	Inline(to)
	io.WriteString(from, "before ")
	to.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 100)
	if _, err := io.ReadFull(to, buf[:7]); err != nil || Ahead(to) {
		t.Fatalf("urgent data before any was sent, or error %v", err)
	}
	if err := Send(from, []byte("urgent!")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); !Ahead(to); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("urgent data was not detected")
		}
	}
	io.WriteString(from, " after")
	from.CloseWrite()
	if got, err := io.ReadAll(to); string(got) != "urgent! after" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if Ahead(to) {
		t.Error("urgent data after the end")
	}
	from.Close()
	if err := Send(from, []byte("x")); err == nil {
		t.Error("Send succeeded on a closed connection")
	}
}
