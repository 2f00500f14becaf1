package xmlrpc

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// sums is a server with methods that work, fail, and give what cannot be sent.
func sums() *Server {
	return &Server{Methods: map[string]Method{
		"add": {Help: "adds whole numbers", Signatures: [][]string{{"int", "int", "int"}}, Run: func(_ context.Context, params []any) (any, error) {
			sum := int64(0)
			for _, p := range params {
				n, ok := p.(int64)
				if !ok {
					return nil, &Fault{Code: CodeInvalidParams, String: "whole numbers only"}
				}
				sum += n
			}
			return sum, nil
		}},
		"echo":   {Run: func(_ context.Context, params []any) (any, error) { return params, nil }},
		"word":   {Run: func(context.Context, []any) (any, error) { return nil, &Fault{Word: "Client.Auth", String: "who?"} }},
		"plain":  {Run: func(context.Context, []any) (any, error) { return nil, errors.New("it broke") }},
		"binary": {Run: func(context.Context, []any) (any, error) { return nil, errors.New("a \x01 in it") }},
		"odd":    {Run: func(context.Context, []any) (any, error) { return make(chan int), nil }},
	}}
}

func serve(t *testing.T, s *Server) (url string) {
	t.Helper()
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return h.URL
}

func TestServer(t *testing.T) {
	c := labtest.Open(t, New, serve(t, sums()), nil)
	for range 2 { // packed requests in another encoding, the second time
		params := []any{"Größe € ☃ <&>", int64(1) << 40, -1.5, []byte{0, 255}, DateTime("20240229T12:00:00"), nil, true, map[string]any{"a": []any{}}, Decimal("1.10")}
		v, err := c.Call(t.Context(), "echo", params...)
		if err != nil || !reflect.DeepEqual(v, any(params)) {
			t.Errorf("%+v: %#v, %v", c.Settings, v, err)
		}
		c.Settings.GzipRequest, c.Settings.Encoding = true, "iso-8859-15"
	}
	names, err := c.Methods(t.Context())
	if err != nil || !slices.IsSorted(names) || len(names) != 10 {
		t.Errorf("%q, %v", names, err)
	}
	if text, err := c.Help(t.Context(), "add"); text != "adds whole numbers" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if types, err := c.Signatures(t.Context(), "add"); err != nil || fmt.Sprint(types) != "[[int int int]]" {
		t.Errorf("%v, %v", types, err)
	}
	if types, err := c.Signatures(t.Context(), "echo"); err != nil || types != nil {
		t.Errorf("no signature: %v, %v", types, err)
	}
	results, err := c.Multicall(t.Context(), []Call{{"add", []any{1, 2}}, {"word", nil}, {"system.multicall", []any{[]any{}}}, {"nosuch", nil}, {"plain", nil}})
	if err != nil || len(results) != 5 {
		t.Fatal(results, err)
	}
	if results[0].Value != int64(3) || results[1].Fault.Word != "Client.Auth" || results[2].Fault.Code != CodeInvalidParams ||
		results[3].Fault.Code != CodeMethodNotFound || results[4].Fault.String != "it broke" {
		t.Errorf("%+v", results)
	}
	if results, err := c.Multicall(t.Context(), nil); err != nil || len(results) != 0 {
		t.Errorf("no calls: %v, %v", results, err)
	}
}

func TestServerFaults(t *testing.T) {
	c := labtest.Open(t, New, serve(t, sums()), nil)
	for _, f := range []struct {
		method string
		params []any
		code   int64
	}{
		{"nosuch", nil, CodeMethodNotFound}, {"add", []any{"x"}, CodeInvalidParams}, {"plain", nil, CodeApplicationError}, {"odd", nil, CodeInternalError},
		{"binary", nil, CodeInternalError}, {"system.methodHelp", nil, CodeInvalidParams}, {"system.methodHelp", []any{"nosuch"}, CodeMethodNotFound},
		{"system.multicall", []any{1}, CodeInvalidParams}, {"system.methodSignature", []any{int64(1)}, CodeInvalidParams},
	} {
		_, err := c.Call(t.Context(), f.method, f.params...)
		if fault, ok := errors.AsType[*Fault](err); !ok || fault.Code != f.code {
			t.Errorf("%s %v: %v", f.method, f.params, err)
		}
	}
	if v, err := c.Call(t.Context(), "system.multicall", []any{"x", map[string]any{"methodName": "add"}}); err != nil || len(v.([]any)) != 2 {
		t.Errorf("calls that are none: %v, %v", v, err)
	}
}

