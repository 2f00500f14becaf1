package gopher

import (
	"bytes"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// FuzzMenu: any line becomes an entry whose URL can be parsed, and leads back to its
// path where it is on this server.
func FuzzMenu(f *testing.F) {
	for _, s := range []string{"0a\t/a\tlocalhost\t70", "iinfo", "1\t\t\t", "hx\tURL:http://x/\th\t70", "8t\tu\t::1\t23", "+\t\t\t1", "3e\t\t\t1", "0a\t\xff%\tlocalhost\t070\t+", "7s\ta?b#c\tlocalhost\t70\t+x"} {
		f.Add(s)
	}
	c, err := New(&url.URL{Scheme: "gopher", Host: "localhost", Path: "/"}, nil)
	if err != nil {
		f.Fatal(err)
	}
	reg, err := protocols.NewRegistry(Spec())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "\n") {
			return
		}
		p := c.newMenuParser(nil)
		p.before = '0'
		e, ok := p.parse(line)
		if !ok || !e.Parsed() || e.URL == "" || e.Type == protocols.TypeLink || line[0] == kindTelnet || line[0] == kindTN3270 {
			return
		}
		if _, err := e.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
		target, err := reg.Parse(e.URL, "")
		if err != nil {
			t.Fatalf("URL %q of %q: %v", e.URL, line, err)
		}
		if !isURL(e.Path) && target.Name != e.Path {
			t.Fatalf("URL %q leads to %q, not to %q", e.URL, target.Name, e.Path)
		}
		it, err := c.item(e.Path)
		if err != nil || strings.ContainsAny(it.line(), "\r\n\x00") {
			t.Fatalf("path %q of %q: %v", e.Path, line, err)
		}
	})
}

// FuzzText: however it is cut into pieces, a text yields the same bytes, and one
// that was stuffed comes back.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", ".", "a\r\n.\r\n", ".\r\nb", "..\n.\n", ".a\n..b\n", "\n.\r", ".\r\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, err := io.ReadAll(newText(bytes.NewReader(in)))
		if err != nil {
			t.Fatal(err)
		}
		pieces, err := io.ReadAll(newText(iotest.OneByteReader(bytes.NewReader(in))))
		if err != nil || !bytes.Equal(whole, pieces) {
			t.Fatalf("%q at once, %q byte by byte: %v", whole, pieces, err)
		}
		if len(in) > 0 && in[len(in)-1] != '\n' {
			in = append(in, '\n')
		}
		var sent bytes.Buffer
		for line := range bytes.Lines(in) {
			if line[0] == '.' {
				sent.WriteByte('.')
			}
			sent.Write(line)
		}
		sent.WriteString(".\r\n")
		if got, err := io.ReadAll(newText(&sent)); err != nil || !bytes.Equal(got, in) {
			t.Fatalf("%q came back as %q: %v", in, got, err)
		}
	})
}

// FuzzPlus: attributes and answers of Gopher+ stay within their limits.
func FuzzPlus(f *testing.F) {
	for _, s := range []string{"+INFO: x\r\n+VIEWS:\r\n Text/plain: <1k>\r\n.\r\n", "+ADMIN:\n Mod-Date: x <20240101000000>\n", " x", "+VIEWS:\n a b: <1e308g>\n", "+INFO: 0a\t/a\tlocalhost\t70\t+\n+ADMIN:\n Mod-Date: x <20240101000000>\n+INFO: bad\n"} {
		f.Add(s)
	}
	limits := protocols.Limits{ReplyLines: 50, Reply: 4096, Line: 1024}.WithDefaults()
	f.Fuzz(func(t *testing.T, in string) {
		src := &ender{src: strings.NewReader(in)}
		all, err := readAttributes(lineReader{wire.NewLineReader(src, 1024), src}, &limits)
		if err == nil && len(all) > 50 {
			t.Fatalf("%d attributes", len(all))
		}
		src = &ender{src: strings.NewReader(in)}
		parser := &menuParser{c: &Client{host: "localhost", port: "70"}, facts: map[factsKey]map[string]string{}}
		parser.items(&attributeLines{in: lineReader{wire.NewLineReader(src, 1024), src}, l: &limits}, func(e protocols.Entry) bool {
			if !e.Parsed() && e.URL != "" {
				t.Fatalf("%+v", e)
			}
			return true
		})
		for _, v := range Views(all) {
			if v.Type == "" || v.Size < -1 {
				t.Fatalf("%+v", v)
			}
		}
		modified(all)
	})
}

// FuzzCharset: the guess never fails, and what is UTF-8 stays so.
func FuzzCharset(f *testing.F) {
	f.Add([]byte("\xda\xc4\xbf d\xe9j\xe0 \xc3\xa9"))
	f.Fuzz(func(t *testing.T, in []byte) {
		decode, err := charsetOf(autoCharset)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(decode(bytes.NewReader(in))); err != nil {
			t.Fatal(err)
		}
	})
}
