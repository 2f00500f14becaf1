package nntp

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// fuzzSession is a session whose server says the bytes.
func fuzzSession(data []byte) *session {
	u, _ := protocols.ParseURL("nntp://localhost/", "")
	c, _ := New(u, nil)
	t := &line.Core{Limits: c.line.Limits}
	t.In = wire.NewLineReader(bytes.NewReader(data), 1<<10)
	t.Out = wire.NewWriter(io.Discard, 0)
	return &session{Core: t, c: c, base: c.urlOf(""), format: standard}
}

// FuzzOverview: whatever a line says, an entry is parsed or raw, and a parsed one
// has a URL that leads back to it.
func FuzzOverview(f *testing.F) {
	for _, s := range []string{"1\ta\tb\tMon, 01 Apr 2024 12:00:00 +0000\t<1@x>\t\t5\t1\tXref: h g:1", "", "x", "9999999999999999999999\ta", "-1\t", "0\t\t\t\t<a@b>", "5\t=?utf-8?q?=C3?=\t\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") {
			t.Skip("a line has no line ends")
		}
		s := fuzzSession(nil)
		e := overviewReader{s}.entry(line, "local.test")
		if !e.Parsed() {
			return
		}
		if e.Number < 0 || e.Size < -1 || e.Number > 0 && e.Path != articleName("local.test", e.Number) && !strings.HasPrefix(line, "0") {
			t.Fatalf("%+v", e)
		}
	})
}

// FuzzGroupLine: counts are never negative.
func FuzzGroupLine(f *testing.F) {
	for _, s := range []string{"a.b 5 1 y", "a.b 0 1 n", "a 5 1 5 y", "a", "a -1 5 y", "a 9223372036854775807 0 y"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, line string, counted bool) {
		e, ok := groupLister{fuzzSession(nil)}.groupEntry(line, counted)
		if ok != e.Parsed() || ok && (e.Low < 0 || e.High < 0 || e.Name == "") {
			t.Fatalf("%v %+v", ok, e)
		}
	})
}

// FuzzName: a name that is taken can be told to a server, and comes back from its URL.
func FuzzName(f *testing.F) {
	for _, s := range []string{"", "a.b", "a.b/5", "a.b/5-", "a.b/5-9", "<a@b>", "a@b", "a.*", "a/b/5", "a.b/99999999999999999999", "a%2fb", "ünicode"} {
		f.Add(s)
	}
	u, _ := protocols.ParseURL("nntp://localhost/", "")
	c, _ := New(u, nil)
	f.Fuzz(func(t *testing.T, name string) {
		p, err := parseName(name)
		if err != nil {
			return
		}
		if err := wire.Check(p.group, p.wildmat, p.id, p.spec()); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") || strings.Contains(name, "@") {
			return
		}
		back, err := protocols.ParseURL(c.urlOf(name), "")
		if err != nil {
			return // refused by the one URL parser: control characters
		}
		if got, err := pathOf(back); err != nil || got != strings.TrimPrefix(name, "/") && got != name {
			t.Fatalf("%q comes back as %q, %v", name, got, err)
		}
	})
}

// FuzzWildmat: it ends, and a name fits itself.
func FuzzWildmat(f *testing.F) {
	f.Add("*a*b*c*d*", "aaaabbbbccccdddd")
	f.Add("[a-z]?\\*,!x", "ab*")
	f.Fuzz(func(t *testing.T, wildmat, name string) {
		Wildmat(wildmat, name)
		if !strings.ContainsAny(name, "*?[\\,!") && !Wildmat(name, name) {
			t.Fatalf("%q does not fit itself", name)
		}
		if !Wildmat("*", name) {
			t.Fatalf("%q does not fit *", name)
		}
	})
}

// FuzzDecoder: nothing more than announced comes out, and it ends.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte(bodies([]byte("hello, world"), 5)[0]))
	f.Add([]byte(bodies([]byte("hello, world"), 50)[0]))
	f.Add([]byte("begin 644 x\n#86)C\n`\nend\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := NewDecoder(bytes.NewReader(data))
		for range 100 {
			p, err := d.Next()
			if err != nil {
				return
			}
			if n, _ := io.Copy(io.Discard, d); p.Length >= 0 && n > p.Length || n > 45*int64(len(data)) { // uuencoded lines may have lost their trailing spaces
				t.Fatalf("%d bytes, %d announced, from %d", n, p.Length, len(data))
			}
		}
	})
}

// FuzzNZB: no panic, and every message-id can be told to a server.
func FuzzNZB(f *testing.F) {
	f.Add([]byte(`<nzb><file subject="a"><segments><segment number="1">a@b</segment></segments></file></nzb>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		files, _ := ParseNZB(bytes.NewReader(data))
		for _, file := range files {
			for _, s := range file.Segments {
				if err := checkID(s.ID); err != nil || wire.Check(s.ID) != nil {
					t.Fatalf("%q: %v", s.ID, err)
				}
			}
		}
	})
}

// FuzzNewsrc: what is read and written again reads the same.
func FuzzNewsrc(f *testing.F) {
	f.Add("options\na.b: 1-5,9\nc!\na.b: 6\n")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseNewsrc(strings.NewReader(text))
		if err != nil {
			return
		}
		var once, twice strings.Builder
		n.WriteTo(&once)
		again, err := ParseNewsrc(strings.NewReader(once.String()))
		if err != nil {
			t.Fatalf("%q: %v", once.String(), err)
		}
		again.WriteTo(&twice)
		if once.String() != twice.String() {
			t.Fatalf("%q, then %q", once.String(), twice.String())
		}
	})
}

// FuzzServer: a client against a server that says anything ends, without a panic.
func FuzzServer(f *testing.F) {
	f.Add([]byte("200 hi\r\n101 caps\r\nREADER\r\nOVER\r\n.\r\n215 fmt\r\n.\r\n211 1 1 1 local.test\r\n224 over\r\n1\ta\tb\r\n.\r\n"))
	f.Add([]byte("200 hi\r\n500 what\r\n200 reader\r\n215 fmt\r\n.\r\n411 no\r\n"))
	f.Add([]byte("502 Too many connections\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		u, _ := protocols.ParseURL("nntp://localhost/", "")
		o := &protocols.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				go io.Copy(io.Discard, theirs)
				theirs.Write(data)
				theirs.Close()
			}()
			return ours, nil
		}}
		o.TLS.Mode = protocols.TLSOff
		c, err := New(u, o)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, err := range c.List(ctx, "local.test") {
			if err != nil && ctx.Err() != nil {
				t.Fatal("it did not end")
			}
		}
		if obj, err := c.Get(ctx, "local.test/1", nil); err == nil {
			io.Copy(io.Discard, obj.Body)
			obj.Body.Close()
		}
	})
}
