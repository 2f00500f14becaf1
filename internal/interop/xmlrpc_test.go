//go:build linux

package interop

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"reflect"
	"slices"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/xmlrpc"
)

func openXMLRPC(t *testing.T) *xmlrpc.Client {
	t.Helper()
	c, err := xmlrpc.New(&url.URL{Scheme: "http", Host: Require(t, "XMLRPC")["XMLRPC"]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestXMLRPCValues: Python's codec and ours agree.
func TestXMLRPCValues(t *testing.T) {
	c := openXMLRPC(t)
	for _, v := range []any{
		nil, int64(-5), 1.25, true, false, "", " s\n<&> ä ]]>", []byte("\x00\xff"), xmlrpc.DateTime("20050210T11:41:23"),
		[]any{[]any{}, map[string]any{"k": "v", "": int64(0)}},
	} {
		if got, err := c.Call(t.Context(), "echo", v); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v: %#v, %v", v, got, err)
		}
	}
	got, err := c.Call(t.Context(), "types")
	want := map[string]any{
		"int": int64(-7), "double": 1.5, "boolean": true, "string": "a <plain> text", "nil": nil, "array": []any{int64(1), "two"},
		"date": xmlrpc.DateTime("19980717T14:08:55"), "base64": []byte{0, 1, 2, 255},
	}
	if err != nil || !reflect.DeepEqual(got, any(want)) {
		t.Errorf("%#v, %v", got, err)
	}
	if v, err := c.Call(t.Context(), "rows", 1000); err != nil || len(v.([]any)) != 1000 {
		t.Error(err)
	}
}

func TestXMLRPCFaults(t *testing.T) {
	c := openXMLRPC(t)
	for method, code := range map[string]int64{"fault": 42, "nosuch": 1} {
		_, err := c.Call(t.Context(), method)
		if f, ok := errors.AsType[*xmlrpc.Fault](err); !ok || f.Code != code || protocols.KindOf(err) != protocols.KindRefused {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestXMLRPCIntrospection(t *testing.T) {
	c := openXMLRPC(t)
	names, err := c.Methods(t.Context())
	if err != nil || !slices.Contains(names, "add") {
		t.Errorf("%q, %v", names, err)
	}
	if text, err := c.Help(t.Context(), "add"); err != nil || text != "adds two numbers" {
		t.Errorf("%q, %v", text, err)
	}
	if types, err := c.Signatures(t.Context(), "add"); err != nil || types != nil {
		t.Errorf("%v, %v", types, err) // Python reports that it does not support them
	}
	results, err := c.Multicall(t.Context(), []xmlrpc.Call{{Method: "add", Params: []any{1, 2}}, {Method: "fault"}})
	if err != nil || results[0].Value != int64(3) || results[1].Fault == nil || results[1].Fault.Code != 42 {
		t.Errorf("%+v, %v", results, err)
	}
	if r, err := c.Probe(t.Context()); err != nil || !r.Up || len(r.Capabilities) < 8 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestXMLRPCRequests: Python accepts requests that are compressed or in other
// charsets.
func TestXMLRPCRequests(t *testing.T) {
	c := openXMLRPC(t)
	for _, s := range []xmlrpc.Settings{{GzipRequest: true}, {Encoding: "iso-8859-15"}, {GzipRequest: true, Encoding: "windows-1252"}} {
		c.Settings = s
		if v, err := c.Call(t.Context(), "echo", "Größe € ☃"); v != "Größe € ☃" || err != nil {
			t.Errorf("%+v: %v, %v", s, v, err)
		}
	}
}

// pythonCalls calls our server with everything that Python's client supports.
const pythonCalls = `import sys, xmlrpc.client
s = xmlrpc.client.ServerProxy(sys.argv[1], allow_none=True, use_builtin_types=True)
assert s.add(1, 2) == 3
v = [None, True, -5, 1.5, 'a <b> \u2603', b'\x00\xff', {'k': [1, 'x']}]
assert s.echo(*v) == v, s.echo(*v)
assert 'system.multicall' in s.system.listMethods()
assert s.system.methodHelp('add') == 'adds'
m = xmlrpc.client.MultiCall(s)
m.add(1, 1); m.nosuch(); m.add(2, 2)
r = m()
assert r[0] == 2 and r[2] == 4
for f, code in ((lambda: r[1], -32601), (lambda: s.nosuch(), -32601), (lambda: s.add('x'), 7)):
    try: f()
    except xmlrpc.client.Fault as e: assert e.faultCode == code, e
    else: raise AssertionError('no fault')
print('ok')
`

func TestXMLRPCServer(t *testing.T) {
	python := requireProgram(t, "python3")
	h := httptest.NewServer(&xmlrpc.Server{Methods: map[string]xmlrpc.Method{
		"echo": {Run: func(_ context.Context, params []any) (any, error) { return params, nil }},
		"add": {Help: "adds", Run: func(_ context.Context, params []any) (any, error) {
			sum := int64(0)
			for _, p := range params {
				n, ok := p.(int64)
				if !ok {
					return nil, &xmlrpc.Fault{Code: 7, String: "whole numbers"}
				}
				sum += n
			}
			return sum, nil
		}},
	}})
	defer h.Close()
	out, err := exec.CommandContext(t.Context(), python, "-c", pythonCalls, h.URL+"/RPC2").CombinedOutput()
	if err != nil || string(out) != "ok\n" {
		t.Errorf("%v: %s", err, out)
	}
}
