// Package xmlrpccmd has the verbs that only XML-RPC has, and its flags.
package xmlrpccmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/httpcmd"
	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/xmlrpc"
)

// xmlrpcVerbs are the verbs that only XML-RPC has.
func Verbs() []*kit.Verb {
	x := &caller{}
	return []*kit.Verb{
		{
			Name: "call", Args: "URL METHOD [ARG...]", Short: "call a method; arguments are JSON, words that are no JSON are strings, TYPE:TEXT and TYPE:@FILE any type",
			Works: kit.Is[*xmlrpc.Client], Flags: x.callFlags, Words: shielded(4), Run: kit.On(x.call), // xmlrpc call URL METHOD
			Examples: []string{
				"xmlrpc call http://host/RPC2 add 1 2",
				`xmlrpc call http://host/RPC2 store '{"id":7,"when":{"$dateTime":"20240229T12:00:00"}}' base64:@photo.jpg`,
				"xmlrpc call http://host/RPC2 echo string:42 i8:7 datetime:20240229T12:00:00 bool:true nil: json:@big.json",
				"xmlrpc call -o photo.jpg http://host/RPC2 photo 7",
			},
		},
		{
			Name: "methods", Args: "URL", Short: "names of the server's methods (system.listMethods)",
			Works: kit.Is[*xmlrpc.Client], Run: kit.On(x.methods),
			Examples: []string{"xmlrpc methods http://host/RPC2"},
		},
		{
			Name: "help", Args: "URL [METHOD...]", Short: "what methods are for, all when none is named (system.methodHelp)",
			Works: kit.Is[*xmlrpc.Client], Run: kit.On(x.help),
			Examples: []string{"xmlrpc help http://host/RPC2 add"},
		},
		{
			Name: "signature", Args: "URL METHOD", Short: "types of a method, the result's first (system.methodSignature)",
			Works: kit.Is[*xmlrpc.Client], Run: kit.On(x.signature),
			Examples: []string{"xmlrpc signature http://host/RPC2 add"},
		},
		{
			Name: "multicall", Args: "URL [CALL...]", Short: "many calls in one request: JSON objects with method and params, else one a line on standard input",
			Works: kit.Is[*xmlrpc.Client], Flags: x.batchFlags, Run: kit.On(x.multicall),
			Examples: []string{
				`xmlrpc multicall http://host/RPC2 '{"method":"add","params":[1,2]}' '{"method":"echo","params":["x"]}'`,
				"xmlrpc multicall --one-by-one --batch calls.ndjson http://host/RPC2",
			},
		},
		{
			Name: "encode", Args: "METHOD [ARG...]", Short: "write the XML of a call",
			Works: kit.Is[*xmlrpc.Client], Words: shielded(3), Run: x.encode, // xmlrpc encode METHOD
			Examples: []string{"xmlrpc encode add 1 2"},
		},
		{
			Name: "decode", Args: "[FILE]", Short: "read the XML of an answer or a call, as JSON",
			Works: kit.Is[*xmlrpc.Client], Flags: x.flags, Run: x.decode,
			Examples: []string{"xmlrpc decode answer.xml"},
		},
	}
}

// caller holds the flags of calls.
type caller struct {
	typed    bool
	oneByOne bool
	batch    string
	file     string
}

func (x *caller) callFlags(fs *pflag.FlagSet) {
	x.flags(fs)
	fs.StringVarP(&x.file, "output", "o", "", "write the value, text or unpacked base64, to `FILE`; - is standard output")
}

func (x *caller) batchFlags(fs *pflag.FlagSet) {
	x.flags(fs)
	fs.BoolVar(&x.oneByOne, "one-by-one", false, "a request for each call, on one connection: for servers without system.multicall")
	fs.StringVar(&x.batch, "batch", "", "read the calls from `FILE`, or - for standard input")
}

func (x *caller) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&x.typed, "typed", false, `print types that JSON lacks as objects, as {"$dateTime":"..."}`)
}

// httpOnly are the flags of HTTP that say nothing to a call.
var httpOnly = []string{"compressed", "if-newer", "index-only", "no-robots"}

// xmlrpcFlags are the flags of HTTP, for the client that the calls go over, and
// those of the calls.
func Flags() *kit.Setup {
	below := httpcmd.Flags()
	s, plain := xmlrpc.Settings{}, false
	flags := kit.FlagsFor(func(fs *pflag.FlagSet) {
		all := pflag.NewFlagSet("", pflag.ContinueOnError)
		below.Flags(all)
		all.VisitAll(func(f *pflag.Flag) {
			if !slices.Contains(httpOnly, f.Name) {
				fs.AddFlag(f)
			}
		})
		s.MaxResponse = xmlrpc.DefaultMaxResponse
		fs.Var((*kit.Size)(&s.MaxResponse), "max-response", "most bytes of XML in an answer, unpacked")
		fs.StringVar(&s.Encoding, "encoding", "", "`CHARSET` of the requests (UTF-8 if not given)")
		fs.BoolVar(&s.GzipRequest, "gzip-request", false, "pack the requests with gzip")
		fs.BoolVar(&plain, "no-gzip", false, "do not ask for packed answers")
	}, func(c *xmlrpc.Client) error {
		h := c.HTTP()
		if err := below.Configure(h); err != nil {
			return err
		}
		h.Settings.Compressed = !plain
		c.Settings = s
		return nil
	})
	flags.Closed = true
	return flags.With(nil, []string{"account", "authzid", "alpn"}, below.Mechanisms)
}

