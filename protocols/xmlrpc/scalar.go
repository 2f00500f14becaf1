package xmlrpc

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// scalars reads the texts of the types without parts: those of the specification,
// and those of the Apache extensions, with or without "ex:".
var scalars = map[string]func(text string) (any, error){
	"string":           func(s string) (any, error) { return s, nil },
	"int":              whole(64), // 32 by the specification; servers write what they have
	"i4":               whole(32),
	"i1":               whole(8),
	"i2":               whole(16),
	"i8":               whole(64),
	"biginteger":       bigInteger,
	"double":           double,
	"float":            double,
	"bigdecimal":       decimal,
	"boolean":          boolean,
	"base64":           base64Text,
	"dateTime.iso8601": func(s string) (any, error) { return DateTime(strings.TrimSpace(s)), nil },
	"nil":              func(string) (any, error) { return nil, nil },
}

func parseScalar(typ, text string) (any, error) {
	read := scalars[typ]
	if read == nil {
		return nil, fmt.Errorf("unknown type %.40q", typ)
	}
	v, err := read(text)
	if err != nil {
		return nil, fmt.Errorf("%.40q is not a valid %s: %w", text, typ, err)
	}
	return v, nil
}

// reason drops what strconv repeats.
func reason(err error) error {
	if e, ok := errors.AsType[*strconv.NumError](err); ok {
		return e.Err
	}
	return err
}

func whole(bits int) func(string) (any, error) {
	return func(s string) (any, error) {
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, bits)
		if err != nil {
			return nil, reason(err)
		}
		return n, nil
	}
}

// mostDigits bounds numbers of any length.
const mostDigits = 10_000

func bigInteger(s string) (any, error) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	if len(s) > mostDigits {
		return nil, errors.New("too long")
	}
	if _, ok := new(big.Int).SetString(s, 10); !ok {
		return nil, strconv.ErrSyntax
	}
	return Decimal(s), nil
}

func double(s string) (any, error) {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, "xX_pP") {
		return nil, strconv.ErrSyntax
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, reason(err)
	}
	return f, nil
}

func decimal(s string) (any, error) {
	s = strings.TrimSpace(s)
	if len(s) > mostDigits || s == "" || strings.Trim(s, "+-0123456789.eE") != "" {
		return nil, strconv.ErrSyntax
	}
	return Decimal(s), nil
}

// boolean: "1" and "0" by the specification, words by some servers.
func boolean(s string) (any, error) {
	switch strings.TrimSpace(s) {
	case "1", "true":
		return true, nil
	case "0", "false":
		return false, nil
	}
	return nil, strconv.ErrSyntax
}

// base64Text: lines and blanks are allowed between the characters.
func base64Text(s string) (any, error) {
	b, err := base64.StdEncoding.DecodeString(withoutBlanks(s))
	if err != nil {
		return nil, errors.New("broken base64")
	}
	return b, nil
}

func withoutBlanks(s string) string { return strings.Join(strings.Fields(s), "") }
