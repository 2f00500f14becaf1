package smtp

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// FuzzPath: whatever is given as an address, nothing but one path comes out.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"a@b.org", "", "a@b>\r\nRCPT TO:<c@d", "\"a b\"@c", "\"a\\\"b\"@[127.0.0.1]", "ü@ü.example", "a@b@c", "<a@b>", "a@[IPv6:::1]", "a@b> SIZE=1", "\"\\", "a\x00@b", "root", "a..b@c", "a b@c", "@", "\"a>b\"@c", "\"a>b@c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		text, utf8, err := path(address)
		if err != nil {
			if protocols.KindOf(err) != protocols.KindUsage {
				t.Fatalf("kind of %v", err)
			}
			return
		}
		if wire.Check(text) != nil || text[0] != '<' || text[len(text)-1] != '>' || len(text) < 3 {
			t.Fatalf("%q became %q", address, text)
		}
		if utf8 == isASCII(text) {
			t.Fatalf("%q: utf8 is %v", text, utf8)
		}
		inside, quoted := text[1:len(text)-1], false
		brackets := strings.ContainsAny(inside, "<>")
		for i := 0; i < len(inside); i++ {
			switch c := inside[i]; {
			case quoted && c == '\\':
				i++
			case c == '"':
				quoted = !quoted
			case !quoted && (c == '<' || c == '>'):
				t.Fatalf("%q became %q, which has %q outside of quotes", address, text, c)
			}
		}
		if quoted && brackets {
			t.Fatalf("%q became %q, whose quotation does not end", address, text)
		}
	})
}

// FuzzCRLF compares with the plain way, whatever the blocks are.
func FuzzCRLF(f *testing.F) {
	for _, s := range []string{"", "a", "a\r\nb", "\r", "\n", "\r\r\n\n", "a\rb\nc\r\n", "\n.\n\r.\r"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		if size < 1 {
			size = 1
		}
		var c crlf
		var got []byte
		last := byte(0)
		for block := range blocks(text, size) {
			got, _ = c.add(got, block)
			last = block[len(block)-1]
		}
		got, _ = c.end(got, last)
		if want := onTheWire(string(text)); string(got) != want {
			t.Fatalf("%q in blocks of %d became %q, want %q", text, size, got, want)
		}
		refuse := crlf{ends: wire.Refuse}
		out, err := refuse.add(nil, text)
		if err == nil && len(text) > 0 {
			out, err = refuse.end(out, text[len(text)-1])
		}
		bare := !clean(text)
		if (err != nil) != bare {
			t.Fatalf("%q: refusal is %v", text, err)
		}
		if err == nil && !bytes.HasPrefix(out, text) {
			t.Fatalf("%q became %q", text, out)
		}
	})
}

func blocks(p []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(p) > 0 {
			n := min(size, len(p))
			if !yield(p[:n]) {
				return
			}
			p = p[n:]
		}
	}
}

// FuzzServer lets a server say anything: no panic, no success that was not given,
// and an end.
func FuzzServer(f *testing.F) {
	good := "220 hi\r\n250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n250 ok\r\n250 ok\r\n250 queued\r\n"
	f.Add(good)
	f.Add(strings.ReplaceAll(good, "250 CHUNKING", "250 SIZE 99999999999999999999999"))
	f.Add("220 hi\r\n250-x\r\n250 PIPELINING\r\n250 ok\r\n550 5.1.1 no\r\n354 go\r\n554 no\r\n250 ok\r\n")
	f.Add("220 hi\r\n502 what\r\n250 x\r\n250 ok\r\n421 4.3.2 bye\r\n")
	f.Add("220-a\r\n220-b\r\n999 x\r\n")
	f.Fuzz(func(t *testing.T, says string) {
		script, err := protocoltest.ParseScript("fuzz", "S: 220 x\n")
		if err != nil {
			t.Fatal(err)
		}
		script.Steps[0].Text = escaped(says) + `\c`
		script.Steps = append(script.Steps, protocoltest.Step{Mark: "S!", Text: "close"})
		player := protocoltest.NewPlayer(script)
		defer player.Close()
		o, err := player.Options()
		if err != nil {
			t.Fatal(err)
		}
		o.TLS.Mode = protocols.TLSOff
		u, _ := protocols.ParseURL("smtp://localhost/", "")
		c, err := New(u, o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r, err := c.SendMail(ctx, mailOf(hello, "alice@example.org"))
		if err == nil && (r.Reply.Code/100 != 2 || strings.Count(says, "\n") < 5) {
			t.Fatalf("success after %q: %+v", says, r)
		}
		if protocols.KindOf(err) == protocols.KindTimeout {
			t.Fatalf("no end after %q", says)
		}
		c.Close()
	})
}

func escaped(s string) string {
	return strings.NewReplacer("\\", "\\\\", "\r", "\\r", "\n", "\\n", "\t", "\\t").Replace(s)
}

// TestSourceInSmallPieces: readers that give a byte at a time, and data with the
// end, make no difference.
func TestSourceInSmallPieces(t *testing.T) {
	text := strings.Repeat("line\r\nbare\nand\r", 20_000)
	p := packer{src: &sourceReader{r: iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(text)))}, piece: make([]byte, 100)}
	var got []byte
	for !p.ended {
		if err := p.fill(); err != nil {
			t.Fatal(err)
		}
		got = append(got, p.buf...)
	}
	if string(got) != onTheWire(text) {
		t.Error("changed on its way")
	}
}
