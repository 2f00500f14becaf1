package xmlrpc

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// mostNested bounds the depth of values that are sent.
const mostNested = 100

// ParseJSON reads an argument written as JSON: objects are structs, arrays arrays,
// numbers without fraction and exponent an int, or an i8 where 32 bits do not hold
// them, other numbers doubles, null is nil. An object with one key that begins
// with "$" is a value of that type: $dateTime, $base64, $double, $int, $i8,
// $boolean, $string, $bigdecimal, with its text. Errors are of kind Usage.
func ParseJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, badArgument(text, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, badArgument(text, fmt.Errorf("data after the value"))
	}
	v, err := fromJSON(v, 0)
	if err != nil {
		return nil, badArgument(text, err)
	}
	return v, nil
}

func badArgument(text string, err error) error {
	return protocols.UsageError(proto, "", fmt.Sprintf("argument %.200q: %v", text, err))
}

func fromJSON(v any, depth int) (any, error) {
	if depth > mostNested {
		return nil, fmt.Errorf("nested more than %d deep", mostNested)
	}
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return parseScalar("double", v.String())
		}
		return parseScalar("i8", v.String())
	case []any:
		for i, e := range v {
			var err error
			if v[i], err = fromJSON(e, depth+1); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		return objectFromJSON(v, depth)
	}
	return v, nil
}

func objectFromJSON(v map[string]any, depth int) (any, error) {
	for k, e := range v {
		if typ, ok := strings.CutPrefix(k, "$"); ok && len(v) == 1 {
			return ParseTyped(typ, fmt.Sprint(e))
		}
		var err error
		if v[k], err = fromJSON(e, depth+1); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// shortTypes are the names of types that are easier to write.
var shortTypes = map[string]string{"dateTime": "dateTime.iso8601", "datetime": "dateTime.iso8601", "bool": "boolean"}

// ParseTyped reads the text of a value of a type: string, int, i4, i8, double,
// boolean (or bool), base64, dateTime, nil, bigdecimal. The error says what is wrong.
func ParseTyped(typ, text string) (any, error) {
	if long, ok := shortTypes[typ]; ok {
		typ = long
	}
	return parseScalar(typ, text)
}
