// Package interop helps tests that use real servers on loopback. The script servers.sh in this folder installs and
// starts them. A test names the servers it needs with [Require]. If they are not up it is skipped, and the reason names
// the command that starts them. INTEROP=require in the environment makes that a failure, for machines that must have
// the servers.
package interop

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Users of every server with logins. Alice owns the folder "alice", which Bob cannot enter.
const (
	Alice    = "alice"
	Bob      = "bob"
	Password = "secret"
)

// dialTimeout is long for loopback, so that a busy machine is not mistaken for one without servers.
const dialTimeout = 2 * time.Second

const hint = "internal/interop/servers.sh install && internal/interop/servers.sh up"

// Addrs maps the name of a service, such as "FTP", to its host:port.
type Addrs map[string]string

// Require returns the addresses of all services. If one of the named services does not answer, it skips the test, or
// fails it if INTEROP=require is set. It always skips the test for a service on ::1 where there is no IPv6 loopback. A
// name that servers.sh does not list fails the test.
func Require(t testing.TB, names ...string) Addrs {
	t.Helper()
	addrs, err := Addresses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	paths(t) // ignores servers that were started from another folder
	for _, name := range names {
		addrs.require(t, name)
	}
	return addrs
}

// Addresses returns the addresses of all services, up or not.
func Addresses(ctx context.Context) (Addrs, error) {
	return script(ctx, "addresses")
}

// Paths are the files that servers and clients share.
type Paths struct {
	Root string // the folder that the file servers serve as "/"
	CA   string // a PEM file with the CA certificate of the servers
}

// FindPaths returns the paths, which exist only after the servers have been started once.
func FindPaths(ctx context.Context) (Paths, error) {
	values, err := script(ctx, "paths")
	return Paths{Root: values["ROOT"], CA: values["CA"]}, err
}

// paths returns the paths of started servers. Without servers it skips or fails the test, like [Require].
func paths(t testing.TB) Paths {
	t.Helper()
	p, err := FindPaths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.CA); err != nil {
		absent(t, "the servers have never been started (%v); run: %s", err, hint)
	}
	return p
}

// absent skips a test that lacks something on this machine, or fails it with INTEROP=require.
func absent(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("INTEROP") == "require" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func (a Addrs) require(t testing.TB, name string) {
	t.Helper()
	addr, ok := a[name]
	if !ok {
		t.Fatalf("servers.sh lists no service %q", name)
	}
	conn, err := net.DialTimeout("tcp", addr, dialTimeout)
	if err == nil {
		_ = conn.Close()
		return
	}
	if strings.HasPrefix(addr, "[") && !ipv6Loopback() {
		t.Skipf("%s: this machine has no IPv6 loopback", name)
	}
	absent(t, "%s is not up (%v); run: %s", name, err, hint)
}

func ipv6Loopback() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// Root returns the local path of the folder that the file servers serve as "/". Below it, "hello.txt" contains "hello,
// world\n", and "blob.bin" 1 MiB; servers.sh has the full list. Tests modify only folders from [Upload] and "alice".
func Root(t testing.TB) string {
	t.Helper()
	return paths(t).Root
}

// CA returns the path of the PEM file with the CA certificate of the servers. Their certificates are valid for
// localhost, 127.0.0.1 and ::1.
func CA(t testing.TB) string {
	t.Helper()
	return paths(t).CA
}

// Pool returns a pool with only the certificate of [CA].
func Pool(t testing.TB) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(CA(t))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("%s: no certificate", CA(t))
	}
	return pool
}

// Upload creates an empty folder that every user may write to, and removes it when the test ends. It returns the
// folder's path on the servers, relative to their root, and its local path.
func Upload(t testing.TB) (remote, local string) {
	t.Helper()
	root := Root(t)
	local, err := os.MkdirTemp(filepath.Join(root, "upload"), "test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(local); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	if err := os.Chmod(local, 0o777); err != nil { // MkdirTemp uses 0700, and the umask restricts Mkdir's mode
		t.Fatal(err)
	}
	return "upload/" + filepath.Base(local), local
}

// script runs servers.sh with one verb and returns the NAME=VALUE lines of its output.
func script(ctx context.Context, verb string) (map[string]string, error) {
	path, err := scriptPath()
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, path, verb).Output()
	if err != nil {
		return nil, fmt.Errorf("servers.sh %s: %w", verb, err)
	}
	values, err := parse(out)
	if err != nil {
		return nil, fmt.Errorf("servers.sh %s: %w", verb, err)
	}
	return values, nil
}

// scriptPath searches for the script upward from the current folder, because tests run in the folder of their package.
func scriptPath() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, "internal", "interop", "servers.sh")
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return "", fmt.Errorf("internal/interop/servers.sh not found in or above the current folder: %w", err)
		}
		dir = parent
	}
}

func parse(out []byte) (map[string]string, error) {
	values := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if _, double := values[name]; !ok || double || name == "" || value == "" {
			return nil, fmt.Errorf("bad line %q", lines.Text())
		}
		values[name] = value
	}
	return values, lines.Err()
}
