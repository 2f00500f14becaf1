package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols/lab/newslab"
)

// syncGroup brings a maildir up to date with the test group and returns how many messages
// it has then.
func syncGroup(t *testing.T, url, dir string, args ...string) (messages, code int, words string) {
	t.Helper()
	var out, told bytes.Buffer
	code = Main(t.Context(), append([]string{"sync", url, "maildir:" + dir, "--retry-wait", "10ms"}, args...), strings.NewReader(""), &out, &told)
	for _, sub := range []string{"new", "cur"} {
		list, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		messages += len(list)
	}
	return messages, code, told.String()
}

func newsAt(t *testing.T, o newslab.Options) *newslab.Server {
	t.Helper()
	s, err := newslab.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestNewsFromSeveralServers: an article is stored once, whichever servers have it and
// whatever its number is there. What one server does not have stays.
func TestNewsFromSeveralServers(t *testing.T) {
	here, there := newslab.Sample(), newslab.Sample()
	a := newsAt(t, newslab.Options{News: here})
	all, code, words := syncGroup(t, a.URL()+"local.test", filepath.Join(t.TempDir(), "whole"))
	if code != 0 || all < 5 {
		t.Fatal(all, code, words)
	}
	here.Cancel("<1@lab.invalid>")
	there.Cancel("<3@lab.invalid>")
	there.Renumber("local.test", 5000)
	b := newsAt(t, newslab.Options{News: there})
	dir := filepath.Join(t.TempDir(), "m")
	for i, k := range []struct {
		url  string
		args []string
		want int
	}{
		{a.URL() + "local.test", nil, all - 1},
		{strings.Replace(a.URL(), "127.0.0.1", "localhost", 1) + "local.test", []string{"-4"}, all - 1},
		{a.URL() + "local.test/2-4", nil, all - 1},
		{b.URL() + "local.test", nil, all},
		{a.URL() + "local.test", nil, all},
		{b.URL() + "local.test", []string{"--delete"}, all},
	} {
		if n, code, words := syncGroup(t, k.url, dir, k.args...); n != k.want || code != 0 {
			t.Errorf("run %d: %d messages, want %d, exit code %d: %s", i, n, k.want, code, words)
		}
	}
}

// TestNewsSyncGoesOn: an article that the server fails to deliver stops no other one, and
// what a new session delivers has not failed.
func TestNewsSyncGoesOn(t *testing.T) {
	var asked atomic.Int64
	for name, k := range map[string]struct {
		answer  func(line string) string
		missing int
		code    int
	}{
		"403 for one for ever": {func(line string) string {
			if line == "ARTICLE 3" {
				return "403 internal fault\r\n"
			}
			return ""
		}, 1, 10},
		"502 and the end": {func(line string) string {
			if strings.HasPrefix(line, "ARTICLE ") {
				switch asked.Add(1) {
				case 3:
					return "502 no more\r\n"
				case 4:
					return "502 no more\r\n" + newslab.HangUp
				}
			}
			return ""
		}, 0, 0},
	} {
		all, _, _ := syncGroup(t, newsAt(t, newslab.Options{}).URL()+"local.test", filepath.Join(t.TempDir(), "whole"))
		dir := filepath.Join(t.TempDir(), "m")
		s := newsAt(t, newslab.Options{Answer: k.answer})
		if n, code, words := syncGroup(t, s.URL()+"local.test", dir); n != all-k.missing || code != k.code {
			t.Errorf("%s: %d of %d messages, exit code %d: %s", name, n, all, code, words)
		}
	}
}
