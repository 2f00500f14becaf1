package mailtls

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/transport"
)

// The modes of a policy (RFC 8461 5).
const (
	modeEnforce = "enforce"
	modeTesting = "testing"
	modeNone    = "none"
)

const (
	maxPolicy = 64 << 10                               // of its text (RFC 8461 3.3)
	maxHosts  = 1000                                   // that it may name
	longest   = 31_557_600 * time.Second               // how long it is kept at most (RFC 8461 3.2)
	idLetters = "0123456789abcdefghijklmnopqrstuvwxyz" // of an id, in either case
)

// Policy is what a domain asks of those who send it mail.
type Policy struct {
	ID     string        `json:"id"` // of the TXT record that announced it
	Mode   string        `json:"mode"`
	MX     []string      `json:"mx,omitempty"`
	MaxAge time.Duration `json:"max_age"`
	Until  time.Time     `json:"until"`
}

// policyID reads the TXT records at _mta-sts.DOMAIN: the id of the one record, or empty
// where there is not exactly one that is right (RFC 8461 3.1).
func policyID(texts []string) string {
	texts = slices.DeleteFunc(slices.Clone(texts), func(s string) bool {
		version, _, _ := strings.Cut(s, ";")
		return strings.TrimSpace(version) != "v=STSv1"
	})
	if len(texts) != 1 {
		return ""
	}
	for field := range strings.SplitSeq(texts[0], ";") {
		key, value, _ := strings.Cut(field, "=")
		if strings.TrimSpace(key) != "id" {
			continue
		}
		id := strings.TrimSpace(value)
		if len(id) <= 32 && strings.Trim(strings.ToLower(id), idLetters) == "" {
			return id
		}
	}
	return ""
}

// parsePolicy reads the text of a policy (RFC 8461 3.2). Keys that are not known are left
// out; of those that stand twice, but for mx, the first counts.
func parsePolicy(text []byte) (*Policy, error) {
	p, seen := &Policy{}, map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch _, twice := seen[key]; {
		case !ok:
		case key == "mx" && len(p.MX) < maxHosts:
			p.MX = append(p.MX, strings.ToLower(strings.TrimSuffix(value, ".")))
		case !twice:
			seen[key] = value
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	p.Mode = seen["mode"]
	seconds, err := strconv.ParseUint(seen["max_age"], 10, 63)
	switch {
	case seen["version"] != "STSv1":
		return nil, fmt.Errorf("its version is %q, not STSv1", seen["version"])
	case !slices.Contains([]string{modeEnforce, modeTesting, modeNone}, p.Mode):
		return nil, fmt.Errorf("its mode is %q, not enforce, testing or none", p.Mode)
	case err != nil:
		return nil, fmt.Errorf("its max_age is %q, not a number of seconds", seen["max_age"])
	case len(p.MX) == 0 && p.Mode != modeNone:
		return nil, errors.New("it names no host (mx)")
	}
	p.MaxAge = time.Duration(min(seconds, uint64(longest/time.Second))) * time.Second
	return p, nil
}

// allows reports whether a host may take mail of the domain: it, or *. and its name
// without the first label, is in the policy (RFC 8461 4.1).
func (p *Policy) allows(host string) bool {
	host, err := transport.Host(host)
	if err != nil {
		return false
	}
	_, above, _ := strings.Cut(host, ".")
	return slices.ContainsFunc(p.MX, func(pattern string) bool {
		return pattern == host || above != "" && pattern == "*."+above
	})
}
