package xmlrpc

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

func TestCalls(t *testing.T) {
	s := labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{})
	c := labtest.Open(t, New, s.URL(), nil)
	for _, v := range []any{nil, int64(-5), int64(1) << 40, 1.25, true, " s\r\n<&> ä ", []byte("\x00\xff"), DateTime("20050210T11:41:23"), []any{[]any{}, map[string]any{"k": "v"}}} {
		got, err := c.Call(t.Context(), "echo", v)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v: %#v, %v", v, got, err)
		}
	}
	got, err := c.Call(t.Context(), "types")
	want := map[string]any{
		"int": int64(-7), "i8": int64(9007199254740993), "double": 1.5, "boolean": true, "string": "a <plain> text", "date": DateTime("19980717T14:08:55"),
		"base64": []byte{0, 1, 2, 255}, "nil": nil, "array": []any{int64(1), "two"},
	}
	if err != nil || !reflect.DeepEqual(got, any(want)) {
		t.Errorf("%#v, %v", got, err)
	}
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections, want a kept one", n)
	}
}

func TestFaultErrors(t *testing.T) {
	c := labtest.Open(t, New, labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{}).URL(), nil)
	_, err := c.Call(t.Context(), "fault")
	e, ok := err.(*protocols.Error)
	f, isFault := errors.AsType[*Fault](err)
	if !ok || !isFault || e.Kind != protocols.KindRefused || e.Code != 42 || f.String != "this method fails" || e.Proto != "xmlrpc" || e.Op != "call" || !strings.HasSuffix(err.Error(), ": 42 this method fails") {
		t.Errorf("%#v: %v", err, err)
	}
	_, err = c.Call(t.Context(), "wordfault")
	if e, ok := err.(*protocols.Error); !ok || e.Kind != protocols.KindRefused || e.Code != 0 || e.Enhanced != "Client.Auth" || !strings.Contains(err.Error(), "Client.Auth") {
		t.Errorf("%v", err)
	}
	if _, err = c.Call(t.Context(), "nosuch"); !errors.Is(err, errors.ErrUnsupported) || protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("%v", err)
	}
	if _, err := c.Call(t.Context(), "echo", "still works"); err != nil {
		t.Error(err)
	}
}

func TestIntrospection(t *testing.T) {
	c := labtest.Open(t, New, labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{}).URL(), nil)
	names, err := c.Methods(t.Context())
	if err != nil || !slices.Contains(names, "echo") || !slices.Contains(names, "system.multicall") {
		t.Errorf("%q, %v", names, err)
	}
	if text, err := c.Help(t.Context(), "add"); err != nil || text != "adds whole numbers" {
		t.Errorf("%q, %v", text, err)
	}
	if types, err := c.Signatures(t.Context(), "add"); err != nil || fmt.Sprint(types) != "[[int int int]]" {
		t.Errorf("%v, %v", types, err)
	}
	if _, err := c.Help(t.Context(), "nosuch"); protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("%v", err)
	}
	r, err := c.Probe(t.Context())
	if err != nil || !r.Up || len(r.Capabilities) != len(names) || r.Address == "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestMulticall(t *testing.T) {
	s := labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{})
	c := labtest.Open(t, New, s.URL(), nil)
	results, err := c.Multicall(t.Context(), []Call{{"add", []any{1, 2}}, {"fault", nil}, {"echo", []any{[]any{"x"}}}})
	if err != nil || len(results) != 3 {
		t.Fatal(results, err)
	}
	if results[0].Value != int64(3) || results[1].Fault == nil || results[1].Fault.Code != 42 || !reflect.DeepEqual(results[2].Value, []any{"x"}) {
		t.Errorf("%+v", results)
	}
	if n := len(s.Commands()); n != 1 {
		t.Errorf("%d requests", n)
	}
	bare := `<array><data><value><struct><member><name>statename</name><value>RUNNING</value></member></struct></value>` +
		`<value><struct><member><name>faultCode</name><value><int>10</int></value></member><member><name>faultString</name><value>BAD_NAME</value></member></struct></value>` +
		`<value><array><data><value>one</value></data></array></value></data></array>`
	flat := labtest.Open(t, New, labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{Raw: map[string]string{
		"system.multicall": answer(bare), "system.methodSignature": answer("<array><data><value>struct</value></data></array>"),
	}}).URL(), nil)
	results, err = flat.Multicall(t.Context(), []Call{{"a", nil}, {"b", nil}, {"c", nil}})
	if err != nil || !reflect.DeepEqual(results[0].Value, map[string]any{"statename": "RUNNING"}) || results[1].Fault == nil || !reflect.DeepEqual(results[2].Value, []any{"one"}) {
		t.Errorf("results without arrays around them: %+v, %v", results, err)
	}
	if types, err := flat.Signatures(t.Context(), "a"); err != nil || !reflect.DeepEqual(types, [][]string{{"struct"}}) {
		t.Errorf("one signature without an array around it: %v, %v", types, err)
	}
	short := labtest.Open(t, New, labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{Raw: map[string]string{"system.multicall": answer("<array><data/></array>")}}).URL(), nil)
	if _, err := short.Multicall(t.Context(), []Call{{"a", nil}}); !protocolError(err) {
		t.Errorf("fewer results than calls: %v", err)
	}
}

