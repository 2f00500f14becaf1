package cli

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The types of flag values. Each is a pflag.Value: text in, checked value out,
// and an error that says what would be right.

// duration takes Go's form (4s, 500ms) or bare seconds (4, 0.5); never less than 0.
type duration time.Duration

func (d *duration) String() string {
	if *d == 0 {
		return "0"
	}
	return time.Duration(*d).String()
}

func (d *duration) Type() string { return "duration" }

func (d *duration) Set(s string) error {
	v, err := parseDuration(s)
	*d = duration(v)
	return err
}

func parseDuration(s string) (time.Duration, error) {
	if sec, err := strconv.ParseFloat(s, 64); err == nil {
		if !(sec >= 0 && sec < math.MaxInt64/1e9) {
			return 0, fmt.Errorf("must be between 0 and 292 years")
		}
		return time.Duration(sec * 1e9), nil
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("want a time such as 4s, 500ms, 2m or 10 (seconds)")
	}
	if v < 0 {
		return 0, fmt.Errorf("must not be negative")
	}
	return v, nil
}

// orNone returns the value for an option whose zero means its default: what the
// user wrote as 0 is "none", which is negative there.
func (d duration) orNone() time.Duration {
	if d == 0 {
		return -1
	}
	return time.Duration(d)
}

// size takes bytes with k, M, G or T behind (powers of 1024; KiB and kB as well).
type size int64

func (n *size) String() string { return strconv.FormatInt(int64(*n), 10) }
func (n *size) Type() string   { return "size" }

func (n *size) Set(s string) error {
	v, err := parseSize(s)
	*n = size(v)
	return err
}

func parseSize(s string) (int64, error) {
	num := strings.TrimRight(s, "kKmMgGtTiIbB")
	shift, ok := sizeUnits[strings.ToLower(s[len(num):])]
	v, err := strconv.ParseFloat(num, 64)
	if !ok || err != nil || math.IsNaN(v) {
		return 0, fmt.Errorf("want a size such as 4096, 64k, 1.5M or 2GiB")
	}
	if v < 0 {
		return 0, fmt.Errorf("must not be negative")
	}
	if n, err := strconv.ParseInt(num, 10, 64); err == nil && n <= math.MaxInt64>>shift {
		return n << shift, nil
	}
	if v *= float64(int64(1) << shift); v >= math.MaxInt64 {
		return 0, fmt.Errorf("too large")
	}
	return int64(v), nil
}

var sizeUnits = map[string]int{
	"": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20,
	"g": 30, "gb": 30, "gib": 30, "t": 40, "tb": 40, "tib": 40,
}

// choice takes one of a few words.
type choice struct {
	value string
	words []string
}

func oneOf(def string, words ...string) choice { return choice{def, words} }

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.words, "/") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.words, s) {
		return fmt.Errorf("want one of %s", strings.Join(c.words, ", "))
	}
	c.value = s
	return nil
}

// count takes a whole number from 0 to most.
type count struct{ value, most int }

func (c *count) String() string { return strconv.Itoa(c.value) }
func (c *count) Type() string   { return "N" }

func (c *count) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > c.most {
		return fmt.Errorf("want a number from 0 to %d", c.most)
	}
	c.value = n
	return nil
}

// span is a range of bytes: "A-B" with B included, "A-" to the end, "A" one byte.
type span struct {
	set         bool
	first, last int64 // last -1: to the end
}

func (r *span) String() string {
	if !r.set {
		return ""
	}
	if r.last < 0 {
		return fmt.Sprintf("%d-", r.first)
	}
	return fmt.Sprintf("%d-%d", r.first, r.last)
}

func (r *span) Type() string { return "A-B" }

