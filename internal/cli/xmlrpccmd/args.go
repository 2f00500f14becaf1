package xmlrpccmd

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols/xmlrpc"
)

// argument reads one argument: JSON, "type:text" with the name of a type, where
// "type:@FILE" takes the text, or the bytes of base64, from a file, or a word.
func argument(e *kit.Env, text string) (any, error) {
	typ, rest, ok := strings.Cut(text, ":")
	if !ok || !slices.Contains(argumentTypes, typ) {
		if json.Valid([]byte(text)) || meantAsJSON(text) {
			return xmlrpc.ParseJSON(text)
		}
		return text, nil
	}
	name, isFile := strings.CutPrefix(rest, "@")
	if isFile {
		b, err := readWhole(e, name)
		if err != nil || typ == "base64" {
			return b, err
		}
		rest = string(b)
	}
	if typ == "json" {
		return xmlrpc.ParseJSON(rest)
	}
	v, err := xmlrpc.ParseTyped(typ, rest)
	if err != nil {
		return nil, kit.Usage("xmlrpc: %v", err)
	}
	return v, nil
}

// meantAsJSON reports whether a word that is not JSON was meant to be: one that begins as
// an object or array of texts does and ends as one. It is an error, not a string.
func meantAsJSON(text string) bool {
	begins := strings.HasPrefix(text, `{"`) || strings.HasPrefix(text, `["`) || strings.HasPrefix(text, `[{`)
	return begins && text[len(text)-1] == text[0]+2 // the other bracket
}

// shielded marks words that begin with "-" and are arguments of a method, so that they are
// not taken for flags: numbers, and words whose first letter no flag has. low is how many
// words stand before them; -4 and -6 are flags up to there.
func shielded(low int) func(fs *pflag.FlagSet, args []string) []string {
	return func(fs *pflag.FlagSet, args []string) []string {
		out, words := slices.Clone(args), 0
		for i, a := range args {
			switch {
			case a == "--":
				return out
			case len(a) < 2 || a[0] != '-':
				words++
			case a[1] == '-':
			case fs.ShorthandLookup(a[1:2]) == nil || isNumber(a) && (len(a) > 2 || words >= low):
				out[i] = shield + a
			}
		}
		return out
	}
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// shield stands before a word that is not a flag; no word of a command line can hold it.
const shield = "\x00"

// readWhole reads a file whole, within the limit of an answer; - is standard input.
func readWhole(e *kit.Env, name string) ([]byte, error) {
	var b bytes.Buffer
	in := e.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			b.Grow(int(min(info.Size(), xmlrpc.DefaultMaxResponse)) + bytes.MinRead)
		}
		in = f
	}
	n, err := b.ReadFrom(io.LimitReader(in, xmlrpc.DefaultMaxResponse+1))
	if err == nil && n > xmlrpc.DefaultMaxResponse {
		err = kit.Usage("xmlrpc: %s has more than %s", name, show.HumanBytes(xmlrpc.DefaultMaxResponse))
	}
	return b.Bytes(), err
}

// argumentTypes are what may stand before an argument.
var argumentTypes = []string{"string", "int", "i4", "i8", "double", "bool", "boolean", "base64", "datetime", "dateTime", "nil", "bigdecimal", "biginteger", "json"}

func arguments(e *kit.Env, texts []string) ([]any, error) {
	var out []any
	for _, t := range texts {
		v, err := argument(e, strings.TrimPrefix(t, shield))
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
