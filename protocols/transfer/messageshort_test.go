package transfer_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/transfer"
)

// TestMessagesShort: a message that ends long before the size that the server
// announced is not stored, and never deleted there; the others are.
func TestMessagesShort(t *testing.T) {
	for _, store := range []string{"md", "in.mbox"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		deleted := make(chan string, 10)
		go cutting(ln, deleted)
		dst := storeEnd(t.TempDir() + "/" + store)
		sum, _ := transfer.SyncMessages(t.Context(), popEnd(ln.Addr().String()), dst, &transfer.MessageOptions{DeleteAfter: true}, nil)
		ln.Close()
		gone := <-deleted
		if sum.Failed != 1 || gone != "DELE 1 DELE 3 " {
			t.Errorf("%s: %+v, told the server %q", store, sum, gone)
		}
	}
}

// cutting serves three messages on one connection; of the second only a bit comes.
// At the end it tells what was to be deleted.
func cutting(ln net.Listener, deleted chan<- string) {
	conn, err := ln.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	text := "Subject: x\r\n\r\n" + strings.Repeat("a line\r\n", 20)
	io.WriteString(conn, "+OK\r\n")
	said := ""
	for in := bufio.NewScanner(conn); in.Scan(); {
		answer := "+OK\r\n"
		switch line := in.Text(); {
		case line == "CAPA":
			answer += "UIDL\r\nUSER\r\n.\r\n"
		case line == "UIDL":
			answer += "1 a\r\n2 b\r\n3 c\r\n.\r\n"
		case line == "LIST":
			answer += fmt.Sprintf("1 %[1]d\r\n2 %[1]d\r\n3 %[1]d\r\n.\r\n", len(text))
		case line == "RETR 2":
			answer += text[:20] + "\r\n.\r\n"
		case strings.HasPrefix(line, "RETR"):
			answer += text + ".\r\n"
		case strings.HasPrefix(line, "DELE"):
			said += line + " "
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			break
		}
	}
	deleted <- said
}
