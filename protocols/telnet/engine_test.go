package telnet

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// run feeds the engine with pieces of at most size bytes, and returns the data.
func run(t testing.TB, e *engine, in []byte, size int) []byte {
	t.Helper()
	var out []byte
	for len(in) > 0 {
		p := bytes.Clone(in[:min(size, len(in))])
		in = in[len(p):]
		n, _, err := e.feed(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p[:n]...)
	}
	return out
}

func newEngine(s Settings) *engine { return &engine{set: s, limit: 64 << 10} }

// allBytes are all values, and the pairs that need care.
func allBytes() []byte {
	var p []byte
	for i := range 256 {
		p = append(p, byte(i))
	}
	for _, a := range []byte{0, '\r', '\n', IAC, SE, 'a'} {
		for _, b := range []byte{0, '\r', '\n', IAC, SB, 'b'} {
			p = append(p, a, b)
		}
	}
	return append(p, '\r')
}

// TestAllBytesPassBothWays: what one end escapes the other gets as it was, in
// text and in binary mode, whatever the pieces.
func TestAllBytesPassBothWays(t *testing.T) {
	data := allBytes()
	for _, text := range []bool{true, false} {
		sent := escape(nil, data, nil, text)
		for size := 1; size <= len(sent); size++ {
			e := newEngine(Settings{})
			if !text {
				e.theirs[BINARY].state = yes
			}
			if got := run(t, e, sent, size); !bytes.Equal(got, data) {
				t.Fatalf("text %v, pieces of %d: got %q", text, size, got)
			}
			if !e.whole() || len(e.out) > 0 {
				t.Fatalf("text %v: ends inside of a command, or answers %q", text, e.out)
			}
		}
	}
}

