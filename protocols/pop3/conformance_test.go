package pop3

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) { protocoltest.Run(t, book().Suite()) }

// BenchmarkConformance measures against the server of package lab.
func BenchmarkConformance(b *testing.B) { protocoltest.RunBenchmarks(b, Spec(), labServer) }

// manyMail is a store with a large message and many small ones.
func manyMail(t testing.TB) *maillab.Mailboxes {
	t.Helper()
	m := maillab.Sample()
	user := lab.DefaultCredentials().User
	big := bytes.Repeat([]byte(strings.Repeat("x", 1022)+"\r\n"), 64<<10)
	for i := range 10_001 {
		text := fmt.Appendf(nil, "From: a@example.org\r\nSubject: message %d\r\n\r\n.text\r\n", i)
		if i == 0 {
			text = append(text, big...)
		}
		if _, err := m.Append(user, maillab.Inbox, text, nil, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func labServer(t testing.TB) *protocoltest.Server {
	t.Helper()
	mail := manyMail(t)
	f, err := maillab.StartPOP3(maillab.POP3Options{Mail: mail, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	s := &protocoltest.Server{
		URL: "pop3://alice:secret@" + f.Addr() + "/", Options: &protocols.Options{},
		Folder: "", Missing: "99999", Many: "", Big: "6", Files: []string{"1", "2", "4"},
	}
	list, err := mail.Snapshot("alice", maillab.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{1, 2, 4} {
		s.Content = append(s.Content, bytes.Clone(list[i-1].Data))
	}
	return s
}
