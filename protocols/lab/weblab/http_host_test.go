package weblab

import (
	"net/http"
	"strings"
	"testing"

	labtest "github.com/netclients/netclients/protocols/lab/internal/kit"
)

// send makes a request with a Host and an Origin, each left alone when empty.
func send(t *testing.T, method, url, host, origin, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	r.SetBasicAuth("alice", "secret")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestOnlyOwnHostsAreAnswered(t *testing.T) {
	s := labtest.Start(t, StartHTTP, HTTPOptions{Hosts: []string{"other.test"}})
	port := s.Addr()[strings.LastIndexByte(s.Addr(), ':'):]
	for host, want := range map[string]int{
		"": 200, "localhost" + port: 200, "LOCALHOST." + port: 200, "[::1]" + port: 200, "127.0.0.2" + port: 200, "other.test": 200, "other.test:1": 200,
		"evil.example": 421, "evil.example" + port: 421, "localhost": 421, "127.0.0.1:1": 421, "localhost.evil.example" + port: 421, "192.0.2.1" + port: 421,
	} {
		t.Run(host, func(t *testing.T) {
			if got := send(t, "GET", s.URL()+"README.txt", host, "", ""); got != want {
				t.Errorf("%d, want %d", got, want)
			}
		})
	}
}

func TestForeignOriginsAreRefused(t *testing.T) {
	s := labtest.Start(t, StartHTTP, HTTPOptions{})
	for origin, want := range map[string]int{"": 201, strings.TrimSuffix(s.URL(), "/"): 204, "http://evil.example": 403, "null": 403, "http://localhost": 403} {
		if got := send(t, "PUT", s.URL()+"incoming/x", "", origin, "content"); got != want && !(want < 300 && got < 300) {
			t.Errorf("%q: %d, want %d", origin, got, want)
		}
	}
}

// TestEveryHostIsNotEveryOrigin: a server that answers for every host is still none that pages
// of other sites may use; those of a host that was named are its own.
func TestEveryHostIsNotEveryOrigin(t *testing.T) {
	s := labtest.Start(t, StartHTTP, HTTPOptions{Hosts: []string{"*", "named.test"}})
	for _, c := range []struct {
		host, origin string
		want         int
	}{
		{"anything.test", "", 201}, {"anything.test", "http://evil.example", 403}, {"evil.example", "http://evil.example", 403}, {"", "null", 403},
		{"named.test", "http://named.test", 204}, {"", strings.TrimSuffix(s.URL(), "/"), 204},
	} {
		if got := send(t, "PUT", s.URL()+"incoming/x", c.host, c.origin, "content"); got != c.want && !(c.want < 300 && got < 300) {
			t.Errorf("%q from %q: %d, want %d", c.host, c.origin, got, c.want)
		}
	}
}

func TestXMLRPCWantsXML(t *testing.T) {
	s := labtest.Start(t, StartXMLRPC, XMLRPCOptions{})
	const call = "<methodCall><methodName>types</methodName></methodCall>"
	for kind, want := range map[string]int{"text/xml": 200, "text/xml; charset=utf-8": 200, "text/plain": 415, "application/x-www-form-urlencoded": 415, "": 415} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL(), strings.NewReader(call))
		if err != nil {
			t.Fatal(err)
		}
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: %d, want %d", kind, resp.StatusCode, want)
		}
	}
}
