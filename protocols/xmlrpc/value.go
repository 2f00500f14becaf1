package xmlrpc

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// DateTime is a dateTime.iso8601 as it stands in the XML, "19980717T14:08:55": by the
// specification without a time zone. Some servers write a zone or a fraction.
type DateTime string

// DateTimeOf returns the DateTime of t, in t's own zone, which gets lost.
func DateTimeOf(t time.Time) DateTime { return DateTime(t.Format("20060102T15:04:05")) }

// dateParts takes apart the ways in which servers write times: basic and extended form
// of ISO 8601, with or without time, fraction and zone.
var dateParts = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\d{4})-?(\d\d)-?(\d\d)(?:[Tt ](\d\d):?(\d\d):?(\d\d)(?:[.,](\d+))?(?: ?([Zz]|[+-]\d\d(?::?\d\d)?))?)?$`)
})

// Time reads the DateTime as one of UTC, unless it names a zone.
func (d DateTime) Time() (time.Time, error) {
	t, _, err := d.read()
	return t, err
}

// read returns the time, and its text in the extended form of ISO 8601 with the fraction
// and the zone that the server wrote, if any (RFC 3339 where it names a zone).
func (d DateTime) read() (t time.Time, text string, err error) {
	part := dateParts().FindStringSubmatch(strings.TrimSpace(string(d)))
	if part == nil {
		return t, "", fmt.Errorf("%.40q is not a date and time of ISO 8601", string(d))
	}
	clock := "00:00:00"
	if part[4] != "" {
		clock = part[4] + ":" + part[5] + ":" + part[6]
	}
	if part[7] != "" {
		clock += "." + part[7]
	}
	zone := strings.ToUpper(strings.ReplaceAll(part[8], ":", ""))
	switch len(zone) {
	case 3: // hours alone
		zone += ":00"
	case 5:
		zone = zone[:3] + ":" + zone[3:]
	}
	text = part[1] + "-" + part[2] + "-" + part[3] + "T" + clock
	t, err = time.Parse(time.RFC3339Nano, text+cmp.Or(zone, "Z"))
	return t, text + zone, err
}

// Decimal is an exact number of the Apache extensions, a bigdecimal, or a
// biginteger that 64 bits do not hold, as digits.
type Decimal string

// Call is one call.
type Call struct {
	Method string
	Params []any
}

// Result is what became of one call of several.
type Result struct {
	Value any
	Fault *Fault // nil: it worked
}

// Fault is the error that a method returns instead of a value.
type Fault struct {
	Code   int64
	Word   string // the code of servers that give a text in place of a number
	String string
}

// Error returns the server's words, and its code where that is one too.
func (f *Fault) Error() string {
	if f.Word != "" {
		return f.Word + ": " + f.String
	}
	return f.String
}

// Agreed fault codes (Specification for Fault Code Interoperability, 2001).
const (
	CodeNotWellFormed       = -32700
	CodeUnsupportedEncoding = -32701
	CodeInvalidCharacter    = -32702
	CodeInvalidXMLRPC       = -32600
	CodeMethodNotFound      = -32601
	CodeInvalidParams       = -32602
	CodeInternalError       = -32603
	CodeApplicationError    = -32500
	CodeSystemError         = -32400
	CodeTransportError      = -32300
)

// mostExact is the largest whole number that every reader of JSON keeps.
const mostExact = 1 << 53

// JSON returns a value as what encoding/json writes: times as text in the usual
// form, with the fraction and the zone that the server wrote, base64 as text, whole numbers beyond 2^53, exact decimals and what is no
// number as text. With typed all that JSON has no type for stands in an object
// that [ParseJSON] takes back: {"$dateTime":"19980717T14:08:55"}.
func JSON(v any, typed bool) any {
	tag := func(name string, text string, plain any) any {
		if typed {
			return map[string]any{name: text}
		}
		return plain
	}
	switch v := v.(type) {
	case int64:
		if v > mostExact || v < -mostExact {
			text := strconv.FormatInt(v, 10)
			return tag("$i8", text, text)
		}
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return tag("$double", text, text)
		}
		if typed && v == math.Trunc(v) {
			return map[string]any{"$double": text}
		}
		return json.Number(text)
	case DateTime:
		plain := string(v)
		if _, text, err := v.read(); err == nil {
			plain = text
		}
		return tag("$dateTime", string(v), plain)
	case []byte:
		text := base64.StdEncoding.EncodeToString(v)
		return tag("$base64", text, text)
	case Decimal:
		return tag("$bigdecimal", string(v), string(v))
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = JSON(e, typed)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = JSON(e, typed)
		}
		return out
	}
	return v
}
