package labapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/journal"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// served is an interface that is served, with its backend.
type served struct {
	Backend
	url string
	t   *testing.T
}

// serve serves an interface to an empty open store. change changes the backend before.
func serve(t *testing.T, change func(*Backend)) *served {
	t.Helper()
	mail, err := maillab.NewStore(maillab.StoreOptions{Open: true})
	if err != nil {
		t.Fatal(err)
	}
	b := Backend{Mail: mail, Journal: journal.New(journal.Limits{}), News: newslab.Sample(), Tree: base.NewTree(), Version: "test"}
	if change != nil {
		change(&b)
	}
	s := httptest.NewServer(New(b))
	t.Cleanup(s.Close)
	return &served{b, s.URL, t}
}

// call makes a request and returns the answer, whose status must be the wanted one.
func (s *served) call(want int, method, path, body string) string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != want {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, answer.StatusCode, want, text)
	}
	return string(text)
}

// receive takes a message.
func (s *served) receive(text string, to ...string) string {
	s.t.Helper()
	id, err := s.Mail.Receive(maillab.Envelope{From: "ann@shop.test", To: to}, strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n")))
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// TestMailpitClient runs a public client of Mailpit against the interface. client.json
// is what the same script prints with Mailpit 1.33.1.
func TestMailpitClient(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: installs an npm package")
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the client needs %s: %v", tool, err)
		}
	}
	script, err := filepath.Abs("testdata/client.cjs")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(name string, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, name, args...)
		c.Dir, c.Env = dir, append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"))
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := run("npm", "install", "--no-audit", "--no-fund", "mailpit-api@2.1.0"); err != nil {
		t.Skipf("the client cannot be installed: %v\n%s", err, out)
	}
	s := serve(t, nil)
	got, err := run("node", script, s.url)
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	want, err := os.ReadFile("testdata/client.json")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the client sees other things than with Mailpit:\n%s\nwant\n%s", got, want)
	}
}

const letter = "From: =?utf-8?q?Zo=C3=AB?= <zoe@shop.test>\nTo: Bob <bob@a.test>\nSubject: =?iso-8859-1?q?Gr=FC=DFe?=\nMessage-ID: <m1@shop.test>\n" +
	"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n" +
	"--b\nContent-Type: image/png; name=\"p.png\"\nContent-ID: <pic>\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b\nContent-Type: text/html\nContent-Disposition: attachment; filename=\"evil.html\"\n\n<script>1</script>\n--b--\n"

func TestMessageParts(t *testing.T) {
	s := serve(t, nil)
	id := s.receive(letter, "bob@a.test", "hidden@b.test")
	var m Message
	if err := json.Unmarshal([]byte(s.call(200, "GET", "/api/v1/message/"+id, "")), &m); err != nil {
		t.Fatal(err)
	}
	if m.Subject != "Grüße" || m.From.Name != "Zoë" || strings.TrimSpace(m.Text) != "Grüße" || m.HTML != "" || m.Bcc[0].Address != "hidden@b.test" {
		t.Errorf("message %+v", m)
	}
	if len(m.Inline) != 1 || m.Inline[0].ContentID != "pic" || len(m.Attachments) != 1 || m.Attachments[0].FileName != "evil.html" {
		t.Errorf("parts %+v, %+v", m.Inline, m.Attachments)
	}
	answer, err := http.Get(s.url + "/api/v1/message/" + id + "/part/" + m.Attachments[0].PartID)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if d := answer.Header.Get("Content-Disposition"); d != "attachment; filename=evil.html" {
		t.Errorf("HTML of a message is shown in place: %q", d)
	}
	s.call(404, "GET", "/api/v1/message/"+id+"/part/9", "")
	s.call(404, "GET", "/view/"+id+".html", "")
	if got := s.call(200, "GET", "/view/"+id+".txt", ""); strings.TrimSpace(got) != "Grüße" {
		t.Errorf("text %q", got)
	}
}

func TestViewOfHTML(t *testing.T) {
	s := serve(t, nil)
	id := s.receive("Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<img src=\"cid:pic\"><img src=\"http://far.test/a.png\">\n"+
		"--b\nContent-Type: image/png\nContent-ID: <pic>\nContent-Disposition: inline\n\nx\n--b--\n", "a@b.test")
	answer, err := http.Get(s.url + "/view/" + id + ".html")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	policy := answer.Header.Get("Content-Security-Policy")
	for _, want := range []string{"sandbox", "default-src 'none'", "img-src data: http://" + strings.TrimPrefix(s.url, "http://")} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "allow-same-origin") {
		t.Errorf("the policy allows too much: %q", policy)
	}
	if !strings.Contains(string(text), "../api/v1/message/"+id+"/part/2") {
		t.Errorf("the picture is not linked: %s", text)
	}
}

