package pop3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// TestFloods: answers without an end are given up within bounds.
func TestFloods(t *testing.T) {
	for _, verb := range []string{"CAPA", "UIDL", "LIST", "TOP", "RETR", "greeting"} {
		for _, spec := range []string{"endless:%s=+OK ", "garbage:%s"} {
			s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{ServerOptions: lab.ServerOptions{Faults: labtest.Faults(t, fmt.Sprintf(spec, verb))}})
			c := labtest.Connect(t, New, s, nil)
			c.Settings.Headers = true
			var err error
			for _, e := range c.List(t.Context(), "") {
				err = e
			}
			if verb == "RETR" {
				_, err = c.Get(t.Context(), "1", nil)
			}
			if protocols.KindOf(err) != protocols.KindProtocol {
				t.Errorf(spec+": %v", verb, err)
			}
		}
	}
}

// TestEndlessListings: lists of lines that never end are bounded too.
func TestEndlessListings(t *testing.T) {
	for _, verb := range []string{"CAPA", "UIDL", "LIST"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		go flood(ln, verb)
		u, err := protocols.ParseURL("pop3://a:b@"+ln.Addr().String()+"/", "")
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(u, &protocols.Options{Mechanism: "USER"})
		if err != nil {
			t.Fatal(err)
		}
		c.Settings.Headers = true
		for _, err = range c.List(t.Context(), "") {
		}
		if protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%s: %v", verb, err)
		}
		c.Close()
	}
}

// flood says +OK to all, and after one verb lines for ever.
func flood(ln net.Listener, verb string) {
	conn, err := ln.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "+OK\r\n")
	buf := make([]byte, 1000)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		line := string(buf[:n])
		fmt.Fprint(conn, "+OK\r\n")
		if !strings.HasPrefix(line, verb) {
			if strings.HasPrefix(line, "CAPA") || strings.HasPrefix(line, "UIDL") {
				fmt.Fprint(conn, ".\r\n")
			}
			continue
		}
		value, times := strings.Repeat("x", 900), 50
		if verb == "LIST" {
			value, times = "1", 5000
		}
		for i := 1; ; i++ {
			block := bytes.Repeat(fmt.Appendf(nil, "%d %s\r\n", i, value), times)
			if _, err := conn.Write(block); err != nil {
				return
			}
		}
	}
}

// TestHostileIDs: ids are data, whatever is in them.
func TestHostileIDs(t *testing.T) {
	for _, line := range []string{"6 ../../etc/passwd", "6 " + strings.Repeat("a", 300), "6 \x1b[31m\x07", "6 <a b> c"} {
		s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{ExtraLines: []string{line}})
		c := labtest.Connect(t, New, s, nil)
		n := 0
		for e, err := range c.UIDs(t.Context()) {
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if _, perr := protocols.ParseURL(e.URL, ""); perr != nil && !strings.Contains(line, "\x1b") {
				t.Errorf("%q: URL %q: %v", line, e.URL, perr)
			}
			n++
		}
		if n != 6 {
			t.Errorf("%q: %d ids", line, n)
		}
	}
	for _, line := range []string{"x", "0 a", "-1 a", "99999999999999999999 a", "7", "6000000 a", "+7 a"} {
		for lines, want := range map[int]protocols.Kind{1: 0, maxOdd + 1: protocols.KindProtocol} {
			s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{ExtraLines: slices.Repeat([]string{line}, lines)})
			var warned []string
			o := &protocols.Options{Warn: func(text string) { warned = append(warned, text) }}
			var err error
			n := 0
			for _, err = range labtest.Connect(t, New, s, o).UIDs(t.Context()) {
				n++
			}
			if protocols.KindOf(err) != want || want == 0 && n != 5 || len(warned) == 0 {
				t.Errorf("%q, %d times: %d ids, warned %q: %v", line, lines, n, warned, err)
			}
		}
	}
}

// TestNumbersOfAnotherSession: a number that was told in a session deletes nothing in
// another one, before that has told its own.
func TestNumbersOfAnotherSession(t *testing.T) {
	s := labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{})
	looks := map[string]func(c *Client) error{
		"list": func(c *Client) (err error) {
			for _, err = range c.List(t.Context(), "") {
			}
			return err
		},
		"stat": func(c *Client) error { _, err := c.Stat(t.Context(), "1"); return err },
		"get": func(c *Client) error {
			o, err := c.Get(t.Context(), "1", nil)
			labtest.Object(t, o, err)
			return nil
		},
	}
	left := 5
	for name, look := range looks {
		c := labtest.Connect(t, New, s, nil)
		if err := look(c); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(t.Context(), "QUIT"); err != nil {
			t.Fatal(err)
		}
		if err := c.Remove(t.Context(), "1"); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: by a number of another session: %v", name, err)
		}
		if err := errors.Join(look(c), c.Remove(t.Context(), "1")); err != nil {
			t.Errorf("%s: by a number of this session: %v", name, err)
		}
		left--
		if info, err := s.Mail().Info("alice", maillab.Inbox); err != nil || info.Messages != left {
			t.Errorf("%s: %d messages, want %d; %v", name, info.Messages, left, err)
		}
	}
}

// TestWatchNeedsIDs: without ids nothing new could be told, which is an error and no
// silence.
func TestWatchNeedsIDs(t *testing.T) {
	c := labtest.Connect(t, New, labtest.Start(t, maillab.StartPOP3, maillab.POP3Options{Disable: []string{"UIDL"}}), nil)
	c.Settings.Poll = time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for _, err := range c.Watch(ctx, "") {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	}
}
