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

// TestMessagesDoubtful: a message that came shorter than line ends and dots explain is
// stored, and not deleted at its source, not even by a later run.
func TestMessagesDoubtful(t *testing.T) {
	body := strings.Repeat(strings.Repeat("x", 70)+"\r\n", 20)
	whole := "Subject: x\r\n\r\n" + body
	for name, tt := range map[string]struct {
		announced int
		deleted   bool
	}{
		"exact":                  {len(whole), true},
		"line ends counted":      {len(whole) + 22, true},
		"larger than it came":    {len(whole) + 40, false},
		"smaller than it came":   {len(whole) - 300, true},
		"nearly twice the bytes": {2*len(whole) - 10, false},
	} {
		t.Run(name, func(t *testing.T) {
			dst := t.TempDir() + "/md"
			for run, del := range []bool{false, true} {
				deleted := make(chan string, 10)
				address := announcing(t, tt.announced, whole, deleted)
				var warned []string
				o := &transfer.MessageOptions{DeleteAfter: del}
				o.Warn = func(text string) { warned = append(warned, text) }
				sum, err := transfer.SyncMessages(t.Context(), popEnd(address), storeEnd(dst), o, nil)
				if err != nil || sum.Failed != 0 {
					t.Fatalf("run %d: %+v, %v", run, sum, err)
				}
				if gone := <-deleted; (gone != "") != (del && tt.deleted) {
					t.Errorf("run %d: told the server %q, warned %q", run, gone, warned)
				}
				if run == 0 && (len(warned) > 0) == tt.deleted {
					t.Errorf("warned %q", warned)
				}
			}
		})
	}
}

// announcing serves one message on one connection, of a size that it announces.
func announcing(t *testing.T, size int, text string, deleted chan<- string) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "+OK\r\n")
		said := ""
		for in := bufio.NewScanner(conn); in.Scan(); {
			answer := "+OK\r\n"
			switch line := in.Text(); {
			case line == "CAPA":
				answer += "UIDL\r\nUSER\r\n.\r\n"
			case line == "UIDL":
				answer += "1 a\r\n.\r\n"
			case line == "LIST":
				answer += fmt.Sprintf("1 %d\r\n.\r\n", size)
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
	}()
	return ln.Addr().String()
}

// TestMessagesOdd: a message without a unique id fails by its name, and a large one is
// left alone when that is wanted; the others are stored.
func TestMessagesOdd(t *testing.T) {
	answers := map[string]string{
		"CAPA": "+OK\r\nUIDL\r\nUSER\r\n.\r\n", "UIDL": "+OK\r\n1 a\r\n2\r\n3 c\r\n.\r\n", "LIST": "+OK\r\n1 30\r\n2 30\r\n3 3000\r\n.\r\n",
		"RETR": "+OK\r\nSubject: x\r\n\r\n" + strings.Repeat("body\r\n", 3) + ".\r\n",
	}
	for range 2 { // neither is forgotten
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			io.WriteString(conn, "+OK\r\n")
			for in := bufio.NewScanner(conn); in.Scan(); {
				word, _, _ := strings.Cut(in.Text(), " ")
				answer, ok := answers[word]
				if !ok {
					answer = "+OK\r\n"
				}
				if _, err := io.WriteString(conn, answer); err != nil {
					return
				}
			}
		}()
		var told []string
		sum, err := transfer.SyncMessages(t.Context(), popEnd(ln.Addr().String()), storeEnd(t.TempDir()+"/md"), &transfer.MessageOptions{SkipSize: 1000},
			func(r transfer.Result) { told = append(told, fmt.Sprint(r.Name, " ", r.Status)) })
		ln.Close()
		if sum.Done != 1 || sum.Failed != 1 || sum.Skipped != 1 || len(told) != 3 {
			t.Errorf("%+v, %q, %v", sum, told, err)
		}
	}
}