// TestEscapeAcrossPieces: the place where a write is cut does not change it.
func TestEscapeAcrossPieces(t *testing.T) {
	data := allBytes()
	whole := escape(nil, data, nil, true)
	for cut := range data {
		got := escape(nil, data[:cut], data[cut:], true)
		if got = escape(got, data[cut:], nil, true); !bytes.Equal(got, whole) {
			t.Fatalf("cut at %d: %q", cut, got)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name     string
		set      Settings
		window   [2]int
		in, want string
	}{
		{"terminal types, the last twice, then again", Settings{Terminals: []string{"A", "B"}}, [2]int{},
			"\xff\xfd\x18" + strings.Repeat("\xff\xfa\x18\x01\xff\xf0", 4),
			"\xff\xfb\x18\xff\xfa\x18\x00A\xff\xf0\xff\xfa\x18\x00B\xff\xf0\xff\xfa\x18\x00B\xff\xf0\xff\xfa\x18\x00A\xff\xf0"},
		{"window with the byte 255", Settings{}, [2]int{255, 511}, "\xff\xfd\x1f", "\xff\xfb\x1f\xff\xfa\x1f\x00\xff\xff\x01\xff\xff\xff\xf0"},
		{"no window", Settings{}, [2]int{}, "\xff\xfd\x1f", "\xff\xfc\x1f"},
		{"speed", Settings{Speed: "9600,9600"}, [2]int{}, "\xff\xfd\x20\xff\xfa\x20\x01\xff\xf0", "\xff\xfb\x20\xff\xfa\x20\x009600,9600\xff\xf0"},
		{"echo of the server, never ours", Settings{}, [2]int{}, "\xff\xfb\x01\xff\xfd\x01", "\xff\xfd\x01\xff\xfc\x01"},
		{"both sides of one option", Settings{}, [2]int{}, "\xff\xfb\x03\xff\xfd\x03", "\xff\xfd\x03\xff\xfb\x03"},
		{"repeated wishes get one answer", Settings{}, [2]int{}, strings.Repeat("\xff\xfb\x01", 9), "\xff\xfd\x01"},
		{"a refusal of what is off gets none", Settings{}, [2]int{}, "\xff\xfc\x01\xff\xfe\x18", ""},
		{"on and off", Settings{}, [2]int{}, "\xff\xfb\x01\xff\xfc\x01", "\xff\xfd\x01\xff\xfe\x01"},
		{"unknown option", Settings{}, [2]int{}, "\xff\xfd\x63\xff\xfb\x63", "\xff\xfc\x63\xff\xfe\x63"},
		{"are you there", Settings{}, [2]int{}, "\xff\xf6", "\r\n[netclients: yes]\r\n"},
		{"no operation, go ahead, break", Settings{}, [2]int{}, "\xff\xf1\xff\xf9\xff\xf3", ""},
		{"charset", Settings{}, [2]int{}, "\xff\xfb\x2a\xff\xfa\x2a\x01;KOI8-R;utf-8\xff\xf0", "\xff\xfd\x2a\xff\xfa\x2a\x02utf-8\xff\xf0"},
		{"no charset of ours", Settings{}, [2]int{}, "\xff\xfb\x2a\xff\xfa\x2a\x01;KOI8-R\xff\xf0", "\xff\xfd\x2a\xff\xfa\x2a\x03\xff\xf0"},
		{"status", Settings{}, [2]int{}, "\xff\xfd\x05\xff\xfb\x01\xff\xfa\x05\x01\xff\xf0", "\xff\xfb\x05\xff\xfd\x01\xff\xfa\x05\x00\xfd\x01\xfb\x05\xff\xf0"},
		{"timing mark each time", Settings{}, [2]int{}, "\xff\xfd\x06\xff\xfd\x06", "\xff\xfb\x06\xff\xfb\x06"},
		{"line mode", Settings{LineMode: true}, [2]int{}, "\xff\xfd\x22\xff\xfa\x22\x01\x03\xff\xf0\xff\xfa\x22\xfd\x02\xff\xf0", "\xff\xfb\x22\xff\xfa\x22\x01\x07\xff\xf0\xff\xfa\x22\xfc\x02\xff\xf0"},
		{"no line mode", Settings{}, [2]int{}, "\xff\xfd\x22", "\xff\xfc\x22"},
		{"binary not asked for", Settings{}, [2]int{}, "\xff\xfd\x00", "\xff\xfc\x00"},
		{"a subnegotiation of an option that is off", Settings{Speed: "1,1"}, [2]int{}, "\xff\xfa\x20\x01\xff\xf0", ""},
	} {
		for _, size := range []int{1, 1 << 20} {
			e := newEngine(c.set)
			e.window = c.window
			if data := run(t, e, []byte(c.in), size); len(data) > 0 {
				t.Errorf("%s: data %q", c.name, data)
			}
			if string(e.out) != c.want {
				t.Errorf("%s, pieces of %d: got %q, want %q", c.name, size, e.out, c.want)
			}
		}
	}
}

// TestEnvironmentIsPrivate: a server gets what the user has named, whatever it
// asks for, and nothing of the process.
func TestEnvironmentIsPrivate(t *testing.T) {
	t.Setenv("SECRET_OF_THE_PROCESS", "leak")
	send := func(names string) string { return "\xff\xfd\x27\xff\xfa\x27\x01" + names + "\xff\xf0" }
	for _, c := range []struct {
		env      map[string]string
		in, want string
	}{
		{nil, send(""), "\xff\xfc\x27"},
		{nil, send("\x00SECRET_OF_THE_PROCESS\x03SECRET_OF_THE_PROCESS"), "\xff\xfc\x27"},
		{map[string]string{"USER": "alice", "LANG": "C"}, send(""), "\xff\xfb\x27\xff\xfa\x27\x00\x03LANG\x01C\x00USER\x01alice\xff\xf0"},
		{map[string]string{"USER": "alice", "LANG": "C"}, send("\x00USER\x03SECRET_OF_THE_PROCESS"), "\xff\xfb\x27\xff\xfa\x27\x00\x00USER\x01alice\xff\xf0"},
		{map[string]string{"X": "\x01\xff"}, send("\x03"), "\xff\xfb\x27\xff\xfa\x27\x00\x03X\x01\x02\x01\xff\xff\xff\xf0"},
	} {
		e := newEngine(Settings{Environ: c.env})
		run(t, e, []byte(c.in), 1<<20)
		if string(e.out) != c.want {
			t.Errorf("%q: got %q, want %q", c.in, e.out, c.want)
		}
	}
}

// TestFloodsAreNotAnswered: answers are never more than twice what came, beyond a
// small allowance, and the session goes on.
func TestFloodsAreNotAnswered(t *testing.T) {
	for name, unit := range map[string]string{
		"wishes":        "\xff\xfd\x63\xff\xfb\x64",
		"on and off":    "\xff\xfb\x01\xff\xfc\x01",
		"are you there": "\xff\xf6",
		"terminal type": "\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0",
		"status":        "\xff\xfd\x05\xff\xfa\x05\x01\xff\xf0",
		"environment":   "\xff\xfd\x27\xff\xfa\x27\x01\xff\xf0",
	} {
		e := newEngine(Settings{Terminals: []string{strings.Repeat("T", 200)}, Environ: map[string]string{"A": strings.Repeat("v", 300)}})
		in := []byte(strings.Repeat(unit, 5000) + "still here")
		if got := run(t, e, in, 4096); string(got) != "still here" {
			t.Errorf("%s: data %q", name, got)
		}
		if len(e.out) > 2*len(in)+slack {
			t.Errorf("%s: %d bytes in, %d out", name, len(in), len(e.out))
		}
		if name == "wishes" && len(e.out) > 2*3*maxRefusals {
			t.Errorf("refusals: %d bytes", len(e.out))
		}
	}
}

func TestSubnegotiationIsBounded(t *testing.T) {
	e := newEngine(Settings{})
	in := append([]byte{IAC, SB, TTYPE}, bytes.Repeat([]byte("x"), 100<<10)...)
	if _, _, err := e.feed(in); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("got %v", err)
	}
	if len(e.sub) > e.limit {
		t.Errorf("%d bytes are held", len(e.sub))
	}
}

