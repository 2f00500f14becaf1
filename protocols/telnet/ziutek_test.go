package telnet_test

import (
	"bytes"
	"io"
	"net"
	"testing"

	ziutek "github.com/ziutek/telnet"

	"github.com/netclients/netclients/protocols/telnet"
)

// These tests show, with the module that docs/decisions.md refuses as a peer,
// why this package has an engine of its own. Should one of them fail after an
// update of the module, the module got better.

// received returns what a peer of conn gets while do writes.
func received(t *testing.T, do func(conn net.Conn)) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	got := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(theirs)
		got <- b
	}()
	do(ours)
	ours.Close()
	return <-got
}

func TestZiutekLosesBytes(t *testing.T) {
	got := received(t, func(conn net.Conn) {
		z, err := ziutek.NewConn(conn)
		if err != nil {
			t.Fatal(err)
		}
		z.Write([]byte("a\xe9b")) // é in ISO 8859-1
	})
	if !bytes.Equal(got, []byte("ab")) {
		t.Errorf("ziutek/telnet sends %q", got)
	}
}

func TestZiutekEndsOnNOP(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go theirs.Write([]byte{telnet.IAC, telnet.NOP, 'x'})
	z, err := ziutek.NewConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if _, err := z.ReadByte(); err == nil {
		t.Error("ziutek/telnet survives IAC NOP now")
	}
}

func TestZiutekMissesOverlaps(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() {
		theirs.Write([]byte("aab"))
		theirs.Close()
	}()
	z, err := ziutek.NewConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if _, err := z.ReadUntil("ab"); err == nil {
		t.Error("ziutek/telnet finds ab in aab now")
	}
}