// print writes a value: JSON, or the bare text of a string for people.
func (x *caller) print(o *show.Output, v any) error {
	out := xmlrpc.JSON(v, x.typed)
	if s, ok := out.(string); ok && !o.JSON {
		return o.Line(show.SafeLines(s))
	}
	if o.JSON {
		return o.Object(out)
	}
	b, err := show.Marshal(out)
	if err != nil {
		return err
	}
	var shown bytes.Buffer
	_ = json.Indent(&shown, bytes.TrimSpace(b), "", "  ") // it is JSON
	return o.Line(show.SafeLines(shown.String()))
}

func (x *caller) call(ctx context.Context, e *kit.Env, c *xmlrpc.Client, _ *protocols.Target, args []string) error {
	params, err := arguments(e, args[1:])
	if err != nil {
		return err
	}
	v, err := c.Call(ctx, args[0], params...)
	if err != nil {
		return err
	}
	if x.file != "" {
		return x.save(ctx, e, v)
	}
	return x.print(e.Out, v)
}

// save writes a text, or the bytes of base64, to the file of --output.
func (x *caller) save(ctx context.Context, e *kit.Env, v any) error {
	b, ok := v.([]byte)
	if s, isText := v.(string); isText {
		b, ok = []byte(s), true
	}
	switch {
	case !ok:
		return kit.Usage("xmlrpc call: --output takes a text or base64, and the value is neither")
	case x.file == "-":
		return e.Out.Write(b)
	}
	dir := file.New(filepath.Dir(x.file), nil)
	defer dir.Close()
	_, err := dir.Put(ctx, filepath.Base(x.file), bytes.NewReader(b), nil)
	return err
}

