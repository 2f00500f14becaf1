package secret

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/zalando/go-keyring"
)

// Where passwords stand in the system keyring: service keyringService, user
// "scheme://user@host:port".
const (
	keyringService = "netclients"
	keyringWait    = 3 * time.Second
)

// fromKeyring asks the system keyring for the password of the user who is known.
// An error of the keyring is not a reason to fail: the next source may do.
func (s *search) fromKeyring() error {
	get := s.keyringGetter()
	if get == nil || s.cred.User == "" || s.cred.Token != "" || s.req.Host == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, keyringWait)
	defer cancel()
	password, err := within(ctx, func() (string, error) {
		for _, entry := range s.keyringUsers() {
			if password, err := get(keyringService, entry); err == nil {
				return password, nil
			}
		}
		return "", keyring.ErrNotFound
	})
	switch {
	case err == nil:
		s.password(password)
	case s.ctx.Err() != nil:
		return s.ctx.Err()
	case ctx.Err() != nil:
		s.warn(fmt.Sprintf("the system keyring did not answer within %v; NETCLIENTS_KEYRING=off leaves it out", keyringWait))
	}
	return nil
}

// keyringUsers names the entries that may be used: "scheme://user@host:port", or
// without the port where it is the scheme's own. A password goes to no other server.
func (s *search) keyringUsers() []string {
	name := s.req.Scheme + "://" + s.cred.User + "@"
	host := strings.ToLower(s.req.Host)
	if s.req.Port == "" {
		return []string{name + host}
	}
	names := []string{name + net.JoinHostPort(host, s.req.Port)}
	if s.req.Proxy || s.req.Port == s.DefaultPort {
		names = append(names, name+host)
	}
	return names
}

// keyringGetter returns how to ask the keyring, nil when it must not be asked.
func (s *search) keyringGetter() func(service, user string) (string, error) {
	switch {
	case strings.EqualFold(s.Getenv("NETCLIENTS_KEYRING"), "off"):
		return nil
	case s.KeyringGet != nil:
		return s.KeyringGet
	case keyringReachable(s.Getenv):
		return keyring.Get
	}
	return nil
}

// keyringReachable: without a session bus, as in cron, the library would start
// one and wait for a desktop that is not there.
func keyringReachable(getenv func(string) string) bool {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return true
	}
	if bus := getenv("DBUS_SESSION_BUS_ADDRESS"); bus != "" {
		return strings.HasPrefix(bus, "unix:") || strings.HasPrefix(bus, "tcp:")
	}
	dir := getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return false
	}
	info, err := os.Stat(dir + "/bus")
	return err == nil && info.Mode().Type() == fs.ModeSocket
}

// within runs a call that knows no context. The library cannot be interrupted:
// a call that is given up ends when the keyring answers, and is then dropped.
func within(ctx context.Context, call func() (string, error)) (string, error) {
	type result struct {
		secret string
		err    error
	}
	done := make(chan result, 1)
	go func() {
		secret, err := call()
		done <- result{secret, err}
	}()
	select {
	case r := <-done:
		return r.secret, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
