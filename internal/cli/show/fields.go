package show

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// chosen are the keys that --json=K1,K2 leaves of each object.
type chosen []string

// line returns an object with the chosen keys only, in the order in which they were
// asked for; nil when it has none of them, as the summary of a sync when keys of its
// files are wanted.
func (c chosen) line(object []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(object, &all); err != nil {
		return nil, err
	}
	var parts [][]byte
	for _, key := range c {
		value, has := all[key]
		if !has {
			continue
		}
		name, err := Marshal(key)
		if err != nil {
			return nil, err
		}
		parts = append(parts, fmt.Appendf(nil, "%s:%s", bytes.TrimSpace(name), value))
	}
	if parts == nil {
		return nil, nil
	}
	return fmt.Appendf(nil, "{%s}\n", bytes.Join(parts, []byte(","))), nil
}

// decoded reads a line of JSON; numbers keep all their digits.
func decoded(line []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if err = dec.Decode(&v); errors.Is(err, io.EOF) {
		err = nil
	}
	return v, err
}
