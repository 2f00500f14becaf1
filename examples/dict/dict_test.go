package dict

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/cli"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/adapter"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// words are what the server of the tests knows.
var words = map[string]string{"cat": "A small animal.\r\n..hidden in dots\r\n", "catalog": "A list.\r\n", "hot dog": "Food: hot.\r\n"}

// serve starts a server with two databases, as RFC 2229 has them.
func serve(t testing.TB) string {
	t.Helper()
	return labtest.Answer(t, "220 dict.test ready <auth.mime> <1@dict.test>\r\n", func(line string) string {
		args := adapter.Words(line)
		switch {
		case len(args) == 3 && args[0] == "DEFINE":
			return define(args[1], args[2])
		case len(args) == 4 && args[0] == "MATCH":
			return match(args[1], args[3])
		case line == "SHOW DB":
			return "110 3 databases present\r\nweb \"Webster's \\\"Third\\\"\"\r\nfoldoc \"Computing\"\r\nempty \"\"\r\n.\r\n250 ok\r\n"
		case len(args) == 3 && args[1] == "INFO" && args[2] == "web":
			return "112 information for web\r\nFrom 1913.\r\n.\r\n250 ok\r\n"
		}
		return "550 invalid database, use \"SHOW DB\" for list of databases\r\n"
	})
}

