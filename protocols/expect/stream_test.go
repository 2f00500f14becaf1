package expect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
)

// pair returns a stream and the other end of it.
func pair(t *testing.T) (*Stream, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return NewStream(ours, 0), theirs
}

// play runs a script against a peer that plays its part, and returns the results.
func play(t *testing.T, script string, o *RunOptions, peer func(c net.Conn)) (results []Result, err error) {
	t.Helper()
	s, err := Parse(strings.NewReader(script))
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() { defer theirs.Close(); peer(theirs) }()
	if o == nil {
		o = &RunOptions{}
	}
	o.Report = func(r Result) error { results = append(results, r); return nil }
	err = s.Run(t.Context(), NewStream(ours, 0), nil, o)
	return results, err
}

// says writes what it has, and then reads one line, in turns.
func says(texts ...string) func(net.Conn) {
	return func(c net.Conn) {
		buf := make([]byte, 4096)
		for i, text := range texts {
			io.WriteString(c, text)
			if i < len(texts)-1 {
				c.Read(buf)
			}
		}
	}
}

func TestReadUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer := pair(t)
		go func() {
			for _, p := range []string{"a", "a", "b", "rest", "END"} {
				io.WriteString(peer, p)
			}
			peer.Close()
		}()
		got, err := s.ReadUntil(t.Context(), "ab", time.Second)
		if string(got) != "aab" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		got, err = s.ReadUntil(t.Context(), "never", 0)
		if string(got) != "restEND" || err != io.EOF {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestPartialDataOnTimeout: the time is over exactly when it should be, what came
// is given, and the stream goes on.
func TestPartialDataOnTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, peer := pair(t)
		go io.WriteString(peer, "some text")
		start := time.Now()
		m, err := s.Expect(t.Context(), 5*time.Second, regexp.MustCompile("never"))
		if protocols.KindOf(err) != protocols.KindTimeout || string(m.Text) != "some text" || m.Index != -1 {
			t.Errorf("%+v, %v", m, err)
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("after %v", d)
		}
		go io.WriteString(peer, "more")
		if got, err := s.ReadUntil(t.Context(), "more", time.Second); string(got) != "more" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestCancelEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := s.ReadSome(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// TestWindowIsFixed: text without the pattern does not pile up, and a pattern at
// the end of it is still found.
func TestWindowIsFixed(t *testing.T) {
	s, peer := pair(t)
	go func() {
		io.WriteString(peer, strings.Repeat("x", 10<<20))
		io.WriteString(peer, "login: ")
	}()
	m, err := s.Expect(t.Context(), 30*time.Second, regexp.MustCompile(`login: `))
	if err != nil || cap(s.buf) > DefaultWindow || s.Dropped() < 9<<20 {
		t.Errorf("%v, window %d, dropped %d", err, cap(s.buf), s.Dropped())
	}
	if len(m.Text) > DefaultWindow || !bytes.HasSuffix(m.Text, []byte("login: ")) {
		t.Errorf("%d bytes", len(m.Text))
	}
}

func TestReadAvailableAndRest(t *testing.T) {
	s, peer := pair(t)
	if p, err := s.ReadAvailable(); len(p) > 0 || err != nil {
		t.Errorf("%q, %v", p, err)
	}
	go func() { io.WriteString(peer, "one"); io.WriteString(peer, "two"); peer.Close() }()
	if _, err := s.ReadUntil(t.Context(), "n", time.Second); err != nil {
		t.Fatal(err)
	}
	if all, err := s.ReadAll(t.Context(), 100); string(all) != "etwo" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
	if _, err := s.ReadSome(t.Context()); err != io.EOF {
		t.Errorf("got %v", err)
	}
}

func TestScript(t *testing.T) {
	script := `
# a login with a pager
timeout 2s
secret PASS env:X
expect "login: " | /continue\?/ -> send yes, again
send alice
expect /assword: $/
send ${PASS}
expect {
  /incorrect/      -> fail "login refused"
  /--more--/       -> send " ", again
  /v(?P<version>[0-9.]+)/
  timeout          -> goto out
}
send "version ${version}"
label out
expect eof
`
	secret := func(ref string) (string, error) { return strings.TrimPrefix(ref, "env:") + "-hush", nil }
	results, err := play(t, script, &RunOptions{Secret: secret}, says("continue?", "login: ", "Password: ", "--more--", "X-hush v1.25\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	var sent []string
	for _, r := range results {
		sent = append(sent, r.Sent)
		if strings.Contains(fmt.Sprintf("%+v", r), "hush") {
			t.Errorf("the secret shows: %+v", r)
		}
	}
	if got := strings.Join(sent, "|"); got != "|yes||alice||****|| ||version 1.25|" {
		t.Errorf("sent %s", got)
	}
	i := slices.IndexFunc(results, func(r Result) bool { return r.Captures["version"] == "1.25" })
	if i < 0 || results[i].Received != "**** v1.25" || results[i].Line == 0 || !results[i].OK {
		t.Errorf("%+v", results)
	}
}

// TestFailures: each way to fail names its step, has its kind, and the exit code
// of the script.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		script, says string
		kind         protocols.Kind
		step, code   int
	}{
		{"timeout 20ms\nexpect never", "text", protocols.KindTimeout, 1, 0},
		{"code 42\nexpect one\ntimeout 20ms\nexpect never", "one", protocols.KindTimeout, 2, 42},
		{"expect never", "close", protocols.KindProtocol, 1, 0},
		{"expect /wr/ -> fail \"refused: ${0}\"", "wrong", protocols.KindRefused, 1, 0},
		{"expect one\nsend ${none}", "one", protocols.KindUsage, 2, 0},
		{"expect /a(?s:.*)b/\nsend ${0}", "a\nb", protocols.KindUsage, 2, 0},
		{"label a\ngoto a", "", protocols.KindProtocol, 0, 0},
		{"command AYT", "", protocols.KindUsage, 1, 0},
	} {
		_, err := play(t, c.script, nil, func(conn net.Conn) {
			io.WriteString(conn, c.says)
			if c.says != "close" {
				io.Copy(io.Discard, conn)
			}
		})
		s, ok := errors.AsType[*StepError](err)
		if !ok || protocols.KindOf(s.Err) != c.kind || s.Step != c.step || s.Code != c.code {
			t.Errorf("%q: %v", c.script, err)
		}
	}
}

func TestBadScripts(t *testing.T) {
	for script, want := range map[string]string{
		"nonsense":                        "unknown statement",
		"goto nowhere":                    "no label",
		"expect /(/":                      "line 1",
		"expect /open":                    "no / at the end",
		"expect \"open":                   "bad quoted",
		"\n\nexpect {\na":                 "no }",
		"expect a -> jump":                "unknown action",
		"expect a b":                      "want -> or |",
		"eol weird":                       "crlf, lf",
		"timeout -1s":                     "not negative",
		"code 500":                        "0 to 125",
		"label a\nlabel a":                "twice",
		"set 1-2 x":                       "want a name",
		"send \"x":                        "bad quoted",
		"expect a -> goto x y":            "label",
		strings.Repeat("label\n", 20_000): "line",
	} {
		_, err := Parse(strings.NewReader(script))
		if protocols.KindOf(err) != protocols.KindUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", script, err)
		}
	}
}

// guarded is a stream over which no secret may go.
type guarded struct{ net.Conn }

func (guarded) AllowSecret() error {
	return &protocols.Error{Kind: protocols.KindAuth, Sentinel: protocols.ErrCleartext}
}

func TestSecretsNeedASafeConnection(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	defer ours.Close()
	s, err := Parse(strings.NewReader("write \"my ${P}\""))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context(), NewStream(guarded{ours}, 0), nil, &RunOptions{Secrets: map[string]string{"P": "hush"}})
	if !errors.Is(err, protocols.ErrCleartext) {
		t.Errorf("got %v", err)
	}
}