func TestMalformedMessages(t *testing.T) {
	s := serve(t, nil)
	deep := strings.Builder{}
	for i := range 60 {
		deep.WriteString("Content-Type: multipart/mixed; boundary=b" + strings.Repeat("x", i) + "\n\n--b" + strings.Repeat("x", i) + "\n")
	}
	for name, text := range map[string]string{
		"empty": "", "no header": "hello\n", "only a header": "Subject: x", "no end": letter[:len(letter)-8], "cut in a part": letter[:300],
		"wrong base64": "Content-Transfer-Encoding: base64\n\n!!!\n", "no boundary": "Content-Type: multipart/mixed\n\nx\n", "strange charset": "Content-Type: text/plain; charset=nonsense\n\nx\xff\n",
		"deep": deep.String(), "control": "Subject: a\x00b\n\n\x01\n", "wrong type": "Content-Type: ;;;\n\nx\n", "many To": "To: a@b, <c@d>, nonsense\nTo: e@f\n\nx\n",
	} {
		t.Run(name, func(t *testing.T) {
			id := s.receive(text, "a@b.test")
			s.call(200, "GET", "/api/v1/message/"+id, "")
			s.call(200, "GET", "/api/v1/message/"+id+"/raw", "")
			s.call(200, "GET", "/api/v1/messages", "")
			s.call(200, "GET", "/api/v1/search?query=nothing", "")
			s.call(200, "GET", "/api/v2/messages", "")
		})
	}
}

// TestManyAndDeep: a thousand attachments are all there and can be fetched, and so is the
// innermost of messages within messages, as part of the outermost.
func TestManyAndDeep(t *testing.T) {
	s := serve(t, nil)
	var many strings.Builder
	many.WriteString("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n")
	for i := range 1000 {
		fmt.Fprintf(&many, "--b\nContent-Disposition: attachment; filename=f%d.bin\n\ncontent %d\n", i, i)
	}
	id := s.receive(many.String()+"--b--\n", "a@b.test")
	var m Message
	if err := json.Unmarshal([]byte(s.call(200, "GET", "/api/v1/message/"+id, "")), &m); err != nil || len(m.Attachments) != 1000 {
		t.Fatalf("%d attachments, %v", len(m.Attachments), err)
	}
	if got := s.call(200, "GET", "/api/v1/message/"+id+"/part/"+m.Attachments[999].PartID, ""); got != "content 999" {
		t.Errorf("the last attachment: %q", got)
	}
	id = s.receive(strings.Repeat("Content-Type: message/rfc822\n\n", 10)+"Subject: within\n\nthe core\n", "a@b.test")
	m = Message{}
	if err := json.Unmarshal([]byte(s.call(200, "GET", "/api/v1/message/"+id, "")), &m); err != nil || len(m.Attachments) != 1 || m.Attachments[0].ContentType != "message/rfc822" {
		t.Fatalf("%+v, %v", m, err)
	}
	if got := s.call(200, "GET", "/api/v1/message/"+id+"/part/0", ""); !strings.Contains(got, "the core") {
		t.Errorf("the message within: %q", got)
	}
}

func TestMailHog(t *testing.T) {
	s := serve(t, nil)
	s.receive("Subject: one\n\nfirst\n", "bob@a.test")
	id := s.receive("Subject: two\n\nsecond\n", "carol@b.test")
	var list struct {
		Total, Count, Start int
		Items               []struct {
			ID      string
			To      []struct{ Mailbox, Domain string }
			Content struct {
				Headers map[string][]string
				Body    string
			}
			Raw struct{ From string }
		}
	}
	read := func(path string) {
		t.Helper()
		list.Items = nil
		if err := json.Unmarshal([]byte(s.call(200, "GET", path, "")), &list); err != nil {
			t.Fatal(err)
		}
	}
	read("/api/v2/messages?limit=1")
	if list.Total != 2 || list.Count != 1 || list.Items[0].Content.Headers["Subject"][0] != "two" || list.Items[0].To[0].Mailbox != "carol" || list.Items[0].Raw.From != "ann@shop.test" {
		t.Errorf("list %+v", list)
	}
	for path, want := range map[string]string{"kind=to&query=bob": "first\r\n", "kind=containing&query=second": "second\r\n"} {
		if read("/api/v2/search?" + path); list.Total != 1 || list.Items[0].Content.Body != want {
			t.Errorf("%s: %+v", path, list)
		}
	}
	s.call(400, "GET", "/api/v2/search?kind=nothing", "")
	s.call(200, "GET", "/api/v1/messages/"+id, "")
	s.call(200, "DELETE", "/api/v1/messages/"+id, "")
	s.call(404, "GET", "/api/v1/messages/"+id, "")
	s.call(200, "DELETE", "/api/v1/messages", "")
	if read("/api/v2/messages"); list.Total != 0 {
		t.Errorf("left: %+v", list)
	}
}

