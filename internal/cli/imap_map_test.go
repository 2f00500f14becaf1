package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// accountAt starts a server where alice has mailboxes, each with one message; it returns
// its URL.
func accountAt(t *testing.T, boxes ...string) (*maillab.Mailboxes, string) {
	t.Helper()
	mail := maillab.Sample()
	for _, box := range boxes {
		if err := mail.Create("alice", box); err != nil {
			t.Fatal(err)
		}
		if _, err := mail.Append("alice", box, []byte("Subject: "+box+"\r\nMessage-ID: <"+box+"@x>\r\n\r\nx\r\n"), nil, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	s, err := maillab.StartIMAP(maillab.IMAPOptions{PreAuth: "alice", Mail: mail})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return mail, s.URL()
}

func runCLI(t *testing.T, args ...string) (code int, out, told string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(t.Context(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// TestMapMailboxes: the rules apply in their order; two mailboxes for one place are
// refused before anything is written.
func TestMapMailboxes(t *testing.T) {
	_, from := accountAt(t, "Lists/go", "Lists/c", "Old")
	mail, to := accountAt(t)
	journal := t.TempDir()
	if code, _, told := runCLI(t, "sync", from, to, "--map", "^Lists/.*=All", "--journal", journal+"/a"); code != 2 || !strings.Contains(told, `"Lists/c"`) || !strings.Contains(told, `"All"`) {
		t.Errorf("exit code %d, %s", code, told)
	}
	if list, _ := mail.List("alice"); len(list) != 1 {
		t.Errorf("written: %v", list)
	}
	for _, rule := range []string{"nothing", "=x", "(=x", ".*="} {
		if code, _, told := runCLI(t, "sync", from, to, "--map", rule); code != 2 {
			t.Errorf("%s: exit code %d, %s", rule, code, told)
		}
	}
	code, _, told := runCLI(t, "sync", from, to, "--map", "^Lists/(.*)=L.$1", "--map", `^L\.=M.`, "--subscribe", "--exclude", "INBOX")
	if code != 0 {
		t.Fatalf("exit code %d, %s", code, told)
	}
	for _, box := range []string{"M.go", "M.c", "Old"} {
		if info, err := mail.Info("alice", box); err != nil || info.Messages != 1 {
			t.Errorf("%s: %+v, %v", box, info, err)
		}
	}
	if _, out, told := runCLI(t, "imap", "lsub", to); out == "" || !strings.Contains(out, "M.go") || strings.Contains(out, "Lists") {
		t.Errorf("subscribed: %s %s", out, told)
	}
	for _, flag := range []string{"--map=a=b", "--subscribe", "--no-special-use"} {
		for _, src := range []string{from + "INBOX", t.TempDir()} {
			if code, _, told := runCLI(t, "sync", src, "maildir:"+t.TempDir()+"/m", flag); code != 2 {
				t.Errorf("%s %s: exit code %d, %s", src, flag, code, told)
			}
		}
	}
}

// TestSpecialUse: sent mail goes to the mailbox for sent mail, whatever its name.
func TestSpecialUse(t *testing.T) {
	status := "* STATUS x (MESSAGES 1)\r\n{tag} OK\r\n"
	from := scripted(t, map[string]string{"STATUS": status, "LIST": "* LIST () \"/\" INBOX\r\n* LIST (\\Sent) \"/\" \"Sent Items\"\r\n* LIST (\\Trash) \"/\" Bin\r\n* LIST (\\Junk) \"/\" Spam\r\n* LIST (\\All) \"/\" Everything\r\n{tag} OK\r\n"})
	to := scripted(t, map[string]string{"STATUS": status, "LIST": "* LIST () \"/\" INBOX\r\n* LIST (\\Sent) \"/\" Gesendet\r\n* LIST (\\Trash) \"/\" Papierkorb\r\n* LIST (\\All) \"/\" Alles\r\n* LIST (\\Junk) \"/\" J1\r\n* LIST (\\Junk) \"/\" J2\r\n{tag} OK\r\n"})
	for _, k := range []struct{ flags, want, none string }{
		{"", "Gesendet,Papierkorb,Spam,Everything", "Alles,J1,J2"},
		{"--no-special-use", "Sent Items,Bin,Spam,Everything", "Gesendet,Papierkorb"},
		{"--map=^Bin$=Tonne", "Gesendet,Tonne", "Papierkorb"},
	} {
		// Both accounts open their mailboxes; the names of DST are in no command of SRC.
		_, out, told := runCLI(t, append([]string{"sync", from, to, "--trace", "-", "-n"}, strings.Fields(k.flags)...)...)
		for _, box := range strings.Split(k.want, ",") {
			if !strings.Contains(out+told, `"`+box+`"`) {
				t.Errorf("%s: %s is missing in\n%s", k.flags, box, out+told)
			}
		}
		for _, box := range strings.Split(k.none, ",") {
			for _, verb := range []string{"EXAMINE", "SELECT"} {
				if strings.Contains(out+told, verb+` "`+box+`"`) {
					t.Errorf("%s: %s is opened", k.flags, box)
				}
			}
		}
	}
}
