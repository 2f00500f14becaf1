package nntp

import (
	"bufio"
	"compress/flate"
	"encoding/hex"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

// innDeflated are answers of nnrpd (INN 2.7.1) under COMPRESS DEFLATE
// as they came: to DATE, DATE, GROUP local.test, STAT 1 and DATE. Behind each stands
// what zlib's partial flush writes, an empty block of fixed codes, of whose ten bits
// up to seven wait for the next answer. None ends with the 00 00 FF FF of a full
// flush, which is what the standard library waits for.
var innDeflated = []string{
	"323434543032303233343432323434313330e2e50208",
	"20437431635e2e8000",
	"0232142ccd2d1420644e7e72628e5e496a71092f1740",
	"0019191903456d0c1d721293f432f3ca12733253ec148a4b124b4a8b79b90002",
	"08c32c135e2e8000",
}

// deflatingServer answers the first commands unencrypted, and from COMPRESS on with
// the recorded bytes, one record for each thing that comes in.
func deflatingServer(t *testing.T, l net.Listener) {
	conn, err := l.Accept()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	io.WriteString(conn, "200 ready\r\n")
	in := bufio.NewReader(conn)
	for answer := "101 list\r\nVERSION 2\r\nREADER\r\nCOMPRESS DEFLATE\r\n.\r\n"; answer != ""; {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(conn, answer)
		answer = "206 compressed\r\n"
		if strings.HasPrefix(line, "COMPRESS") {
			answer = ""
		}
	}
	commands := bufio.NewReader(flate.NewReader(in))
	for _, text := range innDeflated {
		if _, err := commands.ReadString('\n'); err != nil {
			t.Error(err)
			return
		}
		b, _ := hex.DecodeString(text)
		conn.Write(b)
	}
}

// TestDeflateOfINN: an answer is there when its last byte is, although no block
// ends with it.
func TestDeflateOfINN(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		deflatingServer(t, l)
		close(done)
	}()
	c, err := New(&url.URL{Scheme: "nntp", Host: l.Addr().String()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Settings.Compress = CompressDeflate
	for _, second := range []int{2, 3} {
		if at, err := c.Date(t.Context()); err != nil || !at.Equal(time.Date(2026, 11, 22, 11, 46, second, 0, time.UTC)) {
			t.Fatalf("%v, %v", at, err)
		}
	}
	if g, err := c.Group(t.Context(), "local.test"); err != nil || g.Count != 978 {
		t.Fatalf("%+v, %v", g, err)
	}
	if e, err := c.Exists(t.Context(), "local.test/1"); err != nil || e.ID != "<1@lab.invalid>" {
		t.Fatalf("%+v, %v", e, err)
	}
	if at, err := c.Date(t.Context()); err != nil || at.Second() != 4 {
		t.Fatalf("%v, %v", at, err)
	}
	<-done
	c.Close()
	first, _ := hex.DecodeString(innDeflated[0])
	more := &asked{r: strings.NewReader(string(first))}
	if n, _ := flate.NewReader(more).Read(make([]byte, 100)); n > 0 && !more.again {
		t.Logf("the standard library gives an answer of INN without waiting for the next one: our own inflater is needed no more")
	}
}

// asked reports whether somebody has read on after the first bytes, which is where a
// connection waits.
type asked struct {
	r     *strings.Reader
	again bool
}

func (a *asked) Read(p []byte) (int, error) {
	a.again = a.r.Len() == 0
	return a.r.Read(p)
}