func TestWait(t *testing.T) {
	s := serve(t, nil)
	s.receive("Subject: old\n\nx\n", "bob@a.test")
	start := time.Now()
	s.call(408, "GET", "/api/wait?to=bob&subject=welcome&timeout=50ms", "")
	if time.Since(start) < 50*time.Millisecond {
		t.Error("it did not wait")
	}
	s.call(400, "GET", "/api/wait?timeout=soon", "")
	s.call(404, "GET", "/api/wait/nothing", "")
	come := map[string]func(){
		"?to=bob&subject=welcome":                    func() { s.receive("Subject: Welcome\n\nhello Bob\n", "bob@a.test") },
		"?query=subject:second":                      func() { s.receive("Subject: second\n\nx\n", "carol@a.test") },
		"?from=ann&body=the+body":                    func() { s.receive("Subject: y\n\nThe body\n", "dave@a.test") },
		"/files?path=up.txt":                         func() { s.Journal.AddFile(journal.File{Path: "/incoming/up.txt", Protocol: "ftp"}) },
		"/posts?group=local.test&subject=hello":      func() { s.Journal.AddPost(journal.Post{ID: "<1@x>", Groups: "local.test", Subject: "Hello"}) },
		"/requests?method=post&path=/hook&body=paid": func() { s.Journal.AddRequest(journal.Request{Method: "POST", URI: "/hook/1", Body: []byte("paid")}) },
	}
	for query, happen := range come {
		t.Run(query, func(t *testing.T) {
			done := make(chan string)
			go func() {
				answer, err := http.Get(s.url + "/api/wait" + query + sep(query) + "timeout=20s")
				if err != nil {
					done <- err.Error()
					return
				}
				answer.Body.Close()
				done <- answer.Status
			}()
			time.Sleep(20 * time.Millisecond) // most likely it waits by then; it must work either way
			happen()
			if got := <-done; got != "200 OK" {
				t.Error(got)
			}
		})
	}
}

func sep(query string) string {
	if strings.Contains(query, "?") {
		return "&"
	}
	return "?"
}

func TestFilesPostsRequests(t *testing.T) {
	s := serve(t, nil)
	if err := s.Tree.WriteFile("/up.txt", []byte("content")); err != nil {
		t.Fatal(err)
	}
	s.Journal.AddFile(journal.File{Path: "/up.txt", Protocol: "ftp", Size: 7})
	id := s.Journal.Files()[0].ID
	if got := s.call(200, "GET", "/api/files/"+id, ""); got != "content" {
		t.Errorf("file %q", got)
	}
	s.call(200, "DELETE", "/api/files/"+id, "")
	if _, err := s.Tree.Stat("/up.txt"); err == nil {
		t.Error("the file is still there")
	}
	s.call(404, "GET", "/api/files/"+id, "")
	s.Journal.AddPost(journal.Post{ID: "<1@lab.invalid>"})
	if got := s.call(200, "GET", "/api/posts/%3C1@lab.invalid%3E", ""); !strings.Contains(got, "First article") {
		t.Errorf("article %q", got)
	}
	s.call(200, "DELETE", "/api/posts/%3C1@lab.invalid%3E", "")
	s.call(404, "GET", "/api/posts/%3C1@lab.invalid%3E", "")
	s.Journal.AddRequest(journal.Request{Method: "POST", Body: []byte("\xff\x00")})
	if got := s.call(200, "GET", "/api/requests/"+s.Journal.Requests()[0].ID, ""); !strings.Contains(got, `"body_base64":"/wA="`) {
		t.Errorf("request %s", got)
	}
	s.Journal.AddStep("smtp", base.Step{Conn: 1, Kind: base.StepConnect, Text: "127.0.0.1:9"})
	s.Journal.AddStep("smtp", base.Step{Conn: 1, Kind: base.StepSend, Text: "EHLO x"})
	if got := s.call(200, "GET", "/api/talks/smtp-1", ""); !strings.Contains(got, `"text":"EHLO x"`) {
		t.Errorf("talk %s", got)
	}
	s.call(404, "GET", "/api/talks/smtp-2", "")
}

