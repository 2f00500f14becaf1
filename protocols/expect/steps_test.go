package expect

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// able is a stream that can do more than read and write.
type able struct {
	net.Conn
	did    []string
	events []string
}

func (a *able) SendUrgent(p []byte) error { a.did = append(a.did, "urgent "+string(p)); return nil }

func (a *able) StartTLS(context.Context) error { a.did = append(a.did, "tls"); return nil }

func (a *able) Event(kind protocols.EventKind, text string, n int64) {
	a.events = append(a.events, fmt.Sprint(kind, " ", text, " ", n))
}

// steps runs a script over an able stream.
func steps(t *testing.T, script string, o *RunOptions, peer func(net.Conn)) (*able, error) {
	t.Helper()
	s, err := Parse(strings.NewReader(script))
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() { defer theirs.Close(); peer(theirs) }()
	a := &able{Conn: ours}
	return a, s.Run(t.Context(), NewStream(a, 0), nil, o)
}

// TestPagerAndSecrets: a pager is answered by a key without a line end; the
// base64 of a secret is a secret; and the trace shows neither.
func TestPagerAndSecrets(t *testing.T) {
	var heard strings.Builder
	var printed []string
	o := &RunOptions{
		Secrets: map[string]string{"P": "hush"},
		Print:   func(line int, text string) error { printed = append(printed, fmt.Sprint(line, " ", text)); return nil },
	}
	a, err := steps(t, `base64 AUTH "\x00me\x00${P}"
expect { 
  more -> write " ", again
  /done (\d+)/
}
print ${1} of ${AUTH}
send AUTH ${AUTH}
write hush
expect eof`, o, func(c net.Conn) {
		for _, say := range []string{"one\nmore", "two\nmore", "done 7"} {
			io.WriteString(c, say)
			if say != "done 7" {
				key := make([]byte, 1)
				io.ReadFull(c, key)
				heard.Write(key)
			}
		}
		rest := make([]byte, len("AUTH AG1lAGh1c2g=\r\nhush"))
		io.ReadFull(c, rest)
		heard.Write(rest)
	})
	if err != nil {
		t.Fatal(err)
	}
	if heard.String() != "  AUTH AG1lAGh1c2g=\r\nhush" || !slices.Equal(printed, []string{"6 7 of ****"}) {
		t.Errorf("heard %q, printed %q", heard.String(), printed)
	}
	all := strings.Join(a.events, "\n")
	if strings.Contains(all, "hush") || strings.Contains(all, "AG1l") || !strings.Contains(all, "AUTH ****") || !strings.Contains(all, "two\nmore") {
		t.Errorf("trace:\n%s", all)
	}
}

// TestUrgentAndTLS: streams that can do it are asked to, and TLS does not begin
// while words from before it wait to be read.
func TestUrgentAndTLS(t *testing.T) {
	quiet := func(text string) func(net.Conn) {
		return func(c net.Conn) { io.WriteString(c, text); io.Copy(io.Discard, c) }
	}
	a, err := steps(t, "urgent \"\\xf2\"\nexpect go\nstarttls\nend", nil, quiet("go"))
	if err != nil || !slices.Equal(a.did, []string{"urgent \xf2", "tls"}) {
		t.Errorf("%q, %v", a.did, err)
	}
	a, err = steps(t, "expect go\nstarttls", nil, quiet("go 250 injected"))
	if protocols.KindOf(err) != protocols.KindProtocol || len(a.did) > 0 {
		t.Errorf("%q, %v", a.did, err)
	}
	for _, script := range []string{"urgent x", "starttls"} {
		if _, err := play(t, script, nil, quiet("")); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: %v", script, err)
		}
	}
}

// TestErrorsTellTheLast: what came instead is in the error, harmless and masked.
func TestErrorsTellTheLast(t *testing.T) {
	o := &RunOptions{Secrets: map[string]string{"P": "hush"}}
	_, err := steps(t, "timeout 20ms\nexpect never", o, func(c net.Conn) {
		io.WriteString(c, strings.Repeat("x", 500)+" hush \x1b[2J\r\n")
		io.Copy(io.Discard, c)
	})
	if s := fmt.Sprint(err); !strings.HasSuffix(s, `x **** \x1b[2J"`) || len(s) > 200 {
		t.Errorf("got %s", s)
	}
	_, err = steps(t, "expect never", nil, func(net.Conn) {})
	if s := fmt.Sprint(err); !strings.HasSuffix(s, "never; nothing came") {
		t.Errorf("got %s", s)
	}
}

// TestCheck: a name that nothing sets is found before anything is sent.
func TestCheck(t *testing.T) {
	good := "set A 1\nsecret B env:X\nbase64 C ${B}\nexpect /(?P<D>x)(y)/ -> send ${D}${2}\nexpect \"${A}\" | /${C}/\nsend ${E}"
	for script, want := range map[string]string{
		good: "", "send ${F}": "line 1", "\nexpect \"${F}\"": "line 2", "expect a -> send ${F}": "line 1", "expect /${F}/": "line 1", "set A ${F}": "line 1",
	} {
		s, err := Parse(strings.NewReader(script))
		if err != nil {
			t.Fatal(err)
		}
		err = s.Check("E")
		if want == "" && err != nil || want != "" && (protocols.KindOf(err) != protocols.KindUsage || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", script, err)
		}
	}
}

// TestInteract: both directions go on side by side, the end of the input is passed
// on, and the context ends a session that is silent.
func TestInteract(t *testing.T) {
	addr := labtest.Serve(t, func(c net.Conn) { io.WriteString(c, "hello "); io.Copy(c, c) })
	dial := func() *Stream {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return NewStream(c, 0)
	}
	var out strings.Builder
	text := strings.Repeat("there and back\n", 50_000)
	if err := dial().Interact(t.Context(), strings.NewReader(text), &out); err != nil || out.String() != "hello "+text {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	in, typed := io.Pipe()
	defer typed.Close()
	seen, shown := io.Pipe()
	go func() { io.ReadFull(seen, make([]byte, 6)); cancel() }()
	if err := dial().Interact(ctx, in, shown); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

// TestLanguage: the page has every statement, and its example is a script.
func TestLanguage(t *testing.T) {
	for name := range readers {
		if !strings.Contains(Language, "\n  "+name+" ") && !strings.Contains(Language, ", "+name+" ") && !strings.Contains(Language, "; "+name+" ") {
			t.Errorf("%s is not there", name)
		}
	}
	_, example, _ := strings.Cut(Language, "pager:\n")
	s, err := Parse(strings.NewReader(example))
	if err == nil {
		err = s.Check()
	}
	if err != nil || len(s.steps) < 8 {
		t.Errorf("%v in %s", err, example)
	}
}
