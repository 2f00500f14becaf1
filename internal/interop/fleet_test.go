//go:build linux

package interop

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/programtest"
)

// The migration between accounts of Dovecot.
const (
	fleetAccounts = 500
	fleetLetters  = 4
	fleetTrees    = 24
	fleetFiles    = 30
)

// fleetConfig is for users who all have the same password.
const fleetConfig = `base_dir = DIR/run
state_dir = DIR/state
instance_name = netclients-fleet
log_path = DIR/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_max_userip_connections = 200
first_valid_uid = 5000
mail_location = maildir:~/Maildir
mail_fsync = never
service imap-login {
  inet_listener imap {
    port = PORT
  }
  inet_listener imaps {
    port = 0
  }
}
service imap {
  process_limit = 512
}
passdb {
  driver = static
  args = password=` + Password + `
}
userdb {
  driver = static
  args = uid=5000 gid=5000 home=DIR/home/%n
}
`

// fleetDovecot starts a server of its own, whose users are all that there may be.
func fleetDovecot(t *testing.T) (addr, homes string) {
	t.Helper()
	binary, err := exec.LookPath("dovecot")
	if err != nil || os.Getuid() != 0 {
		absent(t, "dovecot as root is needed: %v", err)
	}
	dir, err := os.MkdirTemp("/tmp", "netclients-dovecot-") // its sockets need a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	l.Close()
	homes = filepath.Join(dir, "home")
	config := strings.NewReplacer("DIR", dir, "PORT", port).Replace(fleetConfig)
	for _, d := range []string{"run", "state", "home"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(homes, 5000, 5000); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "conf")
	if err := os.WriteFile(conf, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-F", "-c", conf)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(syscall.SIGTERM); cmd.Wait() })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr, homes
		}
		if time.Now().After(end) {
			t.Fatalf("dovecot does not start: %s", said.String())
		}
	}
}

// fillAccounts puts letters into accounts where Dovecot has them.
func fillAccounts(t *testing.T, homes string) {
	t.Helper()
	for i := range fleetAccounts {
		box := filepath.Join(homes, fmt.Sprintf("old%03d", i), "Maildir")
		for _, d := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(box, d), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for j := range fleetLetters {
			if err := os.WriteFile(filepath.Join(box, "cur", fmt.Sprintf("17000000%02d.M%dP1.lab:2,S", j, j)), letterOf(i, j), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_ = filepath.WalkDir(filepath.Dir(box), func(path string, _ fs.DirEntry, _ error) error { return os.Chown(path, 5000, 5000) })
	}
}

func letterOf(account, n int) []byte {
	return fmt.Appendf(nil, "From: a@example.org\nTo: old%03d@example.org\nSubject: letter %d\nMessage-ID: <%d.%d@example.org>\n\n%s\n", account, n, n, account, strings.Repeat("words ", 20+n))
}

// letters counts the letters of the new accounts.
func letters(homes string) int {
	paths, _ := filepath.Glob(filepath.Join(homes, "new*", "Maildir", "[cn][ue][rw]", "*"))
	return len(paths)
}

// moved counts the letters of the new accounts by their content.
func moved(homes string) (found map[string]int, n int) {
	found = map[string]int{}
	paths, _ := filepath.Glob(filepath.Join(homes, "new*", "Maildir", "[cn][ue][rw]", "*"))
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil {
			found[strings.ReplaceAll(string(b), "\r\n", "\n")]++
			n++
		}
	}
	return found, n
}

func fleetCommand(dir, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+filepath.Join(dir, "state"), "NETCLIENTS_CONFIG="+os.DevNull, "FLEET_PASSWORD="+Password)
	return cmd
}

// killedThrice runs a jobs file, kills the process at three times on the way, and runs it to its end.
func killedThrice(t *testing.T, dir, program, jobs string, count func() int, whole int) {
	t.Helper()
	args := []string{"fleet", "run", jobs, "--workers", "8", "--per-host", "16"}
	for part := range 3 {
		cmd := fleetCommand(dir, program, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(2 * time.Minute); count() < (part+1)*whole/4; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				break
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
	if n := count(); n >= whole {
		t.Logf("all was there before the last kill")
	}
	if out, err := fleetCommand(dir, program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %.4000s", err, out)
	}
}

// TestFleetDovecot: 500 accounts move from names to others; the process is killed three times.
func TestFleetDovecot(t *testing.T) {
	addr, homes := fleetDovecot(t)
	fillAccounts(t, homes)
	dir := t.TempDir()
	var jobs strings.Builder
	want := map[string]int{}
	for i := range fleetAccounts {
		fmt.Fprintf(&jobs, `{"verb":"sync","args":["imap://old%03[1]d@%[2]s/INBOX","imap://new%03[1]d@%[2]s/INBOX"],"secrets":{"src":"env:FLEET_PASSWORD","dst":"env:FLEET_PASSWORD"}}`+"\n", i, addr)
		for j := range fleetLetters {
			want[string(letterOf(i, j))]++
		}
	}
	path := filepath.Join(dir, "jobs.ndjson")
	if err := os.WriteFile(path, []byte(jobs.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	killedThrice(t, dir, programtest.Build(t), path, func() int { return letters(homes) }, fleetAccounts*fleetLetters)
	got, n := moved(homes)
	if n != fleetAccounts*fleetLetters {
		t.Errorf("%d letters, want %d", n, fleetAccounts*fleetLetters)
	}
	for text := range want {
		if got[text] != 1 {
			t.Errorf("%d of %.80q, want 1", got[text], text)
		}
	}
}

// TestFleetFTP: trees go up to vsftpd; the process is killed three times.
func TestFleetFTP(t *testing.T) {
	host := Require(t, "FTP")["FTP"]
	remote, local := Upload(t)
	dir := t.TempDir()
	var jobs strings.Builder
	for i := range fleetTrees {
		tree := filepath.Join(dir, "trees", fmt.Sprint("t", i), "sub")
		if err := os.MkdirAll(tree, 0o755); err != nil {
			t.Fatal(err)
		}
		for j := range fleetFiles {
			if err := os.WriteFile(filepath.Join(tree, fmt.Sprint("f", j)), bytes.Repeat([]byte{byte(i), byte(j)}, 2000+100*j), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&jobs, `{"verb":"sync","args":[%q,"ftp://%s@%s/%s/t%d/"],"secrets":{"dst":"env:FLEET_PASSWORD"}}`+"\n", filepath.Dir(tree), Alice, host, strings.Trim(remote, "/"), i)
	}
	path := filepath.Join(dir, "jobs.ndjson")
	if err := os.WriteFile(path, []byte(jobs.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		list, _ := filepath.Glob(filepath.Join(local, "t*", "sub", "f*"))
		return len(list)
	}
	killedThrice(t, dir, programtest.Build(t), path, count, fleetTrees*fleetFiles)
	if out, err := exec.Command("diff", "-r", filepath.Join(dir, "trees"), local).CombinedOutput(); err != nil {
		t.Errorf("the trees differ: %.2000s", out)
	}
}
