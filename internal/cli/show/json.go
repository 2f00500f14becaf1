package show

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/netclients/netclients/protocols"
)

// Marshal returns v as JSON with its line end. HTML is not escaped; what could
// reach a terminal as a command or reorder text is.
func Marshal(v any) ([]byte, error) {
	if m, ok := v.(json.Marshaler); ok { // as it is, without the encoder's second pass over it
		line, err := m.MarshalJSON()
		return escaped(append(bytes.TrimRight(line, "\n"), '\n')), err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return escaped(b.Bytes()), nil
}

// escaped writes the characters that safe would replace as \uXXXX. In JSON that
// is above ASCII they stand inside of strings only.
func escaped(line []byte) []byte {
	if plain(line[:max(len(line)-1, 0)]) {
		return line
	}
	out := make([]byte, 0, len(line)+16)
	for _, r := range string(line) {
		switch {
		case r < 0x7f || r == utf8.RuneError || harmless(r) == r:
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, "\\u%04x\\u%04x", hi, lo)
		default:
			out = fmt.Appendf(out, "\\u%04x", r)
		}
	}
	return out
}

// filter is a compiled --jq program. Like the jq command it may look at the
// results one by one; it can read no file and no environment.
type filter struct{ code *gojq.Code }

func newFilter(expr string) (*filter, error) {
	q, err := gojq.Parse(expr)
	if err != nil {
		return nil, protocols.UsageError("", "", fmt.Sprintf("--jq: %v", err))
	}
	code, err := gojq.Compile(q)
	if err != nil {
		return nil, protocols.UsageError("", "", fmt.Sprintf("--jq: %v", err))
	}
	return &filter{code}, nil
}

// run puts one JSON object through the program and returns each result to out.
func (f *filter) run(line []byte, out func(any) error) error {
	v, err := decoded(line)
	if err != nil {
		return err
	}
	for it := f.code.Run(v); ; {
		r, ok := it.Next()
		if !ok {
			return nil
		}
		if err, bad := r.(error); bad {
			if halt, ok := errors.AsType[*gojq.HaltError](err); ok && halt.Value() == nil {
				return nil
			}
			return protocols.UsageError("", "", fmt.Sprintf("--jq: %v", err))
		}
		if err := out(r); err != nil {
			return err
		}
	}
}