// TestServerMulticallEnds: a batch is bounded, and is given up with its client.
func TestServerMulticallEnds(t *testing.T) {
	done := 0
	ctx, cancel := context.WithCancel(t.Context())
	s := &Server{Methods: map[string]Method{"leave": {Run: func(context.Context, []any) (any, error) {
		done++
		cancel()
		return nil, nil
	}}}}
	batch := slices.Repeat([]any{map[string]any{"methodName": "leave", "params": []any{}}}, mostServed+1)
	if _, err := s.call(ctx, "system.multicall", []any{batch}); done != 0 || faultFor(err).Code != CodeInvalidParams {
		t.Errorf("too many: %d calls made, %v", done, err)
	}
	if _, err := s.call(ctx, "system.multicall", []any{batch[1:]}); done != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("without a client: %d calls made, %v", done, err)
	}
}

// TestServerHostile: what no client of ours would send.
func TestServerHostile(t *testing.T) {
	s := sums()
	s.MaxRequest = 256 << 10
	address := serve(t, s)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 16 {
		z.Write(bytes.Repeat([]byte(" "), 64<<10))
	}
	z.Close()
	call := func(value string) string {
		return "<methodCall><methodName>echo</methodName><params><param><value>" + value + "</value></param></params></methodCall>"
	}
	for name, body := range map[string]struct{ text, coding string }{
		"a bomb": {bomb.String(), "gzip"}, "no gzip": {call("x"), "gzip"}, "nothing": {"", ""}, "no XML": {"x", ""}, "long": {call(strings.Repeat("x", 512<<10)), ""},
		"deep": {call(strings.Repeat("<array><data><value>", 10_000)), ""}, "an entity": {`<!DOCTYPE x [<!ENTITY a "b">]>` + call("&a;"), ""}, "an answer": {answer("1"), ""},
	} {
		req, err := nethttp.NewRequest("POST", address, strings.NewReader(body.text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Encoding", body.coding)
		resp, err := nethttp.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, err = DecodeResponse(resp.Body, nil)
		resp.Body.Close()
		if f, ok := err.(*Fault); !ok || f.Code != CodeNotWellFormed && f.Code != CodeTransportError {
			t.Errorf("%s: %v", name, err)
		}
	}
	resp, err := nethttp.Get(address)
	if err != nil || resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %+v, %v", resp, err)
	}
	resp.Body.Close()
}

// TestRequests: what goes over the wire with each setting.
func TestRequests(t *testing.T) {
	var body []byte
	var header nethttp.Header
	h := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		body, _ = io.ReadAll(r.Body)
		header = r.Header
		io.WriteString(w, answer("ok"))
	}))
	defer h.Close()
	c := labtest.Open(t, New, h.URL, nil)
	for _, want := range []struct {
		s        Settings
		encoding string
		text     string
	}{
		{Settings{}, "", "<?xml version=\"1.0\"?>\n<methodCall><methodName>m</methodName><params><param><value><string>é☃</string>"},
		{Settings{Encoding: "iso-8859-1"}, "", "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<methodCall><methodName>m</methodName><params><param><value><string>\xe9&#9731;</string>"},
		{Settings{GzipRequest: true}, "gzip", "<?xml version=\"1.0\"?>\n<methodCall><methodName>m</methodName><params><param><value><string>é☃</string>"},
	} {
		c.Settings = want.s
		if _, err := c.Call(t.Context(), "m", "é☃"); err != nil {
			t.Fatal(err)
		}
		if want.encoding == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			body, _ = io.ReadAll(z)
		}
		if header.Get("Content-Encoding") != want.encoding || header.Get("Content-Type") != "text/xml" || !strings.HasPrefix(string(body), want.text) {
			t.Errorf("%+v: %q %q", want.s, header, body)
		}
	}
	for _, bad := range []string{"nonsense", "utf-16"} {
		c.Settings.Encoding = bad
		if _, err := c.Call(t.Context(), "m"); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestRedirects: a call goes on as one, or ends with words that help; cookies and
// headers are the HTTP client's.
func TestRedirects(t *testing.T) {
	mux := nethttp.NewServeMux()
	mux.Handle("/RPC2", sums())
	for _, code := range []int{301, 307, 308} {
		mux.Handle(fmt.Sprintf("/%d", code), nethttp.RedirectHandler("/RPC2", code))
	}
	h := httptest.NewServer(mux)
	defer h.Close()
	for _, code := range []int{307, 308} {
		if v, err := labtest.Open(t, New, fmt.Sprintf("%s/%d", h.URL, code), nil).Call(t.Context(), "add", 1, 2); v != int64(3) || err != nil {
			t.Errorf("%d: %v, %v", code, v, err)
		}
	}
	_, err := labtest.Open(t, New, h.URL+"/301", nil).Call(t.Context(), "add", 1, 2)
	if e, ok := err.(*protocols.Error); !ok || e.Kind != protocols.KindRefused || !strings.Contains(e.Text, h.URL+"/RPC2") {
		t.Errorf("301: %v", err)
	}
	// A redirect that is not followed is not an answer to a call.
	for _, code := range []int{301, 308} {
		c := labtest.Open(t, New, fmt.Sprintf("%s/%d", h.URL, code), nil)
		c.HTTP().Settings.NoFollow = true
		if _, err := c.Call(t.Context(), "add", 1, 2); protocols.KindOf(err) != protocols.KindRefused && protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%d, not followed: %v", code, err)
		}
	}
}

