package http

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	nethttp "net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// bulkFetch reads names and returns what came for each, in the order in which it came.
func bulkFetch(t *testing.T, c *Client, names []string) (order []string, content map[string]string, failed map[string]error) {
	t.Helper()
	content, failed = map[string]string{}, map[string]error{}
	err := c.BulkGet(quick(t), slices.Values(names), func(name string, o *protocols.Object, err error) error {
		order = append(order, name)
		if err != nil {
			failed[name] = err
			return nil
		}
		b, err := io.ReadAll(o.Body)
		if content[name] = string(b); err != nil {
			failed[name] = err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return order, content, failed
}

// TestBulkSendsAhead: many names, one connection, all in order, and what needs a
// request of its own between them is served over another one.
func TestBulkSendsAhead(t *testing.T) {
	tree := lab.NewTree()
	var names []string
	for i := range 300 {
		name := fmt.Sprintf("f%03d", i)
		names = append(names, name)
		if err := tree.WriteFile("/"+name, []byte("content of "+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tree.Virtual("/long.bin", 1<<20, lab.Pattern(3)), tree.WriteFile("/README.txt", []byte("led here"))); err != nil {
		t.Fatal(err)
	}
	s := labtest.Start(t, weblab.StartHTTP, weblab.HTTPOptions{Tree: tree})
	names = slices.Insert(names, 100, "missing", "-/redirect/2", "-/auth/basic", "long.bin", "-/chunked", "http://"+s.Addr()+"/f008?x=1", "bad\r\nname", "-/coded/gzip")
	c := labtest.Open(t, New, labtest.WithUser(s.URL()), nil)
	c.Settings.Compressed = true
	order, content, failed := bulkFetch(t, c, names)
	if !slices.Equal(order, names) {
		t.Errorf("%d answers, in the order %q", len(order), order)
	}
	for i := range 300 {
		name := fmt.Sprintf("f%03d", i)
		if content[name] != "content of "+name {
			t.Errorf("%s: %q, %v", name, content[name], failed[name])
		}
	}
	wantKind(t, failed["bad\r\nname"], protocols.KindUsage)
	if !errors.Is(failed["missing"], fs.ErrNotExist) || len(failed) != 2 {
		t.Errorf("failed: %v", failed)
	}
	if len(content["long.bin"]) != 1<<20 || content["-/redirect/2"] != "led here" || content["-/auth/basic"] != "welcome, alice\n" || content["-/coded/gzip"] != weblab.Coded || !strings.HasSuffix(content["-/chunked"], "piece 9\n") {
		t.Errorf("between: %d bytes, %q, %q, %q, %q", len(content["long.bin"]), content["-/redirect/2"], content["-/auth/basic"], content["-/coded/gzip"], content["-/chunked"])
	}
	if n := s.Connections(); n > 3 {
		t.Errorf("%d connections", n)
	}
}

// pipeServer answers requests with their paths, and closes each connection after
// the number of answers that it was made with. It notes how many requests waited
// in its buffer at most.
type pipeServer struct {
	addr string
	mu   sync.Mutex
	most int
	all  []string
}

func startPipeServer(t *testing.T, perConn int, answer func(path string) string) *pipeServer {
	t.Helper()
	p := &pipeServer{}
	p.addr = labtest.Serve(t, func(conn net.Conn) { p.serve(conn, perConn, answer) })
	return p
}

func (p *pipeServer) serve(conn net.Conn, perConn int, answer func(string) string) {
	in := bufio.NewReaderSize(conn, 64<<10)
	for range perConn {
		r, err := nethttp.ReadRequest(in)
		if err != nil {
			return
		}
		waiting, _ := in.Peek(in.Buffered())
		p.mu.Lock()
		p.most = max(p.most, 1+strings.Count(string(waiting), "\r\n\r\n"))
		p.all = append(p.all, r.URL.Path)
		p.mu.Unlock()
		io.WriteString(conn, answer(r.URL.Path))
	}
}

func plainAnswer(path string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path)
}

// TestBulkSurvivesConnectionsThatEnd: a server that closes connections after a few
// answers, without saying so, costs requests but no object.
func TestBulkSurvivesConnectionsThatEnd(t *testing.T) {
	for _, perConn := range []int{1, 2, 7, 1000} {
		p := startPipeServer(t, perConn, plainAnswer)
		c := labtest.Open(t, New, "http://"+p.addr+"/", nil)
		var names []string
		for i := range 100 {
			names = append(names, fmt.Sprint("n", i))
		}
		order, content, failed := bulkFetch(t, c, names)
		if !slices.Equal(order, names) || len(failed) > 0 {
			t.Errorf("%d a connection: %d answers, failed %v", perConn, len(order), failed)
		}
		for _, name := range names {
			if content[name] != "/"+name {
				t.Errorf("%d a connection: %s is %q", perConn, name, content[name])
			}
		}
		if perConn == 1000 && (p.most < 2 || p.most > mostAhead) {
			t.Errorf("at most %d requests were ahead", p.most)
		}
	}
}

// TestBulkTellsBadAnswers: a bad answer among good ones is the failure of its own
// name, and none of the others gets its bytes.
func TestBulkTellsBadAnswers(t *testing.T) {
	p := startPipeServer(t, 1000, func(path string) string {
		switch path {
		case "/n20":
			return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nabcde"
		case "/n40":
			return "this is no answer\r\n\r\n"
		case "/n60":
			return "HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nno!\n"
		}
		return plainAnswer(path)
	})
	c := labtest.Open(t, New, "http://"+p.addr+"/", nil)
	var names []string
	for i := range 80 {
		names = append(names, fmt.Sprint("n", i))
	}
	_, content, failed := bulkFetch(t, c, names)
	for _, name := range names {
		switch name {
		case "n20", "n40":
			wantKind(t, failed[name], protocols.KindProtocol)
		case "n60":
			wantKind(t, failed[name], protocols.KindTemporary)
		default:
			if content[name] != "/"+name {
				t.Errorf("%s is %q, %v", name, content[name], failed[name])
			}
		}
	}
}

// TestBulkLeavesProxiesAlone: through a proxy each request waits for its answer.
func TestBulkLeavesProxiesAlone(t *testing.T) {
	p := startPipeServer(t, 1000, func(path string) string { return plainAnswer(path) })
	c := labtest.Open(t, New, "http://example.org/", &protocols.Options{Proxy: proxyTo(labtest.URL(t, "http://"+p.addr))})
	if _, content, failed := bulkFetch(t, c, []string{"a", "b", "c", "d", "e", "f"}); len(failed) > 0 || content["f"] != "/f" {
		t.Errorf("%q, %v", content, failed)
	}
	if p.most != 1 {
		t.Errorf("%d requests at once", p.most)
	}
}

// TestBulkStopsWhenTold: each's error ends the work, and the client is usable.
func TestBulkStopsWhenTold(t *testing.T) {
	p := startPipeServer(t, 1000, plainAnswer)
	c := labtest.Open(t, New, "http://"+p.addr+"/", nil)
	enough, n := errors.New("enough"), 0
	err := c.BulkGet(quick(t), slices.Values(strings.Split(strings.Repeat("x ", 50), " ")), func(string, *protocols.Object, error) error {
		if n++; n == 10 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 10 {
		t.Errorf("%v after %d", err, n)
	}
	if got := labtest.Read(t, c, "after"); got != "/after" {
		t.Errorf("afterwards: %q", got)
	}
}