func (r *span) Set(s string) error {
	bad := fmt.Errorf("want bytes as 0-499 or 500-")
	a, b, dash := strings.Cut(s, "-")
	first, err := strconv.ParseUint(a, 10, 63)
	if err != nil {
		return bad
	}
	last := int64(-1)
	if !dash {
		last = int64(first)
	} else if b != "" {
		n, err := strconv.ParseUint(b, 10, 63)
		if err != nil || n < first || n == math.MaxInt64 {
			return bad
		}
		last = int64(n)
	}
	*r = span{true, int64(first), last}
	return nil
}

// length returns how many bytes the range has, 0 for all that is left.
func (r *span) length() int64 {
	if !r.set || r.last < 0 {
		return 0
	}
	return r.last - r.first + 1
}

// pins collects fingerprints: 64 hex digits (colons allowed) or sha256//BASE64.
type pins [][]byte

func (p *pins) String() string { return "" }
func (p *pins) Type() string   { return "SHA256" }

func (p *pins) Set(s string) error {
	var sum []byte
	var err error
	if b64, ok := strings.CutPrefix(s, "sha256//"); ok {
		sum, err = base64.StdEncoding.DecodeString(b64)
	} else {
		sum, err = hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	}
	if err != nil || len(sum) != 32 {
		return fmt.Errorf("want 64 hex digits, or sha256// and base64 of 32 bytes")
	}
	*p = append(*p, sum)
	return nil
}

// hostMap collects HOST:PORT:REST pairs with parts fields in all; IPv6 addresses
// stand in brackets. Keys are "host:port" in lower case.
type hostMap struct {
	m      map[string]string
	form   string
	decode func(fields []string) (key, value string, ok bool)
}

func (h *hostMap) String() string { return "" }
func (h *hostMap) Type() string   { return h.form }

func (h *hostMap) Set(s string) error {
	key, value, ok := h.decode(colonFields(s))
	if !ok {
		return fmt.Errorf("want %s, IPv6 addresses in brackets", h.form)
	}
	if h.m == nil {
		h.m = map[string]string{}
	}
	h.m[key] = value
	return nil
}

func resolveFields(f []string) (key, value string, ok bool) {
	if len(f) != 3 || f[0] == "" || !isPort(f[1]) || net.ParseIP(f[2]) == nil {
		return "", "", false
	}
	return net.JoinHostPort(strings.ToLower(f[0]), f[1]), f[2], true
}

func connectFields(f []string) (key, value string, ok bool) {
	if len(f) != 4 || f[0] == "" || !isPort(f[1]) {
		return "", "", false
	}
	host, port := f[2], f[3]
	if host == "" {
		host = f[0]
	}
	if port == "" {
		port = f[1]
	}
	return net.JoinHostPort(strings.ToLower(f[0]), f[1]), net.JoinHostPort(host, port), isPort(port)
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 && n < 65536
}

// colonFields splits at colons outside of brackets, and drops the brackets. An
// IPv6 address without them is taken where it comes third and last. It returns nil
// when a bracket stands alone.
func colonFields(s string) []string {
	var out []string
	for more := true; more; {
		if len(out) == 2 && net.ParseIP(s) != nil {
			return append(out, s)
		}
		var field string
		if inner, bracket := strings.CutPrefix(s, "["); bracket {
			var closed bool
			field, s, closed = strings.Cut(inner, "]")
			if !closed || s != "" && s[0] != ':' {
				return nil
			}
			more, s = s != "", strings.TrimPrefix(s, ":")
		} else {
			field, s, more = strings.Cut(s, ":")
		}
		out = append(out, field)
	}
	return out
}

// variables reads --env: only what the user names is ever told to a server.
func variables(list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, item := range list {
		name, value, given := strings.Cut(item, "=")
		if !given {
			value = os.Getenv(name)
		}
		if name == "" {
			return nil, usage("--env: want NAME or NAME=VALUE")
		}
		m[name] = value
	}
	return m, nil
}

// optional is a text that may be given as empty.
type optional struct{ value *string }

func (o *optional) String() string { return "" }

func (o *optional) Type() string { return "TEXT" }

func (o *optional) Set(s string) error { o.value = &s; return nil }
