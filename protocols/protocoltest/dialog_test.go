package protocoltest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const sample = `# server: none
# what: a sample

S: 220 hello
C: GET {*} now
S: 229 (|||77|)
D! accept 77
D> a\\b\x00\c
D! close
S: 226 done
R: {"a":1}
E: refused no
`

func parse(t *testing.T, text string) *Script {
	t.Helper()
	s, err := ParseScript("sample", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestScriptRoundTrip(t *testing.T) {
	s := parse(t, sample)
	if got := s.Format(); got != sample {
		t.Errorf("Format returned\n%s\nwant\n%s", got, sample)
	}
	if s.Header["server"] != "none" || s.Result[0] != `{"a":1}` || s.Error != "refused no" {
		t.Errorf("header %v, result %q, error %q", s.Header, s.Result, s.Error)
	}
	if got := string(s.Steps[4].bytes()); got != "a\\b\x00" {
		t.Errorf("escapes give %q", got)
	}
}

func TestScriptRefusesNonsense(t *testing.T) {
	for _, text := range []string{"X: y", "S! dance", "S! close now", "D! accept", `S: \q`, `S: \x1`} {
		if _, err := ParseScript("f", "\n"+text); err == nil || !strings.HasPrefix(err.Error(), "f:2: ") {
			t.Errorf("%q: %v, want an error for line 2", text, err)
		}
	}
}

func FuzzScript(f *testing.F) {
	f.Add(sample)
	f.Add("S! flood x\nC: {port} {p1}")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScript("f", text)
		if err != nil {
			return
		}
		again, err := ParseScript("f", s.Format())
		if err != nil || len(again.Steps) != len(s.Steps) {
			t.Errorf("written and read again: %v\n%s", err, s.Format())
		}
	})
}

func TestEscapeRoundTrip(t *testing.T) {
	for _, p := range []string{"", "\r\n", "a\n", "\\c", "\\", "\x00\r\t\x7f\xff\r\n", "a\r"} {
		if got, err := unescape(escape(p)); got != p || err != nil {
			t.Errorf("%q becomes %q, %v", p, got, err)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		want, got string
		ok        bool
	}{
		{"a.b", "a.b", true}, {"a.b", "axb", false}, {"GET {*}!", "GET (x)!", true}, {"GET {*}!", "GET", false},
		{"EPRT |1|h|{port}|", "EPRT |1|h|258|", true}, {"PORT {p1},{p2}", "PORT 1,2", true}, {"{port}", "x", false},
	} {
		found := map[string]int{}
		if ok := match(tt.want, tt.got, found); ok != tt.ok || ok && strings.Contains(tt.want, "{p") && toldPort(found) != 258 {
			t.Errorf("match(%q, %q) = %v, port %d", tt.want, tt.got, ok, toldPort(found))
		}
	}
}

// client says lines to a player and returns the lines that came.
func client(t *testing.T, p *Player, say ...string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := p.Dial(t.Context(), "tcp", "h:1")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range say {
		if _, err := io.WriteString(c, line+"\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	return c, bufio.NewReader(c)
}

func TestPlayerPlays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlayer(parse(t, sample))
		c, in := client(t, p, "GET it now")
		for _, want := range []string{"220 hello\r\n", "229 (|||77|)\r\n"} {
			if got, err := in.ReadString('\n'); got != want {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
		}
		d, err := p.Dial(t.Context(), "tcp", "h:77")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(d); string(got) != "a\\b\x00" || err != nil {
			t.Errorf("data %q, %v", got, err)
		}
		if got, err := in.ReadString('\n'); got != "226 done\r\n" {
			t.Errorf("got %q, %v", got, err)
		}
		c.Close()
		if err := p.Close(); err != nil || p.Done() != 5 || p.Sessions() != 1 {
			t.Errorf("%v, %d steps, %d sessions", err, p.Done(), p.Sessions())
		}
	})
}

// TestPlayerTellsDifferences: each way to leave the script is reported with its line.
func TestPlayerTellsDifferences(t *testing.T) {
	for _, tt := range []struct {
		script, port string
		say          []string
		want         string
	}{
		{sample, "", []string{"PUT it now"}, "sample:5: want C: GET {*} now\n\tgot  C: PUT it now"},
		{sample, "78", []string{"GET it now"}, "sample:7: want D! accept 77\n\tgot  D! accept 78"},
		{"S: hi\n", "", []string{"more"}, "the end of the dialogue\n\tgot  C: more"},
		{"D! accept *\nD< abc\\c\n", "9", nil, "sample:2: want D< abc\\c\n\tgot  D< "},
		{"C: x\n", "", nil, "the client hung up"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := NewPlayer(parse(t, tt.script))
			c, _ := client(t, p, tt.say...)
			if tt.port != "" {
				if d, err := p.Dial(t.Context(), "tcp", "h:"+tt.port); err != nil {
					t.Error(err)
				} else {
					d.Close()
				}
				synctest.Wait()
			}
			c.Close()
			synctest.Wait()
			if err := p.Close(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestPlayerGoesWrongOnRequest(t *testing.T) {
	for directive, want := range map[string]error{"close": io.EOF, "reset": syscall.ECONNRESET, "hang": os.ErrDeadlineExceeded} {
		synctest.Test(t, func(t *testing.T) {
			p := NewPlayer(parse(t, "S! "+directive+"\n"))
			c, in := client(t, p)
			start := time.Now()
			c.SetReadDeadline(start.Add(time.Hour))
			_, err := in.ReadString('\n')
			if !errors.Is(err, want) || directive == "hang" && time.Since(start) != time.Hour {
				t.Errorf("%s: %v after %v, want %v", directive, err, time.Since(start), want)
			}
			c.Close()
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	p := NewPlayer(parse(t, "D! refuse 7\n"))
	client(t, p)
	if _, err := p.Dial(t.Context(), "tcp", "h:7"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a refused port: %v", err)
	}
	p.Close()
}

func TestDelivery(t *testing.T) {
	for d, want := range map[Delivery]int{BySegment: 4, ByByte: 1, AtOnce: 8} {
		synctest.Test(t, func(t *testing.T) {
			p := NewPlayer(parse(t, "S: ab\nS: cd\n"))
			p.Delivery = d
			c, _ := client(t, p)
			synctest.Wait()
			if n, err := c.Read(make([]byte, 100)); n != want || err != nil {
				t.Errorf("delivery %d: %d bytes at once, %v, want %d", d, n, err, want)
			}
			c.Close()
			p.Close()
		})
	}
}
