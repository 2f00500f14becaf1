package socket

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/netclients/netclients/protocols"
)

// RawOption is one option of a socket as setsockopt(2) has it, with a number or,
// when Text is not empty, a text as value.
type RawOption struct {
	Level, Name, Value int
	Text               string
}

// ParseRawOption reads "LEVEL:NAME=VALUE", as in "tcp:USER_TIMEOUT=5000" or
// "socket:SO_PRIORITY=6". Levels and names may be numbers; the prefixes SO_, TCP_,
// IP_ and IPV6_ may be left out, and small letters do. A value that is not a number
// is a text. The error is of kind Usage; it is one too where the system's options
// are not known.
func ParseRawOption(s string) (o RawOption, err error) {
	where, value, ok := strings.Cut(s, "=")
	level, name, both := strings.Cut(where, ":")
	if !ok || !both {
		return o, protocols.UsageError("", "", "socket option: want LEVEL:NAME=VALUE, as tcp:USER_TIMEOUT=5000")
	}
	known, isName := rawLevels[strings.ToLower(level)]
	if o.Level = known.number; !isName {
		if o.Level, err = strconv.Atoi(level); err != nil {
			return o, protocols.UsageError("", "", fmt.Sprintf("socket option: no level %q; there are %s, and numbers", level, strings.Join(levelNames(), " ")))
		}
	}
	if o.Name, isName = known.names[strings.TrimPrefix(strings.ToUpper(name), known.prefix)]; !isName {
		if o.Name, err = strconv.Atoi(name); err != nil {
			return o, protocols.UsageError("", "", fmt.Sprintf("socket option: level %s has no option %q that is known; a number does", level, name))
		}
	}
	if o.Value, err = strconv.Atoi(value); err != nil {
		o.Text = value
	}
	return o, nil
}

// rawLevel is a level of setsockopt(2), with the names of its options.
type rawLevel struct {
	number int
	prefix string
	names  map[string]int
}

func levelNames() []string {
	var names []string
	for name := range rawLevels {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// applyRaw sets the options on a connection.
func applyRaw(options []RawOption, c net.Conn) error {
	s, ok := c.(syscall.Conn)
	if len(options) == 0 || !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	return control(options)("", "", raw)
}

// control sets the options on a socket that is not bound yet: some are of no use
// later.
func control(options []RawOption) func(_, _ string, raw syscall.RawConn) error {
	return func(_, _ string, raw syscall.RawConn) (err error) {
		cerr := raw.Control(func(fd uintptr) {
			for _, o := range options {
				if err = setRaw(fd, o); err != nil {
					err = protocols.UsageError("", "", fmt.Sprintf("socket option %d:%d: %v", o.Level, o.Name, err))
					return
				}
			}
		})
		if cerr != nil {
			return cerr
		}
		return err
	}
}
