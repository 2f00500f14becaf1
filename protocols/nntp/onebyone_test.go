package nntp

import (
	"bufio"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// answers are the replies of a small server to the commands that reading takes.
var answers = map[string]string{
	"CAPABILITIES":      "101 list\r\nVERSION 2\r\nREADER\r\nOVER\r\n.\r\n",
	"GROUP a.b":         "211 3 1 3 a.b\r\n",
	"LIST OVERVIEW.FMT": "215 list\r\nSubject:\r\nFrom:\r\nDate:\r\nMessage-ID:\r\nReferences:\r\n:bytes\r\n:lines\r\n.\r\n",
	"OVER 1-":           "224 overview\r\n1\ts\tf\td\t<1@x>\t\t9\t1\r\n.\r\n",
	"STAT 1":            "223 1 <1@x>\r\n",
	"ARTICLE 1":         "220 1 <1@x>\r\nSubject: one\r\n\r\nbody\r\n.\r\n",
	"ARTICLE 2":         "220 2 <2@x>\r\nSubject: two\r\n\r\nbody\r\n.\r\n",
	"ARTICLE 3":         "423 no such number\r\n",
	"GROUP no.such":     "411 no such group\r\n",
	"QUIT":              "205 bye\r\n",
}

// pickyServer answers, and counts the commands that came before the reply to the one
// before had gone out.
func pickyServer(t *testing.T) (at *url.URL, early *atomic.Int64, seen chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	early, seen = &atomic.Int64{}, make(chan string, 100)
	serve := func(conn net.Conn) {
		defer conn.Close()
		conn.Write([]byte("200 ready\r\n"))
		for r := bufio.NewReader(conn); ; {
			text, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if r.Buffered() > 0 {
				early.Add(1)
			}
			text = strings.TrimSpace(text)
			seen <- text
			reply := answers[text]
			if reply == "" {
				reply = "500 unknown\r\n"
			}
			if _, err := conn.Write([]byte(reply)); err != nil {
				return
			}
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn) // one session after the other
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return &url.URL{Scheme: "nntp", Host: l.Addr().String()}, early, seen
}

// TestNoPipelining: one command at a time where that is asked for, and several elsewhere;
// the articles are the same, and nothing is asked of a group that was refused.
func TestNoPipelining(t *testing.T) {
	for _, alone := range []bool{false, true} {
		t.Run(map[bool]string{false: "several", true: "one by one"}[alone], func(t *testing.T) {
			u, early, seen := pickyServer(t)
			c, err := New(u, &protocols.Options{})
			if err != nil {
				t.Fatal(err)
			}
			c.Settings.NoPipelining = alone
			if _, err := c.Stat(t.Context(), "a.b/1"); err != nil {
				t.Error(err)
			}
			for _, err := range c.Overview(t.Context(), "a.b") {
				if err != nil {
					t.Error(err)
				}
			}
			var got []string
			names := []string{"a.b/1", "a.b/2", "no.such/1", "a.b/3", "a.b/1"}
			err = c.BulkGet(t.Context(), slices.Values(names), func(name string, o *protocols.Object, err error) error {
				word := "refused"
				if err == nil {
					word = "came"
				}
				got = append(got, name+" "+word)
				return nil
			})
			c.Close()
			want := []string{"a.b/1 came", "a.b/2 came", "no.such/1 refused", "a.b/3 refused", "a.b/1 came"}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, %v", got, err)
			}
			if n := early.Load(); (n > 0) == alone {
				t.Errorf("%d commands came early", n)
			}
			after := ""
			for len(seen) > 0 {
				command := <-seen
				if alone && after == "GROUP no.such" && strings.HasPrefix(command, "ARTICLE") {
					t.Errorf("%s after a group that was refused", command)
				}
				after = command
			}
		})
	}
}
