package protocols_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/transfer"
)

// recorder records what an observer sees.
type recorder struct {
	mu   sync.Mutex
	seen []string
}

type recorderKey struct{}

func (r *recorder) observe(ctx context.Context, op protocols.Op) (context.Context, func(error)) {
	return context.WithValue(ctx, recorderKey{}, op.Verb), func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.seen = append(r.seen, fmt.Sprintf("%s %s %s: %v", op.Protocol, op.Verb, op.Name, protocols.KindOf(err)))
	}
}

func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := strings.Join(r.seen, "\n")
	r.seen = nil
	return s
}

func TestObserve(t *testing.T) {
	s, r := labtest.FTP(t), &recorder{}
	s.Options.Observe = r.observe
	c, _, err := all.Open(s.URL, s.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok := protocols.As[*ftp.Client](c); !ok {
		t.Error("the adapter's type is not found")
	}
	ctx := t.Context()
	for _, err := range protocols.List(ctx, c, "pub") {
		if err != nil || r.take() != "" {
			t.Errorf("inside the loop: %v", err)
		}
		break
	}
	want := func(what, text string) {
		t.Helper()
		if got := r.take(); got != text {
			t.Errorf("%s: %q, want %q", what, got, text)
		}
	}
	want("list", "ftp ls pub: ok")
	o, err := protocols.Get(ctx, c, "README.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	want("an open body", "")
	if _, err := io.Copy(io.Discard, o.Body); err != nil {
		t.Error(err)
	}
	o.Body.Close()
	o.Body.Close()
	want("a closed body", "ftp get README.txt: ok")
	_, err = protocols.Get(ctx, c, "none", nil)
	want("a refused get", "ftp get none: refused")
	if err == nil {
		t.Error("no error")
	}
	_, _ = protocols.Put(ctx, c, "incoming/x", strings.NewReader("x"), nil)
	_, _ = protocols.Stat(ctx, c, "incoming/x")
	_ = protocols.Remove(ctx, c, "incoming/x")
	_, _ = protocols.Do(ctx, c, "NOOP")
	_, _ = c.Probe(ctx)
	want("the others", "ftp put incoming/x: ok\nftp stat incoming/x: ok\nftp rm incoming/x: ok\nftp raw : ok\nftp probe : ok")
}

// TestObserveTransfers: the operations of a sync are seen, and its content arrives.
func TestObserveTransfers(t *testing.T) {
	s, r := labtest.FTP(t), &recorder{}
	s.Options.Observe = r.observe
	target, err := all.Parse(s.URL + "pub/nested")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sum, err := transfer.Sync(t.Context(), transfer.At(target, s.Options), transfer.Local(dir), nil, nil)
	if err != nil || sum.Failed > 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "a", "one.txt")); err != nil || string(b) != "one\n" {
		t.Errorf("%q, %v", b, err)
	}
	if seen := r.take(); !strings.Contains(seen, "ftp ls pub/nested: ok") || !strings.Contains(seen, "ftp get ") {
		t.Errorf("seen: %s", seen)
	}
}

func TestWait(t *testing.T) {
	s := labtest.FTP(t)
	s.Options.Wait = true
	c, _, err := all.Open(s.URL, s.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			name := fmt.Sprintf("incoming/%d", i)
			_, err := protocols.Put(t.Context(), c, name, strings.NewReader(name), nil)
			if err == nil {
				_, err = protocols.Stat(t.Context(), c, name)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := s.Server.Connections(); n > 40 { // one control connection, and one for each upload
		t.Errorf("%d connections", n)
	}
	for _, err := range protocols.List(t.Context(), c, "incoming") {
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err := protocols.Stat(ctx, c, "incoming/1")
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("inside the loop: %v", err)
		}
		break
	}
	if _, err := protocols.Stat(t.Context(), c, "incoming/1"); err != nil {
		t.Errorf("after the loop: %v", err)
	}
}

func TestErrorIsANetError(t *testing.T) {
	for _, c := range []struct {
		err                error
		timeout, temporary bool
	}{
		{&protocols.Error{Kind: protocols.KindTimeout}, true, false},
		{&protocols.Error{Kind: protocols.KindTemporary}, false, true},
		{&protocols.Error{Kind: protocols.KindConnect, Retryable: true}, false, true},
		{protocols.Wrap(os.ErrDeadlineExceeded, "ftp", "get", ""), true, true},
		{&protocols.Error{Kind: protocols.KindRefused}, false, false},
	} {
		e, ok := errors.AsType[net.Error](fmt.Errorf("wrapped: %w", c.err))
		if !ok || e.Timeout() != c.timeout || e.Temporary() != c.temporary { //nolint:staticcheck // what older programs ask
			t.Errorf("%v: %v, timeout %v, temporary %v", c.err, ok, e.Timeout(), e.Temporary()) //nolint:staticcheck // as above
		}
	}
}

func TestReportReadsWhatItWrites(t *testing.T) {
	r := protocols.Report{URL: "ftp://h/", Up: true, Total: time.Second, TLSVersion: "TLS 1.3", Capabilities: []protocols.Capability{{Name: "SIZE", Params: []string{"x"}}}}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got protocols.Report
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%s became %+v, %v", b, got, err)
	}
}

// TestNilsAndZeros: what a caller forgets is an error, not a crash.
func TestNilsAndZeros(t *testing.T) {
	s := labtest.FTP(t)
	nothing := func(context.Context, string, string) (net.Conn, error) { return nil, nil }
	c, _, err := all.Open(s.URL, &protocols.Options{Dial: nothing, Observe: func(context.Context, protocols.Op) (context.Context, func(error)) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := protocols.Stat(t.Context(), c, "x"); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("a Dial hook without a connection: %v", err)
	}
	if r, err := protocols.Send(t.Context(), c, nil); r == nil || err == nil {
		t.Errorf("Send without a Sender: %v, %v", r, err)
	}
	for _, scheme := range []string{"smtp", "nntp"} {
		closed, err := url.Parse(scheme + "://127.0.0.1:1/")
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := all.Open(closed.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*protocols.Message{nil, {}, {From: "a@example.org", To: []string{"b@example.org"}, Body: strings.NewReader("Subject: x\r\n\r\nx\r\n")}} {
			if r, err := protocols.Send(t.Context(), c, m); r == nil || err == nil {
				t.Errorf("%s: %v, %v", scheme, r, err)
			}
		}
		c.Close()
	}
	if protocols.Serial(nil) != nil || protocols.Observe(nil, nil) != nil {
		t.Error("something was made of nothing")
	}
}
