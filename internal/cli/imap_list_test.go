package cli

import (
	"bytes"
	"cmp"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/labtest"
)

// scripted is an IMAP server of a few lines: what it says to a verb, {tag} being the
// command's. It returns its URL.
func scripted(t *testing.T, says map[string]string) string {
	t.Helper()
	addr := labtest.Answer(t, "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n", func(line string) string {
		word := strings.Fields(line + " x x x")
		answer := cmp.Or(says[strings.Join(word[1:4], " ")], says[word[1]+" "+word[2]], says[word[1]], "{tag} OK done\r\n")
		return strings.ReplaceAll(answer, "{tag}", word[0])
	})
	return "imap://" + addr + "/"
}

// TestLongListing: rows of which less is known have empty cells, wherever they stand, and
// a line that makes no sense is reported once.
func TestLongListing(t *testing.T) {
	status := "* STATUS INBOX (MESSAGES 12)\r\n{tag} OK\r\n"
	lists := map[string]string{
		"first":        "* LIST (\\Noselect) \"/\" top\r\n* LIST () \"/\" INBOX\r\n",
		"last":         "* LIST () \"/\" INBOX\r\n* LIST (\\Noselect) \"/\" top\r\n",
		"broken":       "* LIST () \"/\" INBOX\r\n* LIST ((( nonsense\r\n* LIST (\\Noselect) \"/\" top\r\n",
		"broken first": "* LIST ((( nonsense\r\n* LIST () \"/\" INBOX\r\n* LIST (\\Noselect) \"/\" top\r\n",
		"refused":      "* LIST () \"/\" INBOX\r\n* LIST () \"/\" top\r\n",
	}
	for name, list := range lists {
		for _, flags := range [][]string{{"-l"}, {"-l", "--sort", "size"}, {"-l", "--sort", "name", "--reverse"}, {}} {
			t.Run(name+strings.Join(flags, " "), func(t *testing.T) {
				url := scripted(t, map[string]string{"LIST": list + "{tag} OK\r\n", "STATUS \"INBOX\"": status, "STATUS": "{tag} NO\r\n"})
				var out, told bytes.Buffer
				code := Main(t.Context(), append([]string{"imap", "ls", url}, flags...), strings.NewReader(""), &out, &told)
				broken := strings.HasPrefix(name, "broken")
				if want := strings.Count(list, "\n"); strings.Count(out.String(), "\n") != want && !broken {
					t.Errorf("exit code %d, %q, %q", code, out.String(), told.String())
				}
				if !strings.Contains(out.String(), "top") || !strings.Contains(out.String(), "INBOX") || len(flags) > 0 && !strings.Contains(out.String(), "12") {
					t.Errorf("exit code %d, %q, %q", code, out.String(), told.String())
				}
				if broken && strings.Count(out.String()+told.String(), "nonsense") != 1 {
					t.Errorf("exit code %d, %q, %q", code, out.String(), told.String())
				}
			})
		}
	}
}

// TestDeletedDuringSync: messages that others delete between the listing and the reading
// are not failures. A message that is there and does not come is one.
func TestDeletedDuringSync(t *testing.T) {
	const five = "* 1 FETCH (UID 5 BODY[] {3}\r\nabc)\r\n"
	for name, k := range map[string]struct {
		answer, again string
		code          int
	}{
		"expunged":    {five + "* 2 EXPUNGE\r\n{tag} OK\r\n", "", 0},
		"no answer":   {five + "{tag} OK\r\n", "", 0},
		"refused":     {five + "{tag} NO [EXPUNGEISSUED] Some of the messages no longer exist\r\n", "", 0},
		"still there": {five + "{tag} OK\r\n", "* 2 FETCH (UID 6 FLAGS () RFC822.SIZE 3)\r\n", 10},
	} {
		t.Run(name, func(t *testing.T) {
			url := scripted(t, map[string]string{
				"EXAMINE":     "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 10] x\r\n{tag} OK\r\n",
				"FETCH":       "* 1 FETCH (UID 5 FLAGS () RFC822.SIZE 3)\r\n* 2 FETCH (UID 6 FLAGS () RFC822.SIZE 3)\r\n{tag} OK\r\n",
				"UID FETCH":   k.answer,
				"UID FETCH 6": k.again + "{tag} OK\r\n",
			})
			var out, told bytes.Buffer
			code := Main(t.Context(), []string{"sync", url + "INBOX", "maildir:" + t.TempDir() + "/m", "--journal", t.TempDir() + "/j", "-v"}, strings.NewReader(""), &out, &told)
			if code != k.code || !strings.Contains(told.String(), "1 done") || k.code == 0 && !strings.Contains(told.String(), "deleted at the source") {
				t.Errorf("exit code %d, %s", code, told.String())
			}
		})
	}
}
