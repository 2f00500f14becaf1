package http

import (
	"regexp"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestProbeAnswer: a server whose page says no is not up, and the report has the status.
func TestProbeAnswer(t *testing.T) {
	re := regexp.MustCompile
	within := func(first, last int) []protocols.StatusRange {
		return []protocols.StatusRange{{First: first, Last: last}}
	}
	for name, c := range map[string]struct {
		answer string
		want   protocols.Expectation
		status int
		says   string // empty: up
	}{
		"200":                     {"200 OK", protocols.Expectation{}, 200, ""},
		"a redirect":              {"301 Moved\r\nLocation: /x", protocols.Expectation{}, 301, ""},
		"404":                     {"404 Not Found", protocols.Expectation{}, 404, "404 Not Found"},
		"503":                     {"503 Busy", protocols.Expectation{}, 503, "503 Busy"},
		"401":                     {"401 Login", protocols.Expectation{}, 401, "401 Login"},
		"404, which is expected":  {"404 Not Found", protocols.Expectation{Status: within(404, 404)}, 404, ""},
		"200, which is not":       {"200 OK", protocols.Expectation{Status: within(201, 299)}, 200, "was not expected"},
		"the body":                {"200 OK", protocols.Expectation{Body: re("^in st.ck$")}, 200, ""},
		"another body":            {"200 OK", protocols.Expectation{Body: re("sold out")}, 200, `the body does not match "sold out"`},
		"a header":                {"200 OK\r\nX-A: one\r\nX-A: two", protocols.Expectation{Header: map[string]*regexp.Regexp{"x-a": re("^two$")}}, 200, ""},
		"another header":          {"200 OK\r\nX-A: one", protocols.Expectation{Header: map[string]*regexp.Regexp{"x-a": re("^two$")}}, 200, "no header x-a matches"},
		"no such header":          {"200 OK", protocols.Expectation{Header: map[string]*regexp.Regexp{"X-B": re("")}}, 200, "no header X-B matches"},
		"a body beyond the limit": {"200 OK\r\nX-Fill: 1", protocols.Expectation{Body: re("the end$")}, 200, "does not match"},
	} {
		t.Run(name, func(t *testing.T) {
			body := "in stock"
			if strings.Contains(c.answer, "X-Fill") {
				body = strings.Repeat("x", mostProbed) + "the end"
			}
			s := startRaw(t, "HTTP/1.1 "+c.answer+"\r\nConnection: close\r\n\r\n"+body)
			client := labtest.Open(t, New, s.url, nil)
			client.Expect(c.want)
			r, err := client.Probe(t.Context())
			if r.Status != c.status || r.Up != (c.says == "") || (err == nil) != r.Up {
				t.Fatalf("%+v: %v", r, err)
			}
			if !r.Up && (r.Phase != "answer" || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("failed at %s: %v", r.Phase, err)
			}
			if heads := s.heads; len(heads) != 1 || !strings.HasPrefix(heads[0], "GET / HTTP/1.1\r\n") {
				t.Errorf("requests: %q", heads)
			}
		})
	}
}