// TestMaskInPieces: a secret that comes in pieces does not show, and all else
// does.
func TestMaskInPieces(t *testing.T) {
	m := NewMask()
	m.Add("secret")
	m.Add("seed")
	text := "a secret, see seed, secretsecret, sec"
	want := m.Text(text)
	for size := 1; size < len(text); size++ {
		var out bytes.Buffer
		w := m.Writer(&out)
		for p := range slices.Chunk([]byte(text), size) {
			if n, err := w.Write(p); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
		}
		w.Flush()
		if out.String() != want {
			t.Errorf("pieces of %d: %q", size, out.String())
		}
	}
}

// FuzzParse: no script makes the parser panic, and one that it takes runs to an
// end on a stream that says nothing.
func FuzzParse(f *testing.F) {
	f.Add("expect \"a\" -> send b, again | /c/i -> goto x\nlabel x\nsend ${0}")
	f.Add("expect {\n timeout -> end\n eof -> fail x\n}\nwrite \"\\x00\"\ncode 3")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(strings.NewReader(text))
		if err != nil || strings.Contains(text, "sleep") {
			return
		}
		stream := NewStream(struct {
			io.Reader
			io.Writer
		}{strings.NewReader("a login: b"), io.Discard}, 0)
		s.Run(t.Context(), stream, nil, nil)
	})
}

// TestMaskOfSecretsInEachOther: a secret that begins another hides neither less nor
// more than the longer one, however the bytes come.
func TestMaskOfSecretsInEachOther(t *testing.T) {
	m := NewMask()
	m.Add("pass")
	m.Add("password")
	m.Add("sword-fish")
	for in, want := range map[string]string{
		"a password, a pass and a passw": "a ****, a **** and a ****w",
		"a sword-fish":                   "a ****",
		"pass":                           "****",
		"passwor":                        "****wor",
		"no secrets":                     "no secrets",
	} {
		if got := m.Text(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		for size := 1; size < len(in); size++ {
			var out bytes.Buffer
			w := m.Writer(&out)
			for p := range slices.Chunk([]byte(in), size) {
				w.Write(p)
			}
			if w.Flush(); out.String() != want {
				t.Errorf("%q in pieces of %d: got %q", in, size, &out)
			}
		}
	}
}