// TestTwoEnginesEnd: whatever two ends want, RFC 1143 lets them come to rest, and
// both agree.
func TestTwoEnginesEnd(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		ends := [2]*engine{}
		for i := range ends {
			accept := random.IntN(2) == 0
			ends[i] = newEngine(Settings{Accept: func(byte, bool, bool) bool { return accept }})
			ends[i].received = 1 << 30
		}
		for steps := 0; ; steps++ {
			if steps < 20 {
				ends[random.IntN(2)].ask(ECHO, random.IntN(2) == 0, random.IntN(2) == 0)
			}
			from := random.IntN(2)
			p := ends[from].out
			ends[from].out = nil
			run(t, ends[1-from], p, 1<<20)
			if steps >= 20 && len(ends[0].out)+len(ends[1].out) == 0 {
				break
			}
			if steps > 500 {
				t.Fatal("they go on for ever")
			}
		}
		for i, e := range ends {
			if e.ours[ECHO].on() != ends[1-i].theirs[ECHO].on() {
				t.Fatalf("end %d: ours %v, the other's theirs %v", i, e.ours[ECHO], ends[1-i].theirs[ECHO])
			}
		}
	}
}

func TestNames(t *testing.T) {
	for i := range 256 {
		b := byte(i)
		if c, ok := CommandByName(CommandName(b)); ok != (b >= EOF && b < SB && b != SE) || ok && c != b {
			t.Errorf("command %d: %s is %d, %v", b, CommandName(b), c, ok)
		}
		if o, ok := OptionByName(OptionName(b)); ok && o != b {
			t.Errorf("option %d: %s is %d", b, OptionName(b), o)
		}
	}
	got := Event{Sent: true, Command: SB, Option: NAWS, Data: []byte{0, 80, 0, 24}}.String()
	if got != "sent SB NAWS 80 24" {
		t.Errorf("got %q", got)
	}
	if got := (Event{Command: DO, Option: TTYPE}).String(); got != "received DO TTYPE" {
		t.Errorf("got %q", got)
	}
}

// FuzzEngine: no input makes it fail but a subnegotiation that is too long, the
// data do not depend on the pieces, and answers stay within bounds.
func FuzzEngine(f *testing.F) {
	f.Add([]byte("\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0login: "), uint8(1))
	f.Add(escape(nil, allBytes(), nil, true), uint8(7))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		set := Settings{Environ: map[string]string{"A": "b"}, LineMode: true, Speed: "1,1"}
		a, b := newEngine(set), newEngine(set)
		one := run(t, a, in, 1<<20)
		two := run(t, b, in, int(size)+1)
		if !bytes.Equal(one, two) || !bytes.Equal(a.out, b.out) {
			t.Fatalf("pieces of %d: %q and %q", size, one, two)
		}
		if len(a.out) > 2*len(in)+slack {
			t.Fatalf("%d bytes in, %d out", len(in), len(a.out))
		}
	})
}

// BenchmarkEngine is the speed of plain data with line ends.
func BenchmarkEngine(b *testing.B) {
	var text bytes.Buffer
	for i := 0; text.Len() < 64<<10-100; i++ {
		fmt.Fprintf(&text, "line %d with some text that a terminal would show, eighty columns wide\r\n", i)
	}
	for name, src := range map[string][]byte{"text": text.Bytes(), "binary": bytes.Repeat([]byte{1, 2, 3, 0}, 16<<10), "zeros": make([]byte, 64<<10)} {
		b.Run(name, func(b *testing.B) {
			e := newEngine(Settings{})
			e.theirs[BINARY].state = map[string]state{"binary": yes}[name]
			buf := make([]byte, len(src))
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				copy(buf, src)
				if n, _, err := e.feed(buf); err != nil || n == 0 {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkEscape is the speed of writing data that holds some of what needs care.
func BenchmarkEscape(b *testing.B) {
	src := bytes.Repeat(append(bytes.Repeat([]byte("x"), 78), '\r', '\n'), 800)
	var buf []byte
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		buf = escape(buf[:0], src, nil, true)
	}
	io.Discard.Write(buf)
}

// TestAnswersThatNobodyReads: a peer that asks without an end, and takes no
// answers, makes no store of them here; what the user wants still goes out.
func TestAnswersThatNobodyReads(t *testing.T) {
	e := newEngine(Settings{})
	run(t, e, bytes.Repeat([]byte{IAC, AYT, 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x'}, 100_000), 32<<10)
	if len(e.out) > maxWaiting+100 {
		t.Errorf("%d bytes of answers wait", len(e.out))
	}
	before := len(e.out)
	e.freely(func() { e.sendSub(TTYPE, make([]byte, 1000)) })
	if len(e.out) < before+1000 {
		t.Error("what the user sends was dropped")
	}
}

func TestEnvironNames(t *testing.T) {
	for in, want := range map[string][]string{
		"":                      nil,
		"USER":                  nil,
		"\x00USER\x03X\x00":     {"\x00USER", "\x03X", "\x00"},
		"\x00A\x02\x03B\x02":    {"\x00A\x03B\x02"},
		"junk\x02\x00\x03A\x01": {"\x03A\x01"},
	} {
		if got := environNames([]byte(in)); !slices.Equal(got, want) {
			t.Errorf("%q: got %q", in, got)
		}
	}
}
