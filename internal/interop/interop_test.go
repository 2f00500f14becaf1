//go:build linux

package interop

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, out string
		want      map[string]string // nil: an error
	}{
		{"two", "A=1\nB=[::1]:2\n", map[string]string{"A": "1", "B": "[::1]:2"}},
		{"value with equals sign", "A=b=c\n", map[string]string{"A": "b=c"}},
		{"empty", "", map[string]string{}},
		{"no value", "A=\n", nil},
		{"no name", "=1\n", nil},
		{"no equals sign", "A\n", nil},
		{"double", "A=1\nA=2\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse([]byte(tt.out))
			if (err != nil) != (tt.want == nil) {
				t.Fatalf("error %v", err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for k, v := range tt.want {
				if got[k] != v {
					t.Errorf("%s: got %q, want %q", k, got[k], v)
				}
			}
		})
	}
}

// Every service has its own port on a loopback address, and `ports` and `addresses` agree.
func TestAddresses(t *testing.T) {
	addrs, err := Addresses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ports, err := script(t.Context(), "ports")
	if err != nil {
		t.Fatal(err)
	}
	if len(addrs) == 0 || len(addrs) != len(ports) {
		t.Fatalf("%d addresses, %d ports", len(addrs), len(ports))
	}
	seen := map[uint16]string{}
	for name, addr := range addrs {
		ap, err := netip.ParseAddrPort(addr)
		if err != nil || !ap.Addr().IsLoopback() {
			t.Errorf("%s: %q is not a loopback address (%v)", name, addr, err)
		}
		if !strings.HasSuffix(addr, ":"+ports[name]) {
			t.Errorf("%s: address %s, port %s", name, addr, ports[name])
		}
		if other, double := seen[ap.Port()]; double {
			t.Errorf("%s and %s share port %d", name, other, ap.Port())
		}
		seen[ap.Port()] = name
	}
}

func TestUsage(t *testing.T) {
	path, err := scriptPath()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), path, "no-such-verb").Output()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 2 {
		t.Errorf("got %v, want exit 2", err)
	}
	for _, verb := range []string{"install", "peers", "up", "down", "status", "ports", "addresses", "paths", "data"} {
		if !strings.Contains(string(out), "servers.sh "+verb+" ") {
			t.Errorf("the usage does not mention %q", verb)
		}
	}
}

// recorder is a test that records its outcome.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(string, ...any) {
	r.skipped = true
	runtime.Goexit()
}

func (r *recorder) Fatalf(string, ...any) {
	r.failed = true
	runtime.Goexit()
}

// outcome runs require in a test of its own.
func outcome(t *testing.T, addrs Addrs, name string) *recorder {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		addrs.require(r, name)
	}()
	<-done
	return r
}

func TestRequire(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addrs := Addrs{"UP": l.Addr().String(), "DOWN": closedAddr(t)}
	tests := []struct {
		name, service, env string
		skipped, failed    bool
	}{
		{"up", "UP", "", false, false},
		{"up and required", "UP", "require", false, false},
		{"down", "DOWN", "", true, false},
		{"down and required", "DOWN", "require", false, true},
		{"unknown", "OTHER", "", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("INTEROP", tt.env)
			r := outcome(t, addrs, tt.service)
			if r.skipped != tt.skipped || r.failed != tt.failed {
				t.Errorf("skipped %v, failed %v", r.skipped, r.failed)
			}
		})
	}
}

// closedAddr returns an address that refuses connections for the duration of the test: a socket is bound to the port
// but does not listen.
func closedAddr(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(name.(*syscall.SockaddrInet4).Port)).String()
}

// Each FTP server sends a greeting, with every kind of TLS.
func TestGreetings(t *testing.T) {
	tests := []struct {
		service string
		tls     bool
	}{{"FTP", false}, {"FTPS", true}, {"FTP_PRO", false}, {"FTP6", false}}
	for _, tt := range tests {
		t.Run(tt.service, func(t *testing.T) {
			conn, err := net.DialTimeout("tcp", Require(t, tt.service)[tt.service], dialTimeout)
			if err != nil {
				t.Fatal(err)
			}
			if tt.tls {
				conn = tls.Client(conn, &tls.Config{RootCAs: Pool(t), ServerName: "127.0.0.1"})
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "220 ") {
				t.Errorf("greeting %q, %v", line, err)
			}
		})
	}
}

func TestRootAndUpload(t *testing.T) {
	Require(t, "FTP")
	hello, err := os.ReadFile(filepath.Join(Root(t), "hello.txt"))
	if err != nil || string(hello) != "hello, world\n" {
		t.Errorf("hello.txt: %q, %v", hello, err)
	}
	var local string
	t.Run("folder", func(t *testing.T) {
		var remote string
		remote, local = Upload(t)
		if filepath.Join(Root(t), remote) != local {
			t.Errorf("remote %s, local %s", remote, local)
		}
		info, err := os.Stat(local)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o777 {
			t.Errorf("mode %v", info.Mode())
		}
	})
	if _, err := os.Stat(local); err == nil {
		t.Errorf("%s still exists after the test", local)
	}
}