func TestFaultsAndRelay(t *testing.T) {
	set := map[string]string{}
	var relayed []string
	s := serve(t, func(b *Backend) {
		b.Servers = func() []Server { return []Server{{Protocol: "smtp", Fault: set["smtp"]}} }
		b.SetFaults = func(f map[string]string) error {
			if f["smtp"] == "nonsense" {
				return errors.New("unknown kind of fault")
			}
			set = f
			return nil
		}
		b.RelayTo = regexp.MustCompile(`@ok\.test$`)
		b.Relay = func(_ context.Context, from string, to []string, id string) error {
			relayed = append(relayed, from+" "+strings.Join(to, ",")+" "+id)
			return nil
		}
	})
	if got := s.call(200, "PUT", "/api/faults", `{"faults":{"smtp":"delay=1s"}}`); !strings.Contains(got, `"smtp":"delay=1s"`) {
		t.Errorf("faults %s", got)
	}
	s.call(400, "PUT", "/api/faults", `{"faults":{"smtp":"nonsense"}}`)
	s.call(400, "PUT", "/api/faults", `{}`)
	s.call(400, "PUT", "/api/faults", `{"faults":`)
	id := s.receive("Subject: x\n\nx\n", "a@b.test")
	s.call(200, "POST", "/api/v1/message/"+id+"/release", `{"To":["Bob <bob@ok.test>"]}`)
	s.call(400, "POST", "/api/v1/message/"+id+"/release", `{"To":["bob@elsewhere.test"]}`)
	s.call(400, "POST", "/api/v1/message/"+id+"/release", `{"To":["nonsense"]}`)
	s.call(400, "POST", "/api/v1/message/"+id+"/release", `{}`)
	if want := []string{"ann@shop.test bob@ok.test " + id}; !slices.Equal(relayed, want) {
		t.Errorf("relayed %q, want %q", relayed, want)
	}
	s.call(400, "POST", "/api/v1/message/latest/release", "")
}

func TestSendRefusesWhatWouldBreakTheMessage(t *testing.T) {
	s := serve(t, func(b *Backend) { b.MaxSize = 2000 })
	for _, body := range []string{
		`{"From":{"Email":"a@b.test"},"To":[{"Email":"c@d.test"}],"Headers":{"X":"a\r\nBcc: evil@x"}}`,
		`{"From":{"Email":"a@b.test"},"To":[{"Email":"c@d.test"}],"Headers":{"Subject":"other"}}`,
		`{"From":{"Email":"a@b.test"},"To":[{"Email":"c@d.test"}],"Headers":{"X Y":"z"}}`,
		`{"From":{"Email":"nobody"},"To":[{"Email":"c@d.test"}]}`,
		`{"From":{"Email":"a@b.test"},"Attachments":[{"Content":"!","Filename":"x"}]}`,
		`nonsense`,
	} {
		s.call(400, "POST", "/api/v1/send", body)
	}
	s.call(413, "POST", "/api/v1/send", `{"Text":"`+strings.Repeat("x", 3000)+`"}`)
	if n := s.Mail.Totals().Messages; n != 0 {
		t.Errorf("%d messages were taken", n)
	}
}

// TestDocument: every call is in the OpenAPI document, and none that is not there.
func TestDocument(t *testing.T) {
	s := serve(t, nil)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.NewDecoder(bytes.NewBufferString(s.call(200, "GET", "/api", ""))).Decode(&doc); err != nil || doc.OpenAPI == "" {
		t.Fatalf("%+v, %v", doc, err)
	}
	known := map[string]bool{"GET /api/events": true, "GET /api": true, "GET /api/{$}": true, "GET /livez": true, "GET /readyz": true, "GET /api/v1/messages/{id}/mime/part/{part}/download": true}
	for pattern := range New(s.Backend).routes() {
		method, path, _ := strings.Cut(pattern, " ")
		if doc.Paths[path][strings.ToLower(method)] == nil && !known[pattern] {
			t.Errorf("%s is not in the document", pattern)
		}
		known[pattern] = true
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			if !known[strings.ToUpper(method)+" "+path] {
				t.Errorf("%s %s is in the document alone", method, path)
			}
		}
	}
}
