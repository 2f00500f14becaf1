package kit

import (
	"io"
	"net"
	"testing"
	"time"
)

// FuzzSession fuzzes the session of a server, which handle serves on one connection: it
// gets the start, which may log in, and then anything. The session must end when the client
// does, without a panic.
func FuzzSession(f *testing.F, handle func(net.Conn), start string) {
	f.Helper()
	f.Fuzz(func(t *testing.T, in []byte) {
		client, server := net.Pipe()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer server.Close()
			handle(server)
		}()
		go io.Copy(io.Discard, client)
		client.SetWriteDeadline(time.Now().Add(time.Second))
		client.Write(append([]byte(start), in...))
		client.Close()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the session does not end")
		}
	})
}

// Seeds adds the seeds of a fuzz target of bytes.
func Seeds(f *testing.F, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
}
