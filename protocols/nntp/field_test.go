package nntp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// TestNoListgroup: a server of RFC 977 has no LISTGROUP; the numbers come from the
// overview, and from the headers where there is none.
func TestNoListgroup(t *testing.T) {
	for _, off := range [][]string{{"LISTGROUP"}, {"LISTGROUP", "OVER"}, {"LISTGROUP", "OVER", "XOVER"}} {
		c := labtest.Connect(t, New, labtest.Start(t, newslab.Start, newslab.Options{Disable: off}), nil)
		var got []int64
		for n, err := range c.Numbers(t.Context(), "local.test/2-4") {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if !slices.Equal(got, []int64{2, 3, 4}) {
			t.Errorf("without %v: %v", off, got)
		}
	}
}

// TestSaveNames: message-ids with slashes are one file name.
func TestSaveNames(t *testing.T) {
	c, err := New(&url.URL{Scheme: "nntp", Host: "h"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, want := range map[string]string{"<CAF+ab/c=D@x.example>": "CAF+ab-c=D@x.example.eml", "a.b/5": "a.b-5.eml"} {
		if got := c.SaveName(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestBareLF reads a server that ends its lines with LF alone, as some gateways do.
func TestBareLF(t *testing.T) {
	addr := labtest.Answer(t, "200 hi\n", func(line string) string {
		switch verb, _, _ := strings.Cut(line, " "); verb {
		case "ARTICLE":
			return "220 0 <x@y>\nSubject: x\n\nline\n..dot\n.\n"
		case "QUIT":
			return "205 bye\n" + labtest.Hangup
		}
		return "500 what\n"
	})
	u, _ := url.Parse("nntp://" + addr + "/")
	c, err := New(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := readArticle(t, c, "<x@y>"); err != nil || got != "Subject: x\n\nline\n.dot\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestLoginExpires: a login that expires in the middle of a session is made again, in a
// pipelined run too, and every article comes once.
func TestLoginExpires(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{NeedLogin: true, LoginLasts: 4})
	c := labtest.Connect(t, New, s, nil)
	for i := range 12 {
		if _, err := c.Exists(t.Context(), fmt.Sprintf("local.test/%d", i%5+1)); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	var names, got []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("local.test/%d", i%5+1))
	}
	err := c.BulkGet(t.Context(), slices.Values(names), func(name string, o *protocols.Object, err error) error {
		if err == nil {
			_, err = io.Copy(io.Discard, o.Body)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got = append(got, name)
		return nil
	})
	if err != nil || !slices.Equal(got, names) {
		t.Errorf("%d of %d: %v", len(got), len(names), err)
	}
}

// TestOddOverview: lines that are not an overview are reported, once in a session.
func TestOddOverview(t *testing.T) {
	var warned []string
	o := &protocols.Options{Warn: func(text string) { warned = append(warned, text) }}
	s := labtest.Start(t, newslab.Start, newslab.Options{Answer: func(line string) string {
		if strings.HasPrefix(line, "OVER ") {
			return "224 lines\r\nno overview\r\n\r\n2\ts\tf\r\n\tx\r\n.\r\n"
		}
		return ""
	}})
	c := labtest.Connect(t, New, s, o)
	raw, parsed := 0, 0
	for range 2 {
		for e, err := range c.Overview(t.Context(), "local.test/1-5") {
			if err != nil {
				t.Fatal(err)
			}
			if e.Parsed() {
				parsed++
			} else {
				raw++
			}
		}
	}
	if raw != 6 || parsed != 2 || len(warned) != 1 || !strings.Contains(warned[0], "no overview") {
		t.Errorf("%d raw, %d parsed, warned %q", raw, parsed, warned)
	}
}

// TestRenumbered: a list of read articles that reaches beyond the group is about another
// numbering, and hides nothing.
func TestRenumbered(t *testing.T) {
	for _, use := range []func(c *Client) (int, error){
		func(c *Client) (n int, err error) {
			names, err := c.Articles(t.Context(), "local.test/1-")
			if err == nil {
				n = len(slices.Collect(names))
			}
			return n, err
		},
		func(c *Client) (int, error) { return count(c.Overview(t.Context(), "local.test")) },
		func(c *Client) (int, error) { return count(c.List(t.Context(), "local.test")) },
	} {
		c := labtest.Connect(t, New, labtest.Start(t, newslab.Start, newslab.Options{}), nil)
		all, err := use(c)
		if err != nil || all == 0 {
			t.Fatal(all, err)
		}
		for text, want := range map[string]int{"local.test: 1-5000": all, "local.test: 3,400-500": all, "local.test: 1-2": all - 2} {
			list, err := ParseNewsrc(strings.NewReader(text + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			c.Settings.Newsrc = list
			if got, err := use(c); err != nil || got != want {
				t.Errorf("%s: %d articles, want %d, %v", text, got, want, err)
			}
		}
	}
}

func count[T any](all iter.Seq2[T, error]) (n int, err error) {
	for _, err := range all {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// TestPostedID: the message-id is the one that the server reports.
func TestPostedID(t *testing.T) {
	c := labtest.Connect(t, New, labtest.Start(t, newslab.Start, newslab.Options{}), nil)
	r, err := c.Send(t.Context(), &protocols.Message{Body: strings.NewReader(dialogArticle)})
	if err != nil || r.MessageID == "" {
		t.Fatal(r, err)
	}
}

// TestContentIsNoCommand: after a refusal, whenever it comes, nothing of an article is
// taken for commands.
func TestContentIsNoCommand(t *testing.T) {
	evil := "Newsgroups: local.test\r\nFrom: a@b\r\nMessage-ID: <evil@x>\r\n\r\n" + strings.Repeat("GROUP local.test\r\n", 100_000)
	for _, k := range []struct{ verb, reply string }{
		{"POST", "440 no posting"}, {"POST", "480 log in"}, {"POST", "340 go on\r\n441 no, it is too large"},
		{"IHAVE", "435 not wanted"}, {"IHAVE", "436 later"}, {"IHAVE", "335 go on\r\n437 no"},
		{"TAKETHIS", "480 log in"}, {"TAKETHIS", "500 what"}, {"TAKETHIS", "400 going down"},
	} {
		var commands atomic.Int64
		pause := time.Duration(0)
		if k.verb == "TAKETHIS" { // the server takes its time for all replies
			pause = 500 * time.Millisecond
		}
		s := labtest.Start(t, newslab.Start, newslab.Options{Answer: func(line string) string {
			switch verb, _, _ := strings.Cut(line, " "); verb {
			case k.verb:
				time.Sleep(pause)
				return k.reply + "\r\n"
			case "GROUP":
				commands.Add(1)
			case "CHECK":
				time.Sleep(pause)
				return "238 <evil@x>\r\n"
			}
			return ""
		}})
		c := labtest.Connect(t, New, s, nil)
		var err error
		switch k.verb {
		case "POST":
			_, err = c.Send(t.Context(), &protocols.Message{Body: strings.NewReader(evil)})
		case "IHAVE":
			_, err = c.IHave(t.Context(), "<evil@x>", strings.NewReader(evil))
		default:
			offers := []Offer{{ID: "<evil@x>", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(evil)), nil }}}
			err = c.Feed(t.Context(), slices.Values(offers), func(_ string, err error) error { return err })
		}
		c.Close()
		s.Close() // what was sent is read
		if err == nil || commands.Load() > 0 {
			t.Errorf("%s, %s: %v; %d lines were taken for commands", k.verb, k.reply, err, commands.Load())
		}
	}
}

// TestFeedSaysNo: a peer that stops taking articles ends the feed, and those it took are
// reported.
func TestFeedSaysNo(t *testing.T) {
	var taken atomic.Int64
	s := labtest.Start(t, newslab.Start, newslab.Options{Answer: func(line string) string {
		if strings.HasPrefix(line, "TAKETHIS ") && taken.Add(1) > 3 {
			return "400 full" + "\r\n" + newslab.HangUp
		}
		return ""
	}})
	c := labtest.Connect(t, New, s, nil)
	var offers []Offer
	for i := range 20 {
		id := fmt.Sprintf("<feed%d@x>", i)
		text := "Newsgroups: local.test\r\nFrom: a@b\r\nSubject: s\r\nPath: x\r\nDate: Mon, 2 Jan 2006 15:04:05 GMT\r\nMessage-ID: " + id + "\r\n\r\nx\r\n"
		offers = append(offers, Offer{ID: id, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewBufferString(text)), nil }})
	}
	done := 0
	err := c.Feed(t.Context(), slices.Values(offers), func(_ string, err error) error {
		if err == nil {
			done++
		}
		return nil
	})
	if err == nil || done > 3 || errors.Is(err, context.Canceled) {
		t.Errorf("%d articles, %v", done, err)
	}
}
