package xmlrpc

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/netclients/netclients/protocols"
)

// tailRoom is room for what stands after a large value, which would else be copied for it.
const tailRoom = 1 << 10

const xmlHead = "<?xml version=\"1.0\"?>\n"

// AppendCall appends the XML of a call to dst. Values are nil, bool, int, int32,
// int64, float64, string, []byte, [DateTime], [time.Time], [Decimal], []any,
// []string and map[string]any, nested not too deep, and of a program's own types
// what comes down to these: structs go by the names of their fields or their tags
// (`xmlrpc:"name"`). Errors are of kind Usage.
func AppendCall(dst []byte, method string, params []any) (doc []byte, err error) {
	defer recovered(&err)
	if method == "" {
		return nil, protocols.UsageError(proto, "", "no name of a method")
	}
	dst = append(dst, xmlHead+"<methodCall><methodName>"...)
	if dst, err = appendText(dst, method); err != nil {
		return nil, encodeError(err)
	}
	dst = append(dst, "</methodName><params>"...)
	for _, p := range params {
		if dst, err = appendParam(dst, p); err != nil {
			return nil, err
		}
	}
	return append(dst, "</params></methodCall>\n"...), nil
}

// AppendResponse appends the XML of the response that returns v, whose types are those
// of [AppendCall].
func AppendResponse(dst []byte, v any) (doc []byte, err error) {
	defer recovered(&err)
	dst, err = appendParam(append(dst, xmlHead+"<methodResponse><params>"...), v)
	return append(dst, "</params></methodResponse>\n"...), err
}

// AppendFault appends the XML of the answer that is a fault.
func AppendFault(dst []byte, f *Fault) ([]byte, error) {
	dst, err := appendValue(append(dst, xmlHead+"<methodResponse><fault>"...), f.value(), 0)
	if err != nil {
		return nil, encodeError(err)
	}
	return append(dst, "</fault></methodResponse>\n"...), nil
}

// value returns the struct that a fault is.
func (f *Fault) value() map[string]any {
	var code any = f.Code
	if f.Word != "" {
		code = f.Word
	}
	return map[string]any{"faultCode": code, "faultString": f.String}
}

func appendParam(dst []byte, v any) ([]byte, error) {
	dst, err := appendValue(append(dst, "<param>"...), v, 0)
	if err != nil {
		return nil, encodeError(err)
	}
	return append(dst, "</param>"...), nil
}

func encodeError(err error) error { return protocols.UsageError(proto, "", err.Error()) }

func appendValue(dst []byte, v any, depth int) ([]byte, error) {
	if depth > mostNested {
		return nil, fmt.Errorf("values nested more than %d deep", mostNested)
	}
	dst = append(dst, "<value>"...)
	dst, err := appendTyped(dst, v, depth)
	return append(dst, "</value>"...), err
}

func appendTyped(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "<nil/>"...), nil
	case string:
		dst = append(dst, "<string>"...)
		dst, err := appendText(dst, v)
		return append(dst, "</string>"...), err
	case bool:
		if v {
			return append(dst, "<boolean>1</boolean>"...), nil
		}
		return append(dst, "<boolean>0</boolean>"...), nil
	case int:
		return appendInt(dst, int64(v)), nil
	case int32:
		return appendInt(dst, int64(v)), nil
	case int64:
		return appendInt(dst, v), nil
	case float64:
		return appendDouble(dst, v)
	case []byte:
		dst = slices.Grow(dst, base64.StdEncoding.EncodedLen(len(v))+tailRoom)
		dst = append(dst, "<base64>"...)
		dst = base64.StdEncoding.AppendEncode(dst, v)
		return append(dst, "</base64>"...), nil
	case time.Time:
		return appendTyped(dst, DateTimeOf(v), depth)
	case DateTime:
		dst = append(dst, "<dateTime.iso8601>"...)
		dst, err := appendText(dst, string(v))
		return append(dst, "</dateTime.iso8601>"...), err
	case Decimal:
		dst = append(dst, `<ex:bigdecimal xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions">`...)
		dst, err := appendText(dst, string(v))
		return append(dst, "</ex:bigdecimal>"...), err
	case []string:
		return appendArray(dst, len(v), func(dst []byte, i int) ([]byte, error) { return appendValue(dst, v[i], depth+1) })
	case []any:
		return appendArray(dst, len(v), func(dst []byte, i int) ([]byte, error) { return appendValue(dst, v[i], depth+1) })
	case map[string]any:
		return appendStruct(dst, v, depth)
	}
	return appendOther(dst, reflect.ValueOf(v), depth)
}

// appendInt writes an int, or the i8 of the extensions where 32 bits do not hold it.
func appendInt(dst []byte, n int64) []byte {
	tag := "int>"
	if n > math.MaxInt32 || n < math.MinInt32 {
		tag = "i8>"
	}
	dst = append(append(dst, '<'), tag...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(append(dst, "</"...), tag...)
}

func appendDouble(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%v cannot be sent as a double", f)
	}
	dst = append(dst, "<double>"...)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64) // the specification has no exponents
	return append(dst, "</double>"...), nil
}

func appendArray(dst []byte, n int, each func([]byte, int) ([]byte, error)) ([]byte, error) {
	dst = append(dst, "<array><data>"...)
	for i := range n {
		var err error
		if dst, err = each(dst, i); err != nil {
			return nil, err
		}
	}
	return append(dst, "</data></array>"...), nil
}

func appendStruct(dst []byte, v map[string]any, depth int) ([]byte, error) {
	dst = append(dst, "<struct>"...)
	for _, k := range slices.Sorted(maps.Keys(v)) {
		dst = append(dst, "<member><name>"...)
		var err error
		if dst, err = appendText(dst, k); err != nil {
			return nil, err
		}
		dst = append(dst, "</name>"...)
		if dst, err = appendValue(dst, v[k], depth+1); err != nil {
			return nil, err
		}
		dst = append(dst, "</member>"...)
	}
	return append(dst, "</struct>"...), nil
}

// escapes are what stands for a character in a text. A carriage return would else
// be read as a line feed (XML 1.0 2.11).
var escapes = map[byte]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#13;"}

// appendText writes text; what XML 1.0 2.2 has no place for is an error.
func appendText(dst []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%.80q is not UTF-8; send it as base64", s)
	}
	if strings.Contains(s, "\ufffe") || strings.Contains(s, "\uffff") {
		return nil, fmt.Errorf("%.80q contains a character not allowed in XML", s)
	}
	from := 0
	for i := range len(s) {
		ch := s[i]
		if ch >= 0x20 && ch != '&' && ch != '<' && ch != '>' || ch == '\t' || ch == '\n' {
			continue
		}
		e, ok := escapes[ch]
		if !ok {
			return nil, fmt.Errorf("%.80q contains a control character, which XML does not allow; send it as base64", s)
		}
		dst = append(append(dst, s[from:i]...), e...)
		from = i + 1
	}
	return append(dst, s[from:]...), nil
}