// TestCookiesAndProxy: what the HTTP client below is set to holds for calls.
func TestCookiesAndProxy(t *testing.T) {
	var seen []string
	calls := sums()
	h := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		seen = append(seen, r.Header.Get("Cookie")+r.Header.Get("X-Mine"))
		nethttp.SetCookie(w, &nethttp.Cookie{Name: "session", Value: "5"})
		calls.ServeHTTP(w, r)
	}))
	defer h.Close()
	c := labtest.Open(t, New, h.URL, nil)
	c.HTTP().Settings.Jar = http.NewJar()
	c.HTTP().Settings.Header = http.Header{"X-Mine": {"!"}}
	for range 2 {
		if v, err := c.Call(t.Context(), "add", 1, 2); v != int64(3) || err != nil {
			t.Fatal(v, err)
		}
	}
	if !slices.Equal(seen, []string{"!", "session=5!"}) {
		t.Errorf("the server got %q", seen)
	}
	// A proxy that is the server: it is asked in the form for proxies.
	proxied := labtest.Open(t, New, "http://nowhere.invalid/RPC2", &protocols.Options{Proxy: func(*url.URL) (*url.URL, error) { return url.Parse(h.URL) }})
	if v, err := proxied.Call(t.Context(), "add", 2, 2); v != int64(4) || err != nil {
		t.Errorf("through a proxy: %v, %v", v, err)
	}
}

// TestMethodPanics: a panic in a method is a fault of that call, also in a multicall.
func TestMethodPanics(t *testing.T) {
	s := httptest.NewServer(&Server{Methods: map[string]Method{
		"first": {Run: func(_ context.Context, p []any) (any, error) { return p[0], nil }},
		"fine":  {Run: func(context.Context, []any) (any, error) { return "done", nil }},
	}})
	t.Cleanup(s.Close)
	c, _, err := protocols.Open[*Client](Spec(), s.URL+"/RPC2", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_, err = c.Call(t.Context(), "first")
	if f, ok := errors.AsType[*Fault](err); !ok || f.Code != CodeInternalError || strings.Contains(f.String, "index") {
		t.Errorf("%v", err)
	}
	all, err := c.Multicall(t.Context(), []Call{{Method: "fine"}, {Method: "first"}, {Method: "fine"}})
	if err != nil || len(all) != 3 || all[0].Value != "done" || all[1].Fault == nil || all[2].Value != "done" {
		t.Errorf("%v, %v", all, err)
	}
}
