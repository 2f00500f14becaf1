package kit

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

// Duration takes Go's form (4s, 500ms) or bare seconds (4, 0.5); never less than 0.
type Duration time.Duration

func (d *Duration) String() string {
	if *d == 0 {
		return "0"
	}
	s := time.Duration(*d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Type names the value in help texts.
func (d *Duration) Type() string { return "DURATION" }

func (d *Duration) Set(s string) error {
	v, err := ParseDuration(s)
	*d = Duration(v)
	return err
}

// ParseDuration reads what a [Duration] takes.
func ParseDuration(s string) (time.Duration, error) {
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
func (d Duration) orNone() time.Duration {
	if d == 0 {
		return -1
	}
	return time.Duration(d)
}

// Size takes bytes with k, M, G or T as suffix (powers of 1024; KiB and kB as well).
type Size int64

func (n *Size) String() string { return strconv.FormatInt(int64(*n), 10) }
func (n *Size) Type() string   { return "SIZE" }

func (n *Size) Set(s string) error {
	v, err := parseSize(s)
	*n = Size(v)
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

// Choice takes one of a few words.
type Choice struct {
	Value string
	Words []string
}

// OneOf returns a choice of words with a default.
func OneOf(def string, words ...string) Choice { return Choice{def, words} }

func (c *Choice) String() string { return c.Value }
func (c *Choice) Type() string   { return strings.Join(c.Words, "/") }

func (c *Choice) Set(s string) error {
	if !slices.Contains(c.Words, s) {
		return fmt.Errorf("want one of %s", strings.Join(c.Words, ", "))
	}
	c.Value = s
	return nil
}

// Count takes a whole number from 0 to most.
type Count struct{ Value, Most int }

// NewCount makes a count from 0 to most whose default is value.
func NewCount(value, most int) Count { return Count{value, most} }

func (c *Count) String() string { return strconv.Itoa(c.Value) }
func (c *Count) Type() string   { return "N" }

func (c *Count) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > c.Most {
		return fmt.Errorf("want a number from 0 to %d", c.Most)
	}
	c.Value = n
	return nil
}

// span is a range of bytes: "A-B" with B included, "A-" to the end, "A" one byte, "-N" the
// last N.
type span struct {
	Given       bool
	First, last int64 // last -1: to the end
	Tail        int64 // so many bytes at the end; 0: the range counts from the start
}

func (r *span) String() string {
	switch {
	case !r.Given:
		return ""
	case r.Tail > 0:
		return fmt.Sprintf("-%d", r.Tail)
	case r.last < 0:
		return fmt.Sprintf("%d-", r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.last)
}

func (r *span) Type() string { return "A-B" }

func (r *span) Set(s string) error {
	bad := fmt.Errorf("want bytes as 0-499 or 500-, or -500 for the last ones")
	a, b, dash := strings.Cut(s, "-")
	if a == "" && dash {
		n, err := strconv.ParseUint(b, 10, 63)
		if err != nil || n == 0 {
			return bad
		}
		*r = span{Given: true, last: -1, Tail: int64(n)}
		return nil
	}
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
	*r = span{Given: true, First: int64(first), last: last}
	return nil
}

// Length returns how many bytes the range has, 0 for all that is left.
func (r *span) Length() int64 {
	if !r.Given || r.last < 0 {
		return 0
	}
	return r.last - r.First + 1
}

// pins collects fingerprints: 64 hex digits (colons allowed) or sha256//BASE64.
type pins [][]byte

func (p *pins) String() string {
	if len(*p) == 0 {
		return ""
	}
	return hex.EncodeToString((*p)[len(*p)-1])
}

func (p *pins) Type() string { return "SHA256" }

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
	text   string // that was set last
	decode func(fields []string) (key, value string, ok bool)
}

func (h *hostMap) String() string { return h.text }
func (h *hostMap) Type() string   { return h.form }

func (h *hostMap) Set(s string) error {
	key, value, ok := h.decode(colonFields(s))
	if !ok {
		return fmt.Errorf("want %s, IPv6 addresses in brackets", h.form)
	}
	if h.m == nil {
		h.m = map[string]string{}
	}
	h.m[key], h.text = value, s
	return nil
}

func resolveFields(f []string) (key, value string, ok bool) {
	if len(f) != 3 || f[0] == "" || !isPort(f[1]) || !areIPs(f[2]) {
		return "", "", false
	}
	return net.JoinHostPort(strings.ToLower(f[0]), f[1]), strings.NewReplacer("[", "", "]", "").Replace(f[2]), true
}

// areIPs reports whether a text is an IP address, or several with commas between; those
// of IPv6 may have brackets.
func areIPs(text string) bool {
	for one := range strings.SplitSeq(text, ",") {
		if inner, ok := strings.CutPrefix(one, "["); ok {
			one, ok = strings.CutSuffix(inner, "]")
			if !ok {
				return false
			}
		}
		if net.ParseIP(one) == nil {
			return false
		}
	}
	return true
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
		if len(out) == 2 && areIPs(s) {
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

// Variables reads --env: only what the user names is ever told to a server.
func Variables(list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, item := range list {
		name, value, given := strings.Cut(item, "=")
		if !given {
			value = os.Getenv(name)
		}
		if name == "" {
			return nil, Usage("--env: want NAME or NAME=VALUE")
		}
		m[name] = value
	}
	return m, nil
}

// Optional is a text that may be given as empty.
type Optional struct{ Value *string }

func (o *Optional) String() string { return "" }

func (o *Optional) Type() string { return "TEXT" }

func (o *Optional) Set(s string) error { o.Value = &s; return nil }

// jsonFlag is --json: a yes or no, or the keys that are wanted of each object.
type jsonFlag struct{ g *Globals }

func (f jsonFlag) String() string {
	if f.g == nil {
		return "false"
	}
	if f.g.keys != nil {
		return strings.Join(f.g.keys, ",")
	}
	return strconv.FormatBool(f.g.JSON)
}

// Type is that of a yes or no: the keys come after a = only.
func (f jsonFlag) Type() string { return "bool" }

func (f jsonFlag) Set(s string) error {
	f.g.keys = nil
	if yes, err := strconv.ParseBool(s); err == nil {
		f.g.JSON = yes
		return nil
	}
	for key := range strings.SplitSeq(s, ",") {
		if key = strings.TrimSpace(key); key == "" {
			return fmt.Errorf("want true, false or names of keys with commas between, such as name,size")
		}
		f.g.keys = append(f.g.keys, key)
	}
	f.g.JSON = true
	return nil
}
