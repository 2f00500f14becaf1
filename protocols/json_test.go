package protocols

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"time"
)

// entryJSON has names and order of the keys, for the standard library.
type entryJSON struct {
	Protocol string            `json:"protocol"`
	URL      string            `json:"url,omitempty"`
	Name     string            `json:"name"`
	Path     string            `json:"path,omitempty"`
	Type     Type              `json:"type"`
	Size     *int64            `json:"size,omitempty"`
	Modified string            `json:"modified,omitempty"`
	Mode     string            `json:"mode,omitempty"`
	Target   string            `json:"target,omitempty"`
	Owner    string            `json:"owner,omitempty"`
	Group    string            `json:"group,omitempty"`
	ID       string            `json:"id,omitempty"`
	Facts    map[string]string `json:"facts,omitempty"`
	Raw      string            `json:"raw,omitempty"`
	*MessageInfo
	*GroupInfo
}

// reflected is the entry as the standard library writes it.
func reflected(t *testing.T, e Entry) string {
	t.Helper()
	j := entryJSON{
		Protocol: e.Protocol, URL: e.URL, Name: e.Name, Path: e.Path, Type: e.Type, Target: e.Target,
		Owner: e.Owner, Group: e.Group, ID: e.ID, Facts: e.Facts, Raw: e.Raw,
		MessageInfo: e.MessageInfo, GroupInfo: e.GroupInfo,
	}
	if e.Size >= 0 {
		j.Size = &e.Size
	}
	if !e.Modified.IsZero() {
		j.Modified = e.Modified.UTC().Format(time.RFC3339Nano)
	}
	if e.HasMode {
		j.Mode = OctalMode(e.Mode)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(j); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// FuzzEntryJSON: whatever servers send, the line is what the standard library
// makes of the same fields.
func FuzzEntryJSON(f *testing.F) {
	var all strings.Builder
	for c := range 256 {
		all.WriteByte(byte(c))
	}
	f.Add("name", "a<b>&c", int64(12), true)
	f.Add(all.String(), "\u2028\u2029\ufffd\U0001f600 \"\\", int64(-1), false)
	f.Add("\xf0\x9f\x98", "", int64(0), true)
	f.Fuzz(func(t *testing.T, s, v string, n int64, full bool) {
		e := Entry{Protocol: "nntp", Name: s, Type: TypeMessage, Size: n, ID: v, Raw: v}
		if full {
			e.URL, e.Path, e.Target, e.Owner, e.Group = v, s, v, s, v
			e.Mode, e.HasMode, e.Modified = fs.FileMode(n), true, time.Unix(n%1e10, n%1e9)
			e.Facts = map[string]string{s: v, v: s, "a": "", "": "x"}
			e.MessageInfo = &MessageInfo{Number: n, UID: s, MessageID: v, From: s, To: v, Subject: s, Date: v, Flags: []string{s, v}}
			e.GroupInfo = &GroupInfo{Count: n, Low: n, High: n, Posting: v}
		}
		got, err := e.MarshalJSON()
		if want := reflected(t, e); err != nil || string(got) != want {
			t.Errorf("got  %s\nwant %s (%v)", got, want, err)
		}
	})
}

func BenchmarkEntryJSON(b *testing.B) {
	e := Entry{
		Protocol: "nntp", URL: "nntp://127.0.0.1:119/local.bench/57", Name: "57", Path: "local.bench/57", Type: TypeMessage, Size: 3306,
		Modified: time.Unix(1700000000, 0), ID: "<57@lab.invalid>", Facts: map[string]string{"lines": "58", "xref": "lab local.bench:57"},
		MessageInfo: &MessageInfo{Number: 57, MessageID: "<57@lab.invalid>", From: "Poster <p@lab.invalid>", Subject: "Article 57", Date: "Mon, 1 Jan 2024 00:00:00 +0000"},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.MarshalJSON(); err != nil {
			b.Fatal(err)
		}
	}
}
