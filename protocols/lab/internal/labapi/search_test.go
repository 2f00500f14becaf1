package labapi

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestSearchSyntax(t *testing.T) {
	s := serve(t, nil)
	names := map[string]string{}
	for name, text := range map[string]string{
		"plain":  "From: Zoe <zoe@shop.test>\nTo: bob@a.test\nCc: carol@a.test\nSubject: Hello World\nMessage-ID: <m1@shop.test>\n\nthe quick fox\n",
		"file":   "From: ann@shop.test\nTo: dave@b.test\nReply-To: desk@shop.test\nSubject: Invoice\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee there\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\nx\n--b--\n",
		"tagged": "From: ann@shop.test\nTo: bob@a.test\nSubject: World of hello\n\n" + strings.Repeat("x", 3000) + "\n",
	} {
		names[s.receive(text, "bob@a.test")] = name
	}
	for id, name := range names {
		if name == "tagged" {
			s.call(200, "PUT", "/api/v1/tags", `{"Tags": ["Late bird"], "IDs": ["`+id+`"]}`)
			s.call(200, "PUT", "/api/v1/messages", `{"Read": true, "IDs": ["`+id+`"]}`)
		}
	}
	for query, want := range map[string]string{
		"from:zoe": "plain", "to:dave": "file", "cc:carol": "plain", "bcc:bob": "file", "reply-to:desk": "file", "addressed:carol": "plain",
		"subject:invoice": "file", `subject:"hello world"`: "plain", `"quick fox"`: "plain", "quick there": "", "message-id:m1": "plain",
		"-from:zoe": "file tagged", "!from:zoe -has:attachment": "tagged", `-"quick fox" -is:read`: "file",
		"has:attachment": "file", "has:attachments": "file", "is:read": "tagged", "is:unread": "file plain", "is:tagged": "tagged",
		`tag:"late bird"`: "tagged", "tag:late": "", `-tag:"late bird"`: "file plain", `tag:"LATE BIRD"`: "tagged",
		"larger:2k": "tagged", "smaller:2KB": "file plain", "before:2001-01-01": "", "after:2001-01-01": "file plain tagged", "-after:2001-01-01T00:00:00Z": "",
	} {
		t.Run(query, func(t *testing.T) {
			if got := s.found(names, query, ""); got != want {
				t.Errorf("found %q, want %q", got, want)
			}
		})
	}
	s.call(400, "GET", "/api/v1/search?query=%20", "")
	s.call(400, "GET", "/api/v1/search?query=before:soon", "")
	for more, want := range map[string]int{"&limit=2": 2, "&limit=2&start=2": 1, "&start=3": 0, "&start=99": 0, "&limit=nonsense": 3} {
		var p page
		text := s.call(200, "GET", "/api/v1/search?query=addressed:test"+more, "")
		if err := json.Unmarshal([]byte(text), &p); err != nil || len(p.Messages) != want || p.Found != 3 || p.NotRead != 2 || p.Total != 3 {
			t.Errorf("%s: %+v, %v; want %d of 3", more, p, err, want)
		}
		if !strings.Contains(text, `"messages":[`) {
			t.Errorf("%s: no list: %s", more, text)
		}
	}
}

// found returns the names of the messages that a search finds, sorted.
func (s *served) found(names map[string]string, query, more string) string {
	s.t.Helper()
	var p page
	if err := json.Unmarshal([]byte(s.call(200, "GET", "/api/v1/search?query="+url.QueryEscape(query)+more, "")), &p); err != nil {
		s.t.Fatal(err)
	}
	there := map[string]bool{}
	for _, m := range p.Messages {
		there[names[m.ID]] = true
	}
	var list []string
	for _, name := range []string{"file", "plain", "tagged"} {
		if there[name] {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}
