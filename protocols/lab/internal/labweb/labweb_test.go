package labweb

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/internal/labapi"
	"github.com/netclients/netclients/protocols/lab/journal"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// pageOf serves the page of an empty store.
func pageOf(t *testing.T, hosts ...string) (*httptest.Server, *labapi.API) {
	t.Helper()
	mail, err := maillab.NewStore(maillab.StoreOptions{Open: true})
	if err != nil {
		t.Fatal(err)
	}
	api := labapi.New(labapi.Backend{Mail: mail, Journal: journal.New(journal.Limits{})})
	s := httptest.NewServer(New(Options{API: api, Hosts: hosts}))
	t.Cleanup(s.Close)
	return s, api
}

// ask makes a request with header fields, given in pairs, and returns the answer.
func ask(t *testing.T, method, url string, fields ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func TestGuard(t *testing.T) {
	s, _ := pageOf(t, "lab.test")
	for name, c := range map[string]struct {
		method, path string
		fields       []string
		want         int
	}{
		"the page":                  {"GET", "/", nil, 200},
		"localhost":                 {"GET", "/", []string{"Host", "localhost:8025"}, 200},
		"an IPv6 address":           {"GET", "/", []string{"Host", "[::1]:8025"}, 200},
		"a name of the options":     {"GET", "/", []string{"Host", "LAB.test."}, 200},
		"a name of another site":    {"GET", "/api/v1/messages", []string{"Host", "evil.test:8025"}, 421},
		"a name that looks like it": {"GET", "/", []string{"Host", "127.0.0.1.evil.test"}, 421},
		"a program":                 {"DELETE", "/api/v1/messages", nil, 200},
		"the page itself":           {"DELETE", "/api/v1/messages", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		"another site":              {"DELETE", "/api/v1/messages", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"an old browser":            {"DELETE", "/api/v1/messages", []string{"Origin", "http://evil.test"}, 403},
		"a sandbox":                 {"DELETE", "/api/v1/messages", []string{"Origin", "null"}, 403},
		"a file that is not there":  {"GET", "/page.tmpl", nil, 404},
	} {
		if answer, _ := ask(t, c.method, s.URL+c.path, c.fields...); answer.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", name, answer.StatusCode, c.want)
		}
	}
}

// TestPageNeedsNothingFromElsewhere looks for links to other hosts, and for scripts and
// styles in the page, which its policy would not run.
func TestPageNeedsNothingFromElsewhere(t *testing.T) {
	s, _ := pageOf(t)
	answer, page := ask(t, "GET", s.URL+"/")
	if p := answer.Header.Get("Content-Security-Policy"); p != pagePolicy {
		t.Errorf("policy %q", p)
	}
	if regexp.MustCompile(`<style|style=|\son[a-z]+=|<script>`).MatchString(page) {
		t.Error("the page has a style or script in it, which its policy forbids")
	}
	for _, path := range []string{"/", "/lab.js", "/lab.css"} {
		_, text := ask(t, "GET", s.URL+path)
		if found := regexp.MustCompile(`https?://[^"'\s]+`).FindString(text); found != "" {
			t.Errorf("%s leads to %s", path, found)
		}
	}
	if _, script := ask(t, "GET", s.URL+"/lab.js"); strings.Contains(script, "innerHTML") || strings.Contains(script, "document.write") || strings.Contains(script, "eval(") {
		t.Error("the script makes HTML of text")
	}
}

func TestAnswersFromMessagesAreSandboxed(t *testing.T) {
	s, api := pageOf(t)
	id, err := api.Mail.Receive(maillab.Envelope{}, strings.NewReader("Content-Type: text/html\r\n\r\n<script>1</script>\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/message/" + id + "/raw", "/view/" + id + ".html", "/api/v1/message/" + id + "/part/0"} {
		answer, _ := ask(t, "GET", s.URL+path)
		if p := answer.Header.Get("Content-Security-Policy"); !strings.HasPrefix(p, "sandbox") || strings.Contains(p, "allow-scripts") {
			t.Errorf("%s: policy %q", path, p)
		}
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be taken for another type", path)
		}
	}
}

func TestEvents(t *testing.T) {
	s, api := pageOf(t)
	answer, err := http.Get(s.URL + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := make(chan string, 100)
	go func() {
		in := bufio.NewScanner(answer.Body)
		for in.Scan() {
			lines <- in.Text()
		}
	}()
	next := func(want string) {
		t.Helper()
		end := time.After(10 * time.Second)
		for {
			select {
			case line := <-lines:
				if strings.HasPrefix(line, "data: ") && strings.Contains(line, want) {
					return
				}
			case <-end:
				t.Fatalf("no event with %q", want)
			}
		}
	}
	next(`"kind":"hello"`)
	api.Journal.AddFile(journal.File{Path: "/a\nb"})
	next(`"path":"/a\nb"`)
	for range 3000 {
		api.Journal.Tell(journal.Event{Kind: "mail", ID: strings.Repeat("x", 4000)})
	}
	next(`"kind":"mail"`)
}

// TestBelowAPrefix: the page works where a program puts it.
func TestBelowAPrefix(t *testing.T) {
	_, api := pageOf(t)
	mux := http.NewServeMux()
	mux.Handle("/lab/", http.StripPrefix("/lab", New(Options{API: api})))
	s := httptest.NewServer(mux)
	defer s.Close()
	_, page := ask(t, "GET", s.URL+"/lab/")
	for _, found := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(found[1], "/") {
			t.Errorf("the page leads to %s, above its place", found[1])
		}
	}
	if answer, _ := ask(t, "GET", s.URL+"/lab/api/v1/messages"); answer.StatusCode != 200 {
		t.Errorf("status %d", answer.StatusCode)
	}
}
