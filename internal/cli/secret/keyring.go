package secret

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/zalando/go-keyring"
)

// Where passwords stand in the system keyring: service keyringService, user
// "protocol://user@host".
const (
	keyringService = "netclients"
	keyringWait    = 3 * time.Second
)

// fromKeyring asks the system keyring for the password of the user who is known.
// An error of the keyring is no reason to fail: the next source may do.
func (s *search) fromKeyring() error {
	get := s.keyringGetter()
	if get == nil || s.cred.User == "" || s.cred.Token != "" || s.req.Host == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, keyringWait)
	defer cancel()
	password, err := within(ctx, func() (string, error) {
		return get(keyringService, keyringUser(s.req.Protocol, s.cred.User, s.req.Host))
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

// keyringUser names an entry: one password for each protocol, user and host.
func keyringUser(protocol, user, host string) string {
	return protocol + "://" + user + "@" + strings.ToLower(host)
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
