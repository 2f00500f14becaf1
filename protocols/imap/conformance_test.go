package imap

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// BenchmarkConformance measures against the server of package lab.
func BenchmarkConformance(b *testing.B) { protocoltest.RunBenchmarks(b, Spec(), bigServer) }

func describe(t testing.TB, s *maillab.IMAPServer) *protocoltest.Server {
	info, err := s.Mail().Info("alice", maillab.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	at := func(uid int) string { return imapwire.MessageName(maillab.Inbox, info.UIDValidity, uint32(uid)) }
	server := &protocoltest.Server{
		URL: "imap://alice:secret@" + s.Addr() + "/", Options: &protocols.Options{},
		Folder: maillab.Inbox, Missing: at(99999), Files: []string{at(1), at(2), at(4)},
	}
	list, err := s.Mail().Snapshot("alice", maillab.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{1, 2, 4} {
		server.Content = append(server.Content, bytes.Clone(list[i-1].Data))
	}
	return server
}

func labServer(t testing.TB) *protocoltest.Server {
	return describe(t, labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{}))
}

// bigServer has a mailbox of 10,000 messages, and one of 64 MiB.
func bigServer(t testing.TB) *protocoltest.Server {
	m := maillab.Sample()
	if err := m.Create("alice", "many"); err != nil {
		t.Fatal(err)
	}
	for i := range 10_000 {
		text := fmt.Appendf(nil, "From: a@example.org\r\nSubject: message %d\r\n\r\ntext\r\n", i)
		if _, err := m.Append("alice", "many", text, nil, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	big := append([]byte("Subject: big\r\n\r\n"), bytes.Repeat([]byte(strings.Repeat("x", 1022)+"\r\n"), 64<<10)...)
	uid, err := m.Append("alice", maillab.Inbox, big, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server := describe(t, labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{Mail: m}))
	server.Many, server.Big = "many", fmt.Sprintf("INBOX;UID=%d", uid)
	return server
}
