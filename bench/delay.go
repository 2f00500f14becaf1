//go:build linux

package main

import (
	"io"
	"net"
	"time"
)

// delayed starts a proxy to target that forwards all bytes half a round trip after they arrived, in each direction,
// without limiting the amount in flight. It returns its address and runs until the program exits.
func delayed(target string, roundTrip time.Duration) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				_ = client.Close()
				continue
			}
			go later(server, client, roundTrip/2)
			go later(client, server, roundTrip/2)
		}
	}()
	return listener.Addr().String(), nil
}

// piece is the data of one read, and when to forward it.
type piece struct {
	bytes []byte
	due   time.Time
}

// later copies src to dst and closes dst at the end.
func later(dst, src net.Conn, delay time.Duration) {
	pieces := make(chan piece, 4096)
	go func() {
		defer close(pieces)
		for {
			buf := make([]byte, 64<<10)
			n, err := src.Read(buf)
			if n > 0 {
				pieces <- piece{buf[:n:n], time.Now().Add(delay)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		if _, err := dst.Write(p.bytes); err != nil {
			_, _ = io.Copy(io.Discard, src)
			break
		}
	}
	_ = dst.Close()
	for range pieces { // let the reader finish
	}
}
