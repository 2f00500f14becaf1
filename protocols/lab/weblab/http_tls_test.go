package weblab

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/netclients/netclients/protocols/lab/base"
)

// TestHTTP3IsShown: a request of HTTP/3 is a conversation of its own, in the form of HTTP/1.
func TestHTTP3IsShown(t *testing.T) {
	var mu sync.Mutex
	var said []string
	o := HTTPOptions{HTTP3: true}
	o.TLS = base.TLSImplicit
	o.OnStep = func(s base.Step) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, string(s.Kind)+" "+s.Text)
	}
	s, err := StartHTTP(o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tr := &http3.Transport{TLSClientConfig: s.Authority().ClientConfig()}
	defer tr.Close()
	client := &http.Client{Transport: tr, Timeout: time.Minute}
	answer, err := client.Get("https://" + s.Addr() + "/README.txt")
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	seen := func(line string) bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.Contains(said, line)
	}
	for end := time.Now().Add(30 * time.Second); !seen("close ") && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	for _, want := range []string{"tls TLS handshake", "send GET /README.txt HTTP/3.0", "recv HTTP/3.0 200 OK", "close "} {
		if !seen(want) {
			t.Errorf("no %q in %q", want, said)
		}
	}
}
