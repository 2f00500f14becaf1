package transfer_test

import (
	"cmp"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
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

// TestMessagesShortIMAP: the size of the content is exact, that of the listing may be an
// estimate. But a message is not empty where bytes were announced, and one of which less
// than half came is not deleted at its source. One that the server leaves out has failed.
func TestMessagesShortIMAP(t *testing.T) {
	text := "Subject: x\r\n\r\n" + strings.Repeat("a line\r\n", 20)
	fetched := func(uid, size int, content string) string {
		return fmt.Sprintf("* %d FETCH (UID %d RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n", uid, uid, size, len(content), content)
	}
	for name, tt := range map[string]struct {
		content string
		failed  int64
		deleted string
	}{
		"whole":    {fetched(2, len(text), text), 0, "1:3"},
		"estimate": {fetched(2, len(text)*3/2, text), 0, "1:3"},
		"half":     {fetched(2, len(text), text[:60]), 0, "1,3"},
		"empty":    {fetched(2, len(text), ""), 1, "1,3"},
		"left out": {"", 1, "1,3"},
	} {
		t.Run(name, func(t *testing.T) {
			deleted := make(chan string, 10)
			address := labtest.Answer(t, "* PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] hello\r\n", func(line string) string {
				tag, command, _ := strings.Cut(line, " ")
				done := tag + " OK done\r\n"
				switch {
				case strings.HasPrefix(command, "EXAMINE"), strings.HasPrefix(command, "SELECT"):
					return "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 4] x\r\n" + tag + " OK [READ-WRITE] x\r\n"
				case strings.HasPrefix(command, "FETCH 1:3"):
					for i := 3; i > 0; i-- {
						done = fmt.Sprintf("* %d FETCH (UID %d FLAGS () RFC822.SIZE %d)\r\n", i, i, len(text)) + done
					}
					return done
				case strings.HasPrefix(command, "UID FETCH 1:3"):
					return fetched(1, len(text), text) + tt.content + fetched(3, len(text), text) + done
				case command == "UID FETCH 2 (UID FLAGS)":
					return "* 2 FETCH (UID 2 FLAGS ())\r\n" + done
				case strings.HasPrefix(command, "UID SEARCH"):
					return "* SEARCH 1 2 3\r\n" + done
				case strings.HasPrefix(command, "UID EXPUNGE"):
					deleted <- strings.TrimPrefix(command, "UID EXPUNGE ")
				}
				return done
			})
			src := transfer.Endpoint{URL: "imap://alice@" + address + "/INBOX", Protocol: "imap", Name: "INBOX", Open: func() (protocols.Client, error) {
				u, err := protocols.ParseURL("imap://alice@"+address+"/", "")
				if err != nil {
					return nil, err
				}
				return imap.New(u, nil)
			}}
			sum, err := transfer.SyncMessages(t.Context(), src, storeEnd(t.TempDir()+"/md"), &transfer.MessageOptions{DeleteAfter: true}, nil)
			if (err != nil) != (tt.failed > 0) || sum.Failed != tt.failed || sum.Done+sum.Failed != 3 {
				t.Errorf("%+v, %v", sum, err)
			}
			if got := <-deleted; got != tt.deleted {
				t.Errorf("deleted %s, want %s", got, tt.deleted)
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
