package pop3

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	peer "github.com/knadh/go-pop3"
)

// TestPeerLosesBytes shows what knadh/go-pop3 does with content that this package
// returns byte for byte: it leaves doubled dots, and cuts a long line into pieces, of
// which one may be a dot alone and end the message. If it fails, that
// package has changed, and the reason not to build on it may be gone.
func TestPeerLosesBytes(t *testing.T) {
	long := strings.Repeat("x", 5000)
	tests := []struct {
		name, text string
		peer       string
		fails      bool // a later answer of the peer is out of step
	}{
		{"plain", "Subject: x\r\n\r\ntext\r\n", "Subject: x\r\n\r\ntext\r\n", false},
		{"dots", "Subject: x\r\n\r\n.\r\n..\r\n.hidden\r\n", "Subject: x\r\n\r\n..\r\n...\r\n..hidden\r\n", false},
		{"a long line", "Subject: x\r\n\r\n" + long + "\r\n", "Subject: x\r\n\r\n" + long[:4096] + "\r\n" + long[4096:] + "\r\n", false},
		{"a long line with a dot at its 4,097th byte", "Subject: x\r\n\r\n" + long[:4096] + ".\r\nthe rest\r\n", "Subject: x\r\n\r\n" + long[:4096] + "\r\n", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stuffed := strings.ReplaceAll("\n"+tt.text, "\n.", "\n..")[1:]
			address, _ := serving(t, map[string]string{"CAPA": "+OK\r\nUSER\r\nUIDL\r\n.\r\n", "RETR": "+OK\r\n" + stuffed + ".\r\n", "UIDL": "+OK\r\n1 a\r\n.\r\n", "STAT": "+OK 1 20\r\n"})
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				t.Fatal(err)
			}
			number, err := strconv.Atoi(port)
			if err != nil {
				t.Fatal(err)
			}
			p, err := peer.New(peer.Opt{Host: host, Port: number}).NewConn()
			if err != nil {
				t.Fatal(err)
			}
			defer p.Quit()
			if got, err := p.RetrRaw(1); err != nil || !bytes.Equal(got.Bytes(), []byte(tt.peer)) {
				t.Errorf("knadh/go-pop3 returns %q, %v", got, err)
			}
			if _, _, err := p.Stat(); (err != nil) != tt.fails {
				t.Errorf("knadh/go-pop3, the next command: %v", err)
			}
			o, err := clientAt(t, address).Get(t.Context(), "1", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer o.Body.Close()
			if got, err := io.ReadAll(o.Body); err != nil || string(got) != tt.text {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// BenchmarkRetr reads messages of 3 KiB, by this package and by knadh/go-pop3.
func BenchmarkRetr(b *testing.B) {
	text := "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("y", 70)+"\r\n", 42)
	address, _ := serving(b, map[string]string{"CAPA": "+OK\r\nUSER\r\n.\r\n", "RETR": "+OK\r\n" + text + ".\r\n"})
	host, port, _ := net.SplitHostPort(address)
	number, _ := strconv.Atoi(port)
	b.Run("netclients", func(b *testing.B) {
		c := clientAt(b, address)
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			o, err := c.Get(b.Context(), "1", nil)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, o.Body); err != nil {
				b.Fatal(err)
			}
			o.Body.Close()
		}
	})
	b.Run("knadh", func(b *testing.B) {
		p, err := peer.New(peer.Opt{Host: host, Port: number}).NewConn()
		if err != nil {
			b.Fatal(err)
		}
		defer p.Quit()
		if err := p.Auth("alice", "secret"); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, err := p.RetrRaw(1); err != nil {
				b.Fatal(err)
			}
		}
	})
}