func define(database, word string) string {
	text, ok := words[word]
	if !ok {
		return "552 no match\r\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "150 %d definitions retrieved\r\n", 1+strings.Count(database, "*"))
	fmt.Fprintf(&b, "151 %q web \"Webster's \\\"Third\\\"\" : text follows\r\n%s.\r\n", word, strings.ReplaceAll(text, "\r\n.", "\r\n.."))
	if database == "*" {
		fmt.Fprintf(&b, "151 %q foldoc \"Computing\"\r\nOf files.\r\n.\r\n", word)
	}
	return b.String() + "250 ok [d/m/c = 1/0/18]\r\n"
}

func match(database, part string) string {
	if database == "none" {
		return "550 invalid database\r\n"
	}
	var b strings.Builder
	for _, word := range []string{"cat", "catalog", "hot dog", "12:30", "50%"} {
		if strings.Contains(word, part) || part == "*" {
			fmt.Fprintf(&b, "web %q\r\n", word)
		}
	}
	if b.Len() == 0 {
		return "552 no match\r\n"
	}
	return fmt.Sprintf("152 %d matches found\r\n", strings.Count(b.String(), "\n")) + b.String() + ".\r\n250 ok\r\n"
}

// content is what the client makes of a definition.
func content(word string) string {
	return "From Webster's \"Third\" [web]:\r\n\r\n" + words[word]
}

var dialogs = map[string]struct {
	script string
	call   protocoltest.Call
	spare  int
}{
	"define": {`# server: written by hand, as RFC 2229 section 3.2 has it

S: 220 dict.test ready <auth.mime> <1@dict.test>
C: DEFINE ! "hot dog"
S: 150 1 definitions retrieved
S: 151 "hot dog" web "Web 1" : text follows
S: Food.
S: ..
S: ...com
S: .
S: 250 ok
R: {"entry":{"protocol":"dict","url":"dict://localhost/d:hot%20dog","name":"hot dog","path":"d:hot dog","type":"file"},"content":"From Web 1 [web]:\r\n\r\nFood.\r\n.\r\n..com\r\n"}
`, protocoltest.Get("d:hot dog", nil), 0},
	"no-match": {`# server: written by hand, as RFC 2229 section 3.2 has it

S: 220 dict.test ready <auth.mime> <1@dict.test>
C: DEFINE web nothing
S: 552 no match
E: refused dict get localhost/d:nothing:web: 552 no match (not found)
`, protocoltest.Get("d:nothing:web", nil), 0},
	"databases": {`# server: written by hand, as RFC 2229 section 3.5.1 has it

S: 220 dict.test ready <auth.mime> <1@dict.test>
C: SHOW DB
S: 110 2 databases present
S: web "Webster's \\"Third\\""
S: what is this
S: .
S: 250 ok
R: {"protocol":"dict","url":"dict://localhost/i:web","name":"web","path":"i:web","type":"file","facts":{"description":"Webster's \"Third\""}}
R: {"protocol":"dict","name":"","type":"other","raw":"what is this"}
`, protocoltest.List(""), 0},
	"match": {`# server: written by hand, as RFC 2229 section 3.3 has it

S: 220 dict.test ready <auth.mime> <1@dict.test>
C: MATCH * prefix 12
S: 152 1 matches found
S: web "12:30"
S: .
S: 250 ok
R: {"protocol":"dict","url":"dict://localhost/d:12%3A30:web","name":"12:30","path":"d:12%3A30:web","type":"file","facts":{"database":"web"}}
`, protocoltest.List("m:12:*:prefix"), 0},
	"probe": {`# server: written by hand

S: 220 dict.test ready
R: {"banner":"dict.test ready","capabilities":null,"phase":"","tls":"","up":true}
`, protocoltest.Probe(), 0},
	"closing": {`# server: written by hand, as RFC 2229 section 3.1 has it

S: 420 server temporarily unavailable
E: temporary dict get localhost/cat: 420 server temporarily unavailable
`, protocoltest.Get("cat", nil), 0},
}

// TestConformance runs the suite that all adapters pass.
func TestConformance(t *testing.T) {
	h := protocoltest.Harness{
		Spec: Spec(), URL: "dict://localhost/", Secret: "Xyzzy-7079", Garbage: "what is this",
		Multiline: func(line string) string { return line[:3] + "-more" },
		Server: func(t testing.TB) *protocoltest.Server {
			s := &protocoltest.Server{URL: "dict://" + serve(t) + "/", Options: &protocols.Options{}, Folder: "m:*", Missing: "canary", New: "x"}
			for word := range words {
				s.Files, s.Content = append(s.Files, "d:"+word+":web"), append(s.Content, []byte(content(word)))
			}
			return s
		},
		Skip: map[string]string{"credentials": "the example does not log in", "errors": "likewise; TestFailures has the others"},
	}
	for name, d := range dialogs {
		file := filepath.Join(t.TempDir(), name+".dialog")
		if err := os.WriteFile(file, []byte(d.script), 0o600); err != nil {
			t.Fatal(err)
		}
		h.Dialogs = append(h.Dialogs, protocoltest.Dialog{File: file, Call: d.call, Spare: d.spare})
	}
	protocoltest.Run(t, h)
}

// TestNames: what a URL says, and back.
func TestNames(t *testing.T) {
	for _, c := range []struct{ at, name string }{
		{"dict://h", ""}, {"dict://h/", ""}, {"dict://h/cat", "cat"}, {"dict://h/d:hot%20dog", "d:hot dog"}, {"dict://h/d:a%3Ab:web:2", "d:a%3Ab:web:2"},
		{"dict://h/d:50%25", "d:50%25"}, {"dict://h/m:a%2Fb:*:prefix", "m:a/b:*:prefix"}, {"dict://h/i:web", "i:web"}, {"dict://h/d:%C3%A4", "d:ä"},
	} {
		t.Run(c.at, func(t *testing.T) {
			u, err := url.Parse(c.at)
			if err != nil {
				t.Fatal(err)
			}
			name, err := nameOf(u)
			if err != nil || name != c.name {
				t.Fatalf("%q, %v", name, err)
			}
			client, err := New(u, nil)
			if err != nil {
				t.Fatal(err)
			}
			again, err := url.Parse(client.urlOf(name))
			if err != nil {
				t.Fatal(err)
			}
			if back, err := nameOf(again); err != nil || back != name {
				t.Errorf("%s: %q, %v", again, back, err)
			}
		})
	}
}

// TestFailures: replies have the kinds that callers ask for.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name, greeting, reply string
		kind                  protocols.Kind
		missing               bool
	}{
		{"no match", "220 hello", "552 no match", protocols.KindRefused, true},
		{"no such database", "220 hello", "550 invalid database", protocols.KindRefused, true},
		{"shutting down", "421 later", "", protocols.KindTemporary, false},
		{"not admitted", "530 access denied", "", protocols.KindAuth, false},
		{"unknown command", "220 hello", "500 what", protocols.KindRefused, false},
		{"another success", "220 hello", "152 0 matches", protocols.KindProtocol, false},
		{"no reply", "220 hello", "what", protocols.KindProtocol, false},
		{"hung up", "220 hello", labtest.Hangup, protocols.KindProtocol, false},
		{"cut off", "220 hello", "150 1 definitions\r\n151 a b c\r\ntext" + labtest.Hangup, protocols.KindProtocol, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			end := "\r\n"
			if strings.HasSuffix(c.reply, labtest.Hangup) {
				end = ""
			}
			addr := labtest.Answer(t, c.greeting+"\r\n", func(string) string { return c.reply + end })
			client, err := New(&url.URL{Scheme: "dict", Host: addr, Path: "/"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			o, err := client.Get(t.Context(), "d:cat", nil)
			if err == nil {
				_, err = io.Copy(io.Discard, o.Body)
				o.Body.Close()
			}
			if protocols.KindOf(err) != c.kind || errors.Is(err, fs.ErrNotExist) != c.missing {
				t.Errorf("kind %v: %v", protocols.KindOf(err), err)
			}
		})
	}
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
	at := "dict://" + serve(t) + "/"
	for _, c := range []struct {
		name string
		args []string
		want string
		code int
	}{
		{"a word", []string{"cat", at + "cat"}, content("cat"), 0},
		{"all databases", []string{"cat", at + "d:cat:%2A"}, content("cat") + "\r\nFrom Computing [foldoc]:\r\n\r\nOf files.\r\n", 0},
		{"the second definition", []string{"cat", at + "d:cat:%2A:2"}, "From Computing [foldoc]:\r\n\r\nOf files.\r\n", 0},
		{"a definition too many", []string{"cat", at + "d:cat:%2A:3"}, "", 6},
		{"no such word", []string{"cat", at + "dog"}, "", 6},
		{"about a database", []string{"cat", at + "i:web"}, "From 1913.\r\n", 0},
		{"databases", []string{"ls", at}, "web\nfoldoc\nempty\n", 0},
		{"matches", []string{"ls", at + "m:cat"}, "cat\ncatalog\n", 0},
		{"no such kind", []string{"cat", at + "x:cat"}, "", 2},
		{"matches are not read", []string{"cat", at + "m:cat"}, "", 2},
		{"words are not listed", []string{"ls", at + "d:cat"}, "", 2},
		{"a server that is down", []string{"probe", "dict://127.0.0.1:1/"}, "dict://127.0.0.1:1/  down", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, words bytes.Buffer
			code := cli.Main(context.Background(), catalog, c.args, strings.NewReader(""), &out, &words)
			if code != c.code || c.code == 0 && out.String() != c.want || !strings.HasPrefix(out.String(), c.want) {
				t.Errorf("%d, %q, %s", code, out.String(), words.String())
			}
		})
	}
	var out bytes.Buffer
	if code := cli.Main(context.Background(), catalog, []string{"ls", "--json", at + "m:%2A"}, strings.NewReader(""), &out, &out); code != 0 {
		t.Fatal(out.String())
	}
	for line := range strings.Lines(out.String()) {
		var e protocols.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		out.Reset()
		if code := cli.Main(context.Background(), catalog, []string{"cat", e.URL}, strings.NewReader(""), &out, &out); code != 0 && !strings.Contains(out.String(), "no match") {
			t.Errorf("%s: %s", e.URL, out.String())
		}
	}
}
