//go:build linux

package interop

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// privateDovecot starts a Dovecot of the test's own, with the configuration of the running
// one, whose mailboxes for special uses have other names, and returns its address.
func privateDovecot(t *testing.T, names map[string]string) string {
	t.Helper()
	program := requireProgram(t, "dovecot")
	state := filepath.Dir(filepath.Dir(CA(t)))
	original, err := os.ReadFile(filepath.Join(state, "dovecot", "dovecot.conf"))
	if err != nil {
		absent(t, "the configuration of Dovecot cannot be read: %v", err)
	}
	dir, err := os.MkdirTemp(state, "private-") // the users of Dovecot can enter that folder
	if err != nil {
		absent(t, "no folder for a Dovecot of the test's own: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	home := filepath.Join(dir, "home")
	for _, sub := range []string{"run", "state", "home"} {
		mustDo(t, os.Mkdir(filepath.Join(dir, sub), 0o755))
	}
	mustDo(t, os.Chmod(dir, 0o755))
	mustDo(t, os.Chown(home, 5000, 5000))
	mustDo(t, os.WriteFile(filepath.Join(dir, "passwd"), fmt.Appendf(nil, "%s:{PLAIN}%s:5000:5000::%s::\n", Alice, Password, home), 0o644))

	old := filepath.Join(state, "dovecot")
	text := strings.ReplaceAll(string(original), old+"/run", dir+"/run")
	for _, name := range []string{"state", "passwd", "dovecot.log"} {
		text = strings.ReplaceAll(text, old+"/"+name, dir+"/"+name)
	}
	text = strings.ReplaceAll(text, "instance_name = netclients", "instance_name = "+filepath.Base(dir))
	for use, name := range names {
		text = strings.ReplaceAll(text, "mailbox "+use+" {", "mailbox "+name+" {")
	}
	address := ""
	port := regexp.MustCompile(`(inet_listener (\w+) \{\s*address = \S+\s*port = )\d+`)
	text = port.ReplaceAllStringFunc(text, func(part string) string {
		m := port.FindStringSubmatch(part)
		free := freeAddr(t)
		if m[2] == "imap" {
			address = free
		}
		_, number, _ := net.SplitHostPort(free)
		return m[1] + number
	})
	config := filepath.Join(dir, "dovecot.conf")
	mustDo(t, os.WriteFile(config, []byte(text), 0o600))
	startDovecot(t, program, config, address)
	return address
}

// freeAddr returns an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	defer l.Close()
	return l.Addr().String()
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func startDovecot(t *testing.T, program, config, address string) {
	t.Helper()
	cmd := exec.Command(program, "-F", "-c", config)
	var words strings.Builder
	cmd.Stdout, cmd.Stderr = &words, &words
	mustDo(t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	for range 100 {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("Dovecot ended: %s", words.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatalf("Dovecot does not answer at %s", address)
}

// TestSpecialUseOfServers: between two servers that call them differently, mail goes to the
// mailboxes of the same special use, one way, both ways, and not where that is not wanted.
func TestSpecialUseOfServers(t *testing.T) {
	Require(t, "IMAP")
	if os.Geteuid() != 0 {
		t.Skip("only root can start a Dovecot")
	}
	r := newReplay(t, nil)
	first := privateDovecot(t, map[string]string{"Sent": `"Sent Items"`, "Trash": "Bin"})
	second := privateDovecot(t, map[string]string{"Sent": "Gesendet", "Drafts": "Entwurf", "Trash": "Papierkorb"})
	client := func(address string) *imap.Client {
		u, err := protocols.ParseURL("imap://"+Alice+":"+Password+"@"+address+"/", "")
		mustDo(t, err)
		c, err := imap.New(u, &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSOff}})
		mustDo(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	from, to := client(first), client(second)
	for _, box := range []string{"Sent Items", "Drafts", "Bin", "INBOX"} {
		_, err := from.Put(t.Context(), box, strings.NewReader("Subject: of "+box+"\r\n\r\nx\r\n"), nil)
		mustDo(t, err)
	}
	run := func(args ...string) {
		t.Helper()
		args = append([]string{"sync", "--tls", "off"}, args...)
		cmd := r.command(args...)
		cmd.Env = append(cmd.Env, "XDG_STATE_HOME="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	count := func(c *imap.Client, want map[string]int64) {
		t.Helper()
		got := map[string]int64{}
		for _, e := range imapList(t, c.List(t.Context(), "")) {
			if e.GroupInfo != nil && e.Count > 0 {
				got[e.Name] = e.Count
			}
		}
		for box, n := range want {
			if got[box] != n {
				t.Errorf("%s has %d messages, want %d", box, got[box], n)
			}
			delete(got, box)
		}
		if len(got) > 0 {
			t.Errorf("mail elsewhere: %v", got)
		}
	}
	a, b := "imap://"+Alice+"@"+first+"/", "imap://"+Alice+"@"+second+"/"
	run(a, b)
	count(to, map[string]int64{"Gesendet": 1, "Entwurf": 1, "Papierkorb": 1, "INBOX": 1})
	_, err := to.Put(t.Context(), "Gesendet", strings.NewReader("Subject: there\r\n\r\nx\r\n"), nil)
	mustDo(t, err)
	run("--two-way", a, b)
	count(from, map[string]int64{"Sent Items": 2, "Drafts": 1, "Bin": 1, "INBOX": 1})
	count(to, map[string]int64{"Gesendet": 2, "Entwurf": 1, "Papierkorb": 1, "INBOX": 1})
	run(a, b, "--no-special-use", "--include", "Bin")
	count(to, map[string]int64{"Gesendet": 2, "Entwurf": 1, "Papierkorb": 1, "INBOX": 1, "Bin": 1})
}