func TestLoginAndTLS(t *testing.T) {
	s := labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{ServerOptions: lab.ServerOptions{TLS: lab.TLSImplicit}, Login: true})
	trust := &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: s.Authority().Pool()}}}
	with := strings.Replace(s.URL(), "://", "://alice:secret@", 1)
	if v, err := labtest.Open(t, New, with, trust).Call(t.Context(), "add", 1, 2); v != int64(3) || err != nil {
		t.Error(v, err)
	}
	_, err := labtest.Open(t, New, strings.Replace(with, "secret", "Xyzzy-9", 1), trust).Call(t.Context(), "add", 1, 2)
	if protocols.KindOf(err) != protocols.KindAuth || strings.Contains(fmt.Sprintf("%+v", err), "Xyzzy") {
		t.Errorf("a wrong password: %v", err)
	}
	strange := &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: x509.NewCertPool()}}}
	if _, err := labtest.Open(t, New, with, strange).Call(t.Context(), "add", 1, 2); protocols.KindOf(err) != protocols.KindTLS {
		t.Errorf("unknown authority: %v", err)
	}
}

// TestHTTPErrors: an answer of the web server is none of the method.
func TestHTTPErrors(t *testing.T) {
	s := labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{})
	_, err := labtest.Open(t, New, strings.Replace(s.URL(), "RPC2", "nothere", 1), nil).Call(t.Context(), "echo", 1)
	if e, ok := err.(*protocols.Error); !ok || e.Kind != protocols.KindRefused || e.Code != 404 || e.Proto != "xmlrpc" {
		t.Errorf("%#v", err)
	}
	if v, err := labtest.Open(t, New, strings.TrimSuffix(s.URL(), "/RPC2"), nil).Call(t.Context(), "echo", 1); v != int64(1) || err != nil {
		t.Errorf("without a path: %v, %v", v, err)
	}
}

// TestBombs: security 16: what is unpacked counts, without --max-size.
func TestBombs(t *testing.T) {
	zeros := strings.Repeat(" ", 1<<16)
	stream := func(_ string, w io.Writer) bool {
		io.WriteString(w, "<methodResponse><params><param><value><string>")
		for range 4 << 30 / len(zeros) { // bounded, should the client be wrong
			if _, err := io.WriteString(w, zeros); err != nil {
				break
			}
		}
		return true
	}
	for _, o := range []weblab.XMLRPCOptions{{Stream: stream}, {Stream: stream, Gzip: true}} {
		c := labtest.Open(t, New, labtest.Start(t, weblab.StartXMLRPC, o).URL(), nil)
		c.Settings.MaxResponse = 256 << 10
		start := time.Now()
		if _, err := c.Call(t.Context(), "x"); !protocolError(err) {
			t.Errorf("gzip %v: %v", o.Gzip, err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
	}
}

func TestGzip(t *testing.T) {
	c := labtest.Open(t, New, labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{Gzip: true}).URL(), nil)
	if v, err := c.Call(t.Context(), "echo", strings.Repeat("x", 100_000)); err != nil || len(v.(string)) != 100_000 {
		t.Error(err)
	}
	broken := labtest.Open(t, New, labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{Gzip: true, Stream: func(_ string, w io.Writer) bool {
		if z, ok := w.(*gzip.Writer); ok {
			io.WriteString(z, answer("x")[:50])
		}
		return true
	}}).URL(), nil)
	if _, err := broken.Call(t.Context(), "x"); !protocolError(err) {
		t.Errorf("cut: %v", err)
	}
}

// TestHostileAnswers gets them over the network too.
func TestHostileAnswers(t *testing.T) {
	raw := map[string]string{
		"deep":   "<methodResponse><params><param><value>" + strings.Repeat("<array><data><value>", 300_000),
		"dtd":    `<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + answer("&a;"),
		"wide":   answer("<i4>4294967296</i4>"),
		"html":   "<html>It works!</html>",
		"empty":  "",
		"escape": answer("&#27;[31m"),
	}
	c := labtest.Open(t, New, labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{Raw: raw}).URL(), nil)
	for method := range raw {
		if v, err := c.Call(t.Context(), method); !protocolError(err) {
			t.Errorf("%s: %v, %v", method, v, err)
		}
	}
	if v, err := c.Call(t.Context(), "add", 1, 2); v != int64(3) || err != nil {
		t.Errorf("afterwards: %v, %v", v, err)
	}
}

func TestCancelAndBusy(t *testing.T) {
	waiting, release := make(chan struct{}), make(chan struct{})
	s := labtest.Start(t, weblab.StartXMLRPC, weblab.XMLRPCOptions{Stream: func(method string, w io.Writer) bool {
		if method == "slow" {
			close(waiting)
			<-release
		}
		return false
	}})
	c := labtest.Open(t, New, s.URL(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := c.Call(ctx, "slow")
		done <- err
	}()
	<-waiting
	if _, err := c.Call(t.Context(), "echo", 1); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("busy: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	close(release)
	if v, err := c.Call(t.Context(), "add", 1, 2); v != int64(3) || err != nil {
		t.Errorf("afterwards: %v, %v", v, err)
	}
}

// TestCatalog: URLs of the web are this adapter's only where it is named.
func TestCatalog(t *testing.T) {
	reg, err := protocols.NewRegistry(http.Spec(), Spec())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"http://h/RPC2": "xmlrpc", "https://u@h/x?y=1": "xmlrpc", "xmlrpc+http://h": "xmlrpc", "h:8080/RPC2": "xmlrpc", "ftp://h/": ""} {
		target, err := reg.Parse(text, "xmlrpc")
		if want == "" != (err != nil) || err == nil && target.Spec.Name != want {
			t.Errorf("%s: %+v, %v", text, target, err)
		}
	}
	if target, err := reg.Parse("http://h/RPC2", ""); err != nil || target.Spec.Name != "http" {
		t.Errorf("%+v, %v", target, err)
	}
	if _, err := New(&url.URL{Scheme: "ftp", Host: "h"}, nil); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("%v", err)
	}
	c := labtest.Open(t, New, "http://h/RPC2", nil)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Call(t.Context(), "x"); !errors.Is(err, protocols.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
