package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab"
)

// shellRun runs a script.
func shellRun(t *testing.T, script string, args ...string) (int, string, string) {
	t.Helper()
	var out, words bytes.Buffer
	code := Main(t.Context(), append([]string{"shell"}, args...), strings.NewReader(script), &out, &words)
	return code, out.String(), words.String()
}

// TestShellScript: one script for each protocol, with what it prints.
func TestShellScript(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	urls := labURLs(t)
	if err := os.WriteFile("a report.txt", []byte("a report\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		server, script string
		code           int
		want, words    []string // in standard output, in standard error
	}{
		{"FTP", "cd pub\npwd\nls *.txt\ncat ../README.txt\ncd ..\nls", 0, []string{"/pub/\n", "dos.txt\n", "two words.txt\n", "Welcome to the lab.", "incoming/"}, nil},
		{"FTP", "cd incoming\nput *.txt\nput 'a report.txt' b\\ c.txt\nls\nmv 'b c.txt' \"d e.txt\"\nmkdir sub\ncp 'd e.txt' sub/\nfind . -name '*.txt'\nrm *.txt\nrm -r sub\nls", 0,
			[]string{"a report.txt\nb c.txt\n", "incoming/d e.txt\n", "incoming/sub/d e.txt\n"}, nil},
		{"FTP", "cd /pub\npwd\ncd nested/a\ncd ../..\npwd\ncd\npwd\ncd -\npwd", 0, []string{"/%2Fpub/\n"}, nil},
		{"FTP", "# nothing\n\n-cat none\nls nothing-here\npwd", 6, nil, []string{"stopped at line 4"}},
		{"FTP", "cd README.txt", 6, nil, []string{"this is not a folder"}},
		{"FTP", "get pub/dos.txt -o here.txt\nlcd /\nlpwd\n!echo from here", 0, []string{"/\n", "from here\n"}, nil},
		{"FTP", "pwd\nexit\npwd\nnonsense", 0, []string{"ftp://alice@"}, nil},
		{"FTP", "nonsense", 2, nil, []string{"no verb nonsense"}},
		{"FTP", "ls --no-such-flag", 2, nil, []string{"unknown flag"}},
		{"FTP", "cat 'x", 2, nil, []string{"without its end"}},
		{"FTP", "raw NOOP 'SIZE README.txt'\nchmod README.txt 644\nstat README.txt", 0, []string{"213 71"}, nil},
		{"FTP", "shell x", 2, nil, []string{"no shell of its own"}},
		{"FTP", "help\nhelp cd\nhelp get", 0, []string{"!COMMAND", "cd [FOLDER]: go to", "--continue"}, nil},
		{"FTP", "!exit 3", 11, nil, []string{"exit status 3"}},
		{"HTTP", "cd pub\nls\ncat 'two words.txt'\ncd ../incoming\nput 'a report.txt' x.txt\nls\nrm x.txt", 0, []string{"dos.txt", "a name with a space", "x.txt\n"}, nil},
		{"IMAP", "mkdir Other\nls\ncd INBOX\nls\ncat 1\ncp 1 Other\ncd Other\nls\nsearch ALL\ncd ..\npwd", 0, []string{"INBOX\nOther\n", "Subject: Welcome", "Welcome\n"}, nil},
		{"IMAP", "cd INBOX\nrm 1\nls", 0, []string{"Dots and quotes"}, nil},
		{"POP3", "ls\ncat 3", 0, []string{"Log of tonight", "Subject: Log of tonight"}, nil},
		{"NNTP", "cd local.test\nls\ncat 2\ncd /\npwd\nls", 0, []string{"First article", "Message-ID: <2@lab.invalid>", "local.announce"}, nil},
		{"GOPHER", "ls\ncd pub\ncat dos.txt\ncd ..\ncat README.txt", 0, []string{"README.txt", "Welcome to the lab."}, nil},
		{"GOPHER", "cat nothing", 6, nil, []string{"no entry nothing here"}},
	} {
		t.Run(c.server+" "+strings.Split(c.script, "\n")[0], func(t *testing.T) {
			t.Chdir(".") // lcd changes it
			code, out, words := shellRun(t, c.script, withLogin(urls[c.server]))
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in standard output", want)
				}
			}
			for _, want := range c.words {
				if !strings.Contains(words, want) {
					t.Errorf("no %q in standard error", want)
				}
			}
			if t.Failed() {
				t.Logf("standard output:\n%s\nstandard error:\n%s", out, words)
			}
			if strings.Contains(out+words, lab.DefaultCredentials().Password) {
				t.Error("the password was printed")
			}
		})
	}
}

// TestShellKeepsItsConnection: one session serves all lines, and a line with flags for the
// connection has its own.
func TestShellKeepsItsConnection(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	url := withLogin(labURLs(t)["FTP"])
	for _, c := range []struct {
		script string
		want   int
	}{
		{"ls\ncd pub\ncat dos.txt\nget dos.txt -o -\nstat dos.txt\ncd ..\nls -l pub\nls --json", 1},
		{"ls\nls --no-pipelining\nls", 2},
	} {
		path := filepath.Join(t.TempDir(), "t.txt")
		if code, _, words := shellRun(t, c.script, url, "--trace", path); code != 0 {
			t.Fatalf("exit code %d: %s", code, words)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "> USER alice"); n != c.want {
			t.Errorf("%q: %d logins, want %d\n%s", c.script, n, c.want, text)
		}
	}
}

// TestShellFlags: the flags of the shell count for each line, also where a verb has no use
// for them, and its JSON lines are those of the verbs.
func TestShellFlags(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	urls := labURLs(t)
	code, out, words := shellRun(t, "", withLogin(urls["FTP"]), "--json", "--active", "--command", "pwd", "--command", "ls pub", "--command", "mkdir incoming/x", "--command", "rmdir incoming/x", "--command", "stat README.txt")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, words)
	}
	known := schemas{}
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		if i == 0 {
			if !strings.HasPrefix(line, `{"url":"ftp://alice@`) {
				t.Errorf("pwd prints %s", line)
			}
			continue
		}
		if why := known.breaks(t, "ls", line); why != "" {
			t.Errorf("%s: %s", line, why)
		}
	}
	code, _, words = shellRun(t, "cat none", withLogin(urls["FTP"]), "--json")
	if first, _, _ := strings.Cut(words, "\n"); code != 6 || !strings.HasPrefix(first, `{"error":{"protocol":"ftp","op":"cat"`) {
		t.Errorf("exit code %d: %s", code, words)
	}
	if code, _, words := shellRun(t, "secret\nls\n", strings.Replace(urls["FTP"], "://", "://alice@", 1), "--password-file", "-"); code != 2 || !strings.Contains(words, "is the script") {
		t.Errorf("exit code %d: %s", code, words)
	}
	if code, _, words := shellRun(t, "ls", strings.Replace(urls["FTP"], "://", "://alice:wrong@", 1)); code != 5 {
		t.Errorf("exit code %d: %s", code, words)
	}
}

// TestShellLoginIsForItsServer: the login of the shell's flags goes to no other server
// that a line names.
func TestShellLoginIsForItsServer(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	one, other := labURLs(t)["FTP"], labURLs(t)["FTP"]
	trace := filepath.Join(t.TempDir(), "t.txt")
	code, _, words := shellRun(t, "ls\n-cat "+strings.Replace(other, "://", "://alice@", 1)+"README.txt\nls", one, "--user", "alice", "--password-file", file, "--trace", trace)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, words)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "> PASS"); n != 1 || !strings.Contains(words, "no password is known") {
		t.Errorf("%d passwords sent: %s\n%s", n, words, text)
	}
}
