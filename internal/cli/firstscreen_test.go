package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab/ftplab"
)

func say(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if code := Main(t.Context(), args, strings.NewReader(""), &out, &errOut); code != 0 {
		t.Fatalf("%q: exit code %d, %s", args, code, errOut.String())
	}
	return out.String()
}

// TestFirstScreen: what `netclients` alone prints fits a terminal of 80 by 24 with room
// for the prompts, and leads on.
func TestFirstScreen(t *testing.T) {
	text := say(t)
	if lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n"); len(lines) > 20 {
		t.Errorf("%d lines", len(lines))
	} else {
		for _, l := range lines {
			if utf8.RuneCountInString(l) > 80 {
				t.Errorf("%d columns: %s", utf8.RuneCountInString(l), l)
			}
		}
	}
	for _, want := range []string{"netclients tour", "netclients lab", "help verbs", "xmlrpc", "\n  netclients ls -l ftp://"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if all := say(t, "help", "verbs"); strings.Count(all, "\n") < 40 || !strings.Contains(all, "Verbs for any URL") {
		t.Errorf("help verbs: %s", all)
	}
}

// TestProtocolPages: each protocol is explained, with a dialogue, in lines of 80 columns.
func TestProtocolPages(t *testing.T) {
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range reg.Specs() {
		if s.Hidden {
			continue
		}
		page := say(t, "help", s.Name)
		if !strings.Contains(page, "\n  > ") || !strings.Contains(page, "\n  < ") || !strings.Contains(page, "Schemes and ports: ") {
			t.Errorf("help %s:\n%s", s.Name, page)
		}
		for _, l := range strings.Split(intros[s.Name], "\n") {
			if len(l) > 85 {
				t.Errorf("%s: %d columns: %s", s.Name, len(l), l)
			}
		}
	}
}

// TestManPages: a page for each verb and topic, without marks of the flag parser, and all
// that a manual has in netclients(1).
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	say(t, "man", dir)
	pages, err := filepath.Glob(dir + "/*.1")
	if err != nil || len(pages) < 200 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, p := range pages {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"[=false]", "`", "=[]"} {
			if strings.Contains(string(text), bad) {
				t.Errorf("%s: %q in it", filepath.Base(p), bad)
			}
		}
		for _, section := range []string{".SH NAME", ".SH SEE ALSO"} {
			if !strings.Contains(string(text), section) {
				t.Errorf("%s: no %s", filepath.Base(p), section)
			}
		}
	}
	root, _ := os.ReadFile(dir + "/netclients.1")
	for _, section := range []string{"SYNOPSIS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"} {
		if !strings.Contains(string(root), ".SH "+section+"\n") {
			t.Errorf("netclients.1: no %s", section)
		}
	}
	for _, name := range []string{"netclients-get.1", "netclients-imap-idle.1", "netclients-help-urls.1"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestCompletion: profiles, mechanisms, schemes and what is behind a URL are offered.
func TestCompletion(t *testing.T) {
	s, err := ftplab.Start(ftplab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	config := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(config, []byte("[profile.work]\nurl = \""+s.URL()+"pub/\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NETCLIENTS_CONFIG", config)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"ls", "--profile", ""}, "work\n"},
		{[]string{"ls", "wo"}, "work:\n"},
		{[]string{"ls", "work:la"}, "work:large.bin\n"},
		{[]string{"ls", "gop"}, "gopher://\n"},
		{[]string{"ls", "--auth", "SCRAM-SHA-2"}, "SCRAM-SHA-256\n"},
		{[]string{"ls", s.URL() + "pub/lar"}, s.URL() + "pub/large.bin\n"},
		{[]string{"get", s.URL() + "pu"}, s.URL() + "pub/\n"},
		{[]string{"ls", "--proxy"}, "through the proxy URL"},
	} {
		got := say(t, append([]string{"__complete"}, c.args...)...)
		if !strings.Contains(got, c.want) || strings.Contains(got, "`") {
			t.Errorf("%q: %s", c.args, got)
		}
	}
	if got := say(t, "__complete", "ls", strings.Replace(s.URL(), "://", "://alice@", 1)+"pu"); strings.Contains(got, "pub/") {
		t.Errorf("a server with a login was asked: %s", got)
	}
}

// TestBashCompletionSaysWhatIsMissing: without the package bash-completion a Tab prints one
// clear line.
func TestBashCompletionSaysWhatIsMissing(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed (Debian: bash)")
	}
	script := filepath.Join(t.TempDir(), "completion.bash")
	if err := os.WriteFile(script, []byte(say(t, "completion", "bash")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(bash, "--norc", "-c", "source "+script+"; COMP_WORDS=(netclients l); COMP_CWORD=1; __start_netclients").CombinedOutput()
	if want := "\nnetclients: completion needs the package bash-completion; install it and open a new shell\n"; string(out) != want {
		t.Errorf("%q", out)
	}
}
