package finger

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/cli"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// serve starts a server that knows alice.
func serve(t testing.TB) string {
	t.Helper()
	return labtest.Answer(t, "", func(line string) string {
		var b strings.Builder
		answer(&b, line)
		return b.String() + labtest.Hangup
	})
}

func answer(w io.Writer, user string) {
	if user == "alice" {
		fmt.Fprint(w, "Login: alice\r\nPlan:\r\nTo write tests.\r\n")
		return
	}
	fmt.Fprintf(w, "%s: no such user\r\n", user)
}

const script = `# server: written by hand

C: alice
S: Login: alice
S: To write tests.
S! close
R: {"entry":{"protocol":"finger","url":"finger://localhost/alice","name":"alice","path":"alice","type":"file"},"content":"Login: alice\r\nTo write tests.\r\n"}
`

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) {
	file := filepath.Join(t.TempDir(), "get.dialog")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	atEnd := "an answer ends with the connection, and may be any text of any length"
	protocoltest.Run(t, protocoltest.Harness{
		Spec: Spec(), URL: "finger://localhost/", Secret: "Xyzzy-7079", Garbage: "\x00\x01",
		Dialogs: []protocoltest.Dialog{{File: file, Call: protocoltest.Get("alice", nil), Skip: map[string]string{"cut": atEnd, "garbage": atEnd, "flood": atEnd}}},
		Server: func(t testing.TB) *protocoltest.Server {
			s := &protocoltest.Server{URL: "finger://" + serve(t) + "/", Options: &protocols.Options{}, Missing: "nobody", New: "x"}
			for _, user := range []string{"alice", "bob", "carol"} {
				var b bytes.Buffer
				answer(&b, user)
				s.Files, s.Content = append(s.Files, user), append(s.Content, b.Bytes())
			}
			return s
		},
		Skip: map[string]string{"credentials": "finger has no logins", "errors": "finger has no errors: what is wrong is a line of the answer"},
	})
}

// TestCommandLine: the program of this module has all adapters of netclients, and this one.
func TestCommandLine(t *testing.T) {
	catalog, err := all.All()
	if err == nil {
		catalog, err = protocols.NewRegistry(append(catalog.Specs(), Spec())...)
	}
	if err != nil {
		t.Fatal(err)
	}
	at := "finger://" + serve(t) + "/alice"
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"cat", at}, "To write tests.", 0},
		{[]string{"probe", "finger://127.0.0.1:1/"}, "down", 3},
		{[]string{"ls", at}, "", 2},
	} {
		var out, words bytes.Buffer
		code := cli.Main(context.Background(), catalog, c.args, strings.NewReader(""), &out, &words)
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%q: %d, %s%s", c.args, code, out.String(), words.String())
		}
	}
}
