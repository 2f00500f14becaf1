package show

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Pretty returns a JSON text indented and coloured, with its keys in the order given;
// false for what is not JSON. Control characters are made harmless.
func Pretty(paint Painter, text []byte) (string, bool) {
	var b bytes.Buffer
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' || json.Indent(&b, trimmed, "", "  ") != nil {
		return "", false
	}
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		lines[i] = prettyLine(paint, Safe(line))
	}
	return strings.Join(lines, "\n"), true
}

// prettyLine colours one line of indented JSON: a key and a value at most.
func prettyLine(paint Painter, line string) string {
	rest := strings.TrimLeft(line, " ")
	out := line[:len(line)-len(rest)]
	if key := stringAt(rest); key != "" && strings.HasPrefix(rest[len(key):], ": ") {
		out += paint.As(Cyan, key) + ": "
		rest = rest[len(key)+2:]
	}
	value := strings.TrimSuffix(rest, ",")
	switch {
	case value == "" || strings.ContainsAny(value[:1], "{}[]"):
	case value[0] == '"':
		return out + paint.As(Green, value) + rest[len(value):]
	default:
		return out + paint.As(blue, value) + rest[len(value):]
	}
	return out + rest
}

// stringAt returns the JSON string that a text begins with, or nothing.
func stringAt(s string) string {
	if !strings.HasPrefix(s, `"`) {
		return ""
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i+1]
		}
	}
	return ""
}
