package protocols

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"
)

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
		j.Modified = e.Modified.UTC()
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
		var back Entry
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		again, err := back.MarshalJSON()
		var was, is any
		if err := errors.Join(err, json.Unmarshal(got, &was), json.Unmarshal(again, &is)); err != nil || !reflect.DeepEqual(was, is) {
			t.Errorf("read again: %s\nwas written: %s (%v)", again, got, err)
		}
	})
}

// TestEntryReadsItsJSON: an entry that was written and read is the same, and what is
// not known stays so.
func TestEntryReadsItsJSON(t *testing.T) {
	for _, e := range []Entry{
		{Name: "empty", Size: 0},
		{Name: "unknown size", Size: SizeUnknown},
		{Name: "no mode", Mode: 0, HasMode: false},
		{Name: "no bits", HasMode: true},
		{Name: "set-uid", Mode: 0o750 | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky, HasMode: true},
		{Protocol: "ftp", URL: "ftp://h/a", Name: "a", Path: "a", Type: TypeLink, Target: "b", Owner: "o", Group: "g", ID: "1", Raw: "x", Facts: map[string]string{"k": "v"}},
		{Name: "time", Modified: time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)},
		{Name: "message", MessageInfo: &MessageInfo{Number: 1, UID: "2", MessageID: "<3>", From: "a", To: "b", Subject: "c", Date: "d", Flags: []string{}}},
		{Name: "group", Type: TypeGroup, GroupInfo: &GroupInfo{Count: 0, Low: 1, High: 0, Posting: "y"}},
	} {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		back := Entry{Name: "earlier", Owner: "earlier", GroupInfo: &GroupInfo{Count: 9}}
		if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%s\n got %+v, %v\nwant %+v", b, back, err, e)
		}
	}
	for _, bad := range []string{`[]`, `{"mode":"99"}`, `{"mode":"-1"}`, `{"mode":"20000"}`, `{"mode":420}`, `{"size":"1"}`, `{"size":-5}`, `{"modified":"yesterday"}`} {
		var e Entry
		if err := json.Unmarshal([]byte(bad), &e); err == nil {
			t.Errorf("%s was read as %+v", bad, e)
		}
	}
}

// TestSizeOf: zero with a reader is unknown, unless the reader knows.
func TestSizeOf(t *testing.T) {
	for _, c := range []struct {
		r          io.Reader
		size, want int64
	}{
		{nil, 0, 0}, {nil, 5, 0}, {nil, SizeUnknown, 0},
		{strings.NewReader("abc"), 0, 3}, {strings.NewReader("abc"), SizeUnknown, 3}, {strings.NewReader("abc"), 9, 9}, {strings.NewReader(""), 0, 0},
		{io.MultiReader(), 0, SizeUnknown}, {io.MultiReader(), SizeUnknown, SizeUnknown}, {io.MultiReader(), 4, 4},
	} {
		if got := SizeOf(c.r, c.size); got != c.want {
			t.Errorf("SizeOf(%T, %d) = %d, want %d", c.r, c.size, got, c.want)
		}
	}
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

// TestAppendJSON: what MarshalJSON returns comes after what is there.
func TestAppendJSON(t *testing.T) {
	e := Entry{Protocol: "ftp", Name: "a\"b", Type: TypeFile, Size: 5, MessageInfo: &MessageInfo{Subject: "hi"}}
	want, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if got := e.AppendJSON([]byte("before ")); string(got) != "before "+string(want) {
		t.Errorf("%s", got)
	}
}
