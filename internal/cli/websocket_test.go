package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// TestWebSocketCLI: the verbs of sockets on ws: URLs.
func TestWebSocketCLI(t *testing.T) {
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/closed" && r.Header.Get("X-Door") != "open" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		if r.URL.Path == "/feed" {
			conn.Write(r.Context(), websocket.MessageText, []byte("one"))
			conn.Write(r.Context(), websocket.MessageBinary, []byte("two\n"))
			conn.Close(websocket.StatusNormalClosure, "")
			return
		}
		for {
			kind, p, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, bytes.ToUpper(p)) != nil {
				return
			}
		}
	}))
	defer server.Close()
	at := "ws" + strings.TrimPrefix(server.URL, "http")
	for _, c := range []struct {
		line, stdin, out string
		code             int
		says             string
	}{
		{"tcp connect URL/", "one\ntwo\n", "ONE\nTWO\n", 0, ""},
		{"tcp connect URL/", "no end", "NO END\n", 0, ""},
		{"tcp connect --frames binary URL/", "\x01\x00", "\x01\x00", 0, ""},
		{"tcp send URL/ hello", "", "HELLO", 0, ""},
		{"tcp send --wait 60s URL/ hello", "", "HELLO", 0, ""},
		{"raw URL/ hello", "", "HELLO\n", 0, ""},
		{"cat URL/feed", "", "onetwo\n", 0, ""},
		{"tcp recv URL/feed", "", "onetwo\n", 0, ""},
		{"tcp connect URL/feed", "", "one\ntwo\n", 0, ""},
		{"tcp connect URL/closed", "", "", 6, "no WebSocket here: 403 Forbidden"},
		{"tcp connect -H X-Door:open URL/closed", "in\n", "IN\n", 0, ""},
		{"tcp connect -H X-Door:open tcp://127.0.0.1:1", "", "", 2, "are for ws:// and wss://"},
		{"tcp listen ws://127.0.0.1:0", "", "", 2, "no WebSocket server"},
		{"tcp forward ws://127.0.0.1:0 URL", "", "", 2, "no WebSocket server"},
		{"tcp run URL/ --send hi --expect HI", "", "", 0, ""},
	} {
		var out, words bytes.Buffer
		code := Main(t.Context(), append(strings.Fields(strings.ReplaceAll(c.line, "URL", at)), "--timeout", "60s"), strings.NewReader(c.stdin), &out, &words)
		if code != c.code || out.String() != c.out && !strings.Contains(c.line, "run") || !strings.Contains(words.String(), c.says) {
			t.Errorf("%s: exit code %d, %q, %s", c.line, code, out.String(), words.String())
		}
	}
	var out, words bytes.Buffer
	if code := Main(t.Context(), []string{"probe", "--json", at + "/"}, strings.NewReader(""), &out, &words); code != 0 || !strings.Contains(out.String(), `"up":true`) {
		t.Errorf("%s%s", out.String(), words.String())
	}
	out.Reset()
	if code := Main(t.Context(), []string{"tcp", "connect", "--json", at + "/feed"}, strings.NewReader(""), &out, &words); code != 0 {
		t.Errorf("%s%s", out.String(), words.String())
	}
	var texts []string
	for line := range strings.Lines(out.String()) {
		var x struct{ Event, Text string }
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, x.Event+" "+x.Text)
	}
	if want := "connected ,received one,received two\n,closed "; strings.Join(texts, ",") != want {
		t.Errorf("%q", texts)
	}
}
