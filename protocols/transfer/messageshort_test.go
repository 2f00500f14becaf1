package transfer_test

import (
	"cmp"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/transfer"
)

// TestMessagesShort: a message that ends long before the size that the server
// announced is not stored, and never deleted there; the others are.
func TestMessagesShort(t *testing.T) {
	text := "Subject: x\r\n\r\n" + strings.Repeat("a line\r\n", 20)
	for _, store := range []string{"md", "in.mbox"} {
		t.Run(store, func(t *testing.T) {
			address, deleted := mailbox(t, []int{len(text), len(text), len(text)}, text, text[:20]+"\r\n", text)
			dst := storeEnd(t.TempDir() + "/" + store)
			sum, _ := transfer.SyncMessages(t.Context(), popEnd(address), dst, &transfer.MessageOptions{DeleteAfter: true}, nil)
			if gone := deleted(); sum.Failed != 1 || gone != "DELE 1 DELE 3 " {
				t.Errorf("%+v, told the server %q", sum, gone)
			}
		})
	}
}

// mailbox is a POP3 server of some messages, with the sizes that it announces. It returns
// its address, and the deletions that the last session asked for.
func mailbox(t *testing.T, sizes []int, texts ...string) (address string, deleted func() string) {
	uidl, list := "+OK\r\n", "+OK\r\n"
	for i, size := range sizes {
		uidl += fmt.Sprintf("%d %c\r\n", i+1, 'a'+i)
		list += fmt.Sprintf("%d %d\r\n", i+1, size)
	}
	answers := map[string]string{"CAPA": "+OK\r\nUIDL\r\nUSER\r\n.\r\n", "UIDL": uidl + ".\r\n", "LIST": list + ".\r\n"}
	for i, text := range texts {
		answers[fmt.Sprint("RETR ", i+1)] = "+OK\r\n" + text + ".\r\n"
	}
	ended := make(chan string, 10)
	address = labtest.Serve(t, func(conn net.Conn) {
		said := ""
		labtest.Converse(conn, "+OK\r\n", func(line string) string {
			if strings.HasPrefix(line, "DELE") {
				said += line + " "
			}
			return cmp.Or(answers[line], "+OK\r\n")
		})
		ended <- said
	})
	return address, func() string { return <-ended }
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
				address, deleted := mailbox(t, []int{tt.announced}, whole)
				var warned []string
				o := &transfer.MessageOptions{DeleteAfter: del}
				o.Warn = func(text string) { warned = append(warned, text) }
				sum, err := transfer.SyncMessages(t.Context(), popEnd(address), storeEnd(dst), o, nil)
				if err != nil || sum.Failed != 0 {
					t.Fatalf("run %d: %+v, %v", run, sum, err)
				}
				if gone := deleted(); (gone != "") != (del && tt.deleted) {
					t.Errorf("run %d: told the server %q, warned %q", run, gone, warned)
				}
				if run == 0 && (len(warned) > 0) == tt.deleted {
					t.Errorf("warned %q", warned)
				}
			}
		})
	}
}

// TestMessagesOdd: a message without a unique id fails by its name, and a large one is
// left alone when that is wanted; the others are stored.
func TestMessagesOdd(t *testing.T) {
	answers := map[string]string{
		"CAPA": "+OK\r\nUIDL\r\nUSER\r\n.\r\n", "UIDL": "+OK\r\n1 a\r\n2\r\n3 c\r\n.\r\n", "LIST": "+OK\r\n1 30\r\n2 30\r\n3 3000\r\n.\r\n",
		"RETR": "+OK\r\nSubject: x\r\n\r\n" + strings.Repeat("body\r\n", 3) + ".\r\n",
	}
	for range 2 { // neither is forgotten
		address := labtest.Answer(t, "+OK\r\n", func(line string) string {
			word, _, _ := strings.Cut(line, " ")
			return cmp.Or(answers[word], "+OK\r\n")
		})
		var told []string
		sum, err := transfer.SyncMessages(t.Context(), popEnd(address), storeEnd(t.TempDir()+"/md"), &transfer.MessageOptions{SkipSize: 1000},
			func(r transfer.Result) { told = append(told, fmt.Sprint(r.Name, " ", r.Status)) })
		if sum.Done != 1 || sum.Failed != 1 || sum.Skipped != 1 || len(told) != 3 {
			t.Errorf("%+v, %q, %v", sum, told, err)
		}
	}
}