func (x *caller) methods(ctx context.Context, e *kit.Env, c *xmlrpc.Client, _ *protocols.Target, _ []string) error {
	var names []string
	err := e.Again(ctx, func() (err error) {
		names, err = c.Methods(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := e.Out.Record(map[string]string{"name": n}, func() string { return show.Safe(n) }); err != nil {
			return err
		}
	}
	return nil
}

func (x *caller) help(ctx context.Context, e *kit.Env, c *xmlrpc.Client, _ *protocols.Target, args []string) error {
	if len(args) == 0 {
		var err error
		if args, err = c.Methods(ctx); err != nil {
			return err
		}
	}
	for _, name := range args {
		text, err := c.Help(ctx, name)
		if err != nil {
			return err
		}
		err = e.Out.Record(map[string]string{"name": name, "help": text}, func() string {
			if len(args) == 1 {
				return show.SafeLines(text)
			}
			return strings.ReplaceAll(strings.TrimSpace(show.Safe(name)+"\n"+show.SafeLines(text)), "\n", "\n    ")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *caller) signature(ctx context.Context, e *kit.Env, c *xmlrpc.Client, _ *protocols.Target, args []string) error {
	all, err := c.Signatures(ctx, args[0])
	if err != nil {
		return err
	}
	if len(all) == 0 {
		e.Out.Say("netclients: the server does not tell the types of " + args[0])
	}
	for _, types := range all {
		record := struct {
			Name   string   `json:"name"`
			Result string   `json:"result"`
			Params []string `json:"params"`
		}{Name: args[0], Params: []string{}}
		if len(types) > 0 {
			record.Result, record.Params = types[0], types[1:]
		}
		err := e.Out.Record(record, func() string {
			return show.Safe(record.Result + " " + args[0] + "(" + strings.Join(record.Params, ", ") + ")")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// callJSON is a call of multicall.
type callJSON struct {
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

// mostCalls bounds the calls of one request.
const mostCalls = 100_000

// calls returns the calls of a stream of JSON objects as they come.
func calls(r io.Reader) iter.Seq2[xmlrpc.Call, error] {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	return func(yield func(xmlrpc.Call, error) bool) {
		for {
			var c callJSON
			err := d.Decode(&c)
			if err == io.EOF {
				return
			}
			call, err := c.call(err)
			if !yield(call, err) || err != nil {
				return
			}
		}
	}
}

func (c *callJSON) call(err error) (xmlrpc.Call, error) {
	if err != nil {
		return xmlrpc.Call{}, kit.Usage(`xmlrpc multicall: want {"method":"name","params":[...]}: %v`, err)
	}
	if c.Method == "" {
		return xmlrpc.Call{}, kit.Usage(`xmlrpc multicall: want {"method":"name","params":[...]}, a call has no method`)
	}
	call := xmlrpc.Call{Method: c.Method}
	for _, p := range c.Params {
		v, err := xmlrpc.ParseJSON(string(p))
		if err != nil {
			return call, err
		}
		call.Params = append(call.Params, v)
	}
	return call, nil
}

// input returns where calls are read from. The caller closes it.
func (x *caller) input(e *kit.Env, args []string) (io.ReadCloser, error) {
	switch {
	case len(args) > 0 && x.batch != "":
		return nil, kit.Usage("xmlrpc multicall: calls as arguments and --batch cannot be used together")
	case len(args) > 0:
		return io.NopCloser(strings.NewReader(strings.Join(args, "\n"))), nil
	case x.batch != "" && x.batch != "-":
		return os.Open(x.batch)
	}
	return io.NopCloser(e.Stdin), nil
}

func (x *caller) multicall(ctx context.Context, e *kit.Env, c *xmlrpc.Client, at *protocols.Target, args []string) error {
	in, err := x.input(e, args)
	if err != nil {
		return err
	}
	defer in.Close()
	if x.oneByOne {
		return x.singly(ctx, e, c, at, in)
	}
	var all []xmlrpc.Call
	for call, err := range calls(in) {
		if err == nil && len(all) == mostCalls {
			err = kit.Usage("xmlrpc multicall: more than %d calls", mostCalls)
		}
		if err != nil {
			return err
		}
		all = append(all, call)
	}
	results, err := c.Multicall(ctx, all)
	if err != nil {
		return err
	}
	var count kit.Tally
	for i, r := range results {
		if err := x.tell(e, at, &count, all[i].Method, r); err != nil {
			return err
		}
	}
	return count.Err()
}

// singly makes the calls one after the other. An error that is not a fault ends the work.
func (x *caller) singly(ctx context.Context, e *kit.Env, c *xmlrpc.Client, at *protocols.Target, in io.Reader) error {
	var count kit.Tally
	for call, err := range calls(in) {
		if err != nil {
			return err
		}
		var r xmlrpc.Result
		r.Value, err = c.Call(ctx, call.Method, call.Params...)
		if f, ok := errors.AsType[*xmlrpc.Fault](err); ok {
			r.Fault, err = f, nil
		}
		if err == nil {
			err = x.tell(e, at, &count, call.Method, r)
		}
		if err != nil {
			return err
		}
	}
	return count.Err()
}

// tell prints a result, and counts it.
func (x *caller) tell(e *kit.Env, at *protocols.Target, count *kit.Tally, method string, r xmlrpc.Result) error {
	var failed error
	if r.Fault != nil {
		failed = &protocols.Error{Proto: "xmlrpc", Op: "multicall", URL: protocols.Redact(at.URL), Kind: protocols.KindRefused, Code: int(r.Fault.Code), Text: method, Err: r.Fault}
	}
	count.Add(failed)
	if err := x.printResult(e.Out, method, r); err != nil {
		return err
	}
	if !e.Out.JSON {
		e.Tell(failed)
	}
	return nil
}

func (x *caller) printResult(o *show.Output, method string, r xmlrpc.Result) error {
	if !o.JSON {
		if r.Fault != nil {
			return nil
		}
		return x.print(o, r.Value)
	}
	if r.Fault != nil {
		return o.Object(map[string]any{"method": method, "fault": map[string]any{"code": r.Fault.Code, "text": r.Fault.Error()}})
	}
	return o.Object(map[string]any{"method": method, "value": xmlrpc.JSON(r.Value, x.typed)})
}

func (x *caller) encode(_ context.Context, e *kit.Env, args []string) error {
	params, err := arguments(e, args[1:])
	if err != nil {
		return err
	}
	doc, err := xmlrpc.AppendCall(nil, args[0], params)
	if err != nil {
		return err
	}
	return e.Out.Write(doc)
}

func (x *caller) decode(_ context.Context, e *kit.Env, args []string) error {
	name := "-"
	if len(args) > 0 {
		name = args[0]
	}
	doc, err := readWhole(e, name)
	if err != nil {
		return err
	}
	before, _, isCall := bytes.Cut(doc, []byte("<methodCall"))
	if isCall && !bytes.Contains(before, []byte("<methodResponse")) { // else it stands in a text
		call, err := xmlrpc.DecodeCall(bytes.NewReader(doc), nil)
		if err != nil {
			return err
		}
		params := xmlrpc.JSON(append([]any{}, call.Params...), x.typed)
		return e.Out.Object(map[string]any{"method": call.Method, "params": params})
	}
	v, err := xmlrpc.DecodeResponse(bytes.NewReader(doc), nil)
	if f, ok := err.(*xmlrpc.Fault); ok {
		return &protocols.Error{Proto: "xmlrpc", Op: "decode", Kind: protocols.KindRefused, Code: int(f.Code), Err: f}
	}
	if err != nil {
		return fmt.Errorf("xmlrpc decode: %w", err)
	}
	return x.print(e.Out, v)
}
