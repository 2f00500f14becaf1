package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

func contentOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	check(t, err)
	return string(b)
}

// onlyFile fails when the folder holds anything but the one name.
func onlyFile(t *testing.T, dir string, names ...string) {
	t.Helper()
	var got []string
	in, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range in {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("the folder holds %q, want %q", got, names)
	}
}

func TestCopyResumesWhereItStopped(t *testing.T) {
	want := pattern(3 << 20)
	s := newServer(map[string]string{"f": want})
	s.cuts["f"] = []int64{1 << 20, 5, 0}
	var offsets []int64
	s.onGet = func(_ string, offset int64) { offsets = append(offsets, offset) }
	dir := t.TempDir()
	o := quick()
	r, err := Copy(t.Context(), s.end("f"), localEnd(filepath.Join(dir, "out")), &o)
	check(t, err)
	if contentOf(t, filepath.Join(dir, "out")) != want {
		t.Error("content differs")
	}
	if len(offsets) != 4 || offsets[1] != 1<<20 || offsets[3] != 1<<20+5 {
		t.Errorf("asked at %v", offsets)
	}
	if r.Bytes != int64(len(want)) || r.Status != StatusDone {
		t.Errorf("result %+v", r)
	}
	info, err := os.Stat(filepath.Join(dir, "out"))
	check(t, err)
	if !info.ModTime().Equal(then) {
		t.Errorf("time is %v", info.ModTime())
	}
	onlyFile(t, dir, "out")
}

func TestCopyGivesUp(t *testing.T) {
	s := newServer(map[string]string{"f": pattern(100)})
	s.cuts["f"] = []int64{1, 1, 1, 1, 1, 1}
	dir := t.TempDir()
	o := quick()
	o.Retries = 2
	gets := 0
	s.onGet = func(string, int64) { gets++ }
	_, err := Copy(t.Context(), s.end("f"), localEnd(filepath.Join(dir, "out")), &o)
	if protocols.KindOf(err) != protocols.KindConnect || gets != 3 {
		t.Errorf("%v after %d attempts", err, gets)
	}
	onlyFile(t, dir)
}

func TestCopyDoesNotRepeatRefusals(t *testing.T) {
	s := newServer(nil)
	gets := 0
	s.onGet = func(string, int64) { gets++ }
	o := quick()
	dir := t.TempDir()
	_, err := Copy(t.Context(), s.end("f"), localEnd(filepath.Join(dir, "out")), &o)
	if !errors.Is(err, fs.ErrNotExist) || gets != 1 {
		t.Errorf("%v after %d attempts", err, gets)
	}
	onlyFile(t, dir)
}

// broken leaves a part of f, as a run does that was stopped.
func broken(t *testing.T, s *fakeServer, out string, at int64) {
	t.Helper()
	s.cuts["f"] = []int64{at}
	o := Options{Retries: -1}
	_, err := Copy(t.Context(), s.end("f"), localEnd(out), &o)
	if err == nil {
		t.Fatal("the cut was not noticed")
	}
	info, err := os.Stat(file.PartName(out))
	check(t, err)
	if info.Size() != at {
		t.Fatalf("the part has %d bytes", info.Size())
	}
}

func TestCopyContinueNeedsProof(t *testing.T) {
	tests := map[string]struct {
		change  func(s *fakeServer)
		resumed bool
	}{
		"same":         {func(*fakeServer) {}, true},
		"other time":   {func(s *fakeServer) { s.times["f"] = then.Add(time.Hour) }, false},
		"other id":     {func(s *fakeServer) { s.id = "2" }, false},
		"other size":   {func(s *fakeServer) { s.files["f"] = append(s.files["f"], 'x') }, false},
		"smaller":      {func(s *fakeServer) { s.files["f"] = s.files["f"][:10] }, false},
		"no offsets":   {func(s *fakeServer) { s.noSeek = true }, false},
		"then the cut": {func(s *fakeServer) { s.cuts["f"] = []int64{7} }, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(map[string]string{"f": pattern(2 << 20)})
			s.id = "1"
			dir := t.TempDir()
			out := filepath.Join(dir, "out")
			broken(t, s, out, 1<<20)
			tt.change(s)
			for i := range s.files["f"] {
				if !tt.resumed {
					s.files["f"][i] ^= 0xff
				}
			}
			o := quick()
			o.Continue = true
			r, err := Copy(t.Context(), s.end("f"), localEnd(out), &o)
			check(t, err)
			if contentOf(t, out) != string(s.files["f"]) {
				t.Error("content is not the server's")
			}
			if resumed := r.ResumedAt == 1<<20; resumed != tt.resumed {
				t.Errorf("resumed at %d", r.ResumedAt)
			}
			onlyFile(t, dir, "out")
			if r, err = Copy(t.Context(), s.end("f"), localEnd(out), &o); err != nil || r.Status != StatusSkipped {
				t.Errorf("again: %v %v", r.Status, err)
			}
		})
	}
}

func TestCopyWithoutContinueStartsAgain(t *testing.T) {
	s := newServer(map[string]string{"f": pattern(2 << 20)})
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	broken(t, s, out, 1<<20)
	r, err := Copy(t.Context(), s.end("f"), localEnd(out), nil)
	check(t, err)
	if r.ResumedAt != 0 || contentOf(t, out) != pattern(2<<20) {
		t.Errorf("resumed at %d", r.ResumedAt)
	}
	onlyFile(t, dir, "out")
}

func TestCopyKeepsPartWhenLoginFails(t *testing.T) {
	s := newServer(map[string]string{"f": pattern(2 << 20)})
	out := filepath.Join(t.TempDir(), "out")
	broken(t, s, out, 1<<20)
	s.fails["get f"] = &protocols.Error{Kind: protocols.KindAuth, Text: "530 no"}
	s.fails["stat f"] = s.fails["get f"]
	_, err := Copy(t.Context(), s.end("f"), localEnd(out), &Options{Continue: true})
	if protocols.KindOf(err) != protocols.KindAuth {
		t.Errorf("%v", err)
	}
	if info, err := os.Stat(file.PartName(out)); err != nil || info.Size() != 1<<20 {
		t.Errorf("the part is gone: %v", err)
	}
}

func TestCopyLyingSizes(t *testing.T) {
	for _, lie := range []int64{5, 15} {
		s := newServer(map[string]string{"f": pattern(10)})
		s.lie["f"] = lie
		dir := t.TempDir()
		o := quick()
		_, err := Copy(t.Context(), s.end("f"), localEnd(filepath.Join(dir, "out")), &o)
		if protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("size %d: %v", lie, err)
		}
		onlyFile(t, dir)
	}
}

func TestCopyMaxSize(t *testing.T) {
	for _, told := range []int64{-1, 10, 100} {
		s := newServer(map[string]string{"f": pattern(100)})
		s.lie["f"] = told
		dir := t.TempDir()
		o := quick()
		o.MaxSize = 50
		_, err := Copy(t.Context(), s.end("f"), localEnd(filepath.Join(dir, "out")), &o)
		if protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("told %d: %v", told, err)
		}
		onlyFile(t, dir)
		var b bytes.Buffer
		if _, err := CopyTo(t.Context(), s.end("f"), &b, &o); protocols.KindOf(err) != protocols.KindProtocol || b.Len() > 50 {
			t.Errorf("told %d: stream of %d bytes: %v", told, b.Len(), err)
		}
	}
}

func TestCopyRange(t *testing.T) {
	s := newServer(map[string]string{"f": "0123456789"})
	out := filepath.Join(t.TempDir(), "out")
	s.cuts["f"] = []int64{2}
	o := quick()
	o.Offset, o.Length = 3, 4
	_, err := Copy(t.Context(), s.end("f"), localEnd(out), &o)
	check(t, err)
	if got := contentOf(t, out); got != "3456" {
		t.Errorf("got %q", got)
	}
}

func TestCopyUploadResumes(t *testing.T) {
	want := pattern(3 << 20)
	in := filepath.Join(t.TempDir(), "in")
	check(t, os.WriteFile(in, []byte(want), 0o600))
	s := newServer(nil)
	s.cuts["put up"] = []int64{2 << 20, 10}
	o := quick()
	r, err := Copy(t.Context(), localEnd(in), s.end("up"), &o)
	check(t, err)
	if string(s.files["up"]) != want || r.ResumedAt != 2<<20+10 {
		t.Errorf("%d bytes there, resumed at %d", len(s.files["up"]), r.ResumedAt)
	}
	if r.Protocol != "fake" {
		t.Errorf("protocol %q", r.Protocol)
	}
}

func TestCopyUploadContinue(t *testing.T) {
	want := pattern(3 << 20)
	in := filepath.Join(t.TempDir(), "in")
	check(t, os.WriteFile(in, []byte(want), 0o600))
	for _, same := range []bool{true, false} {
		s := newServer(map[string]string{"up.ncpart": want[:2<<20]})
		if !same {
			s.files["up.ncpart"][2<<20-5] ^= 1
		}
		o := quick()
		o.Continue = true
		r, err := Copy(t.Context(), localEnd(in), s.end("up"), &o)
		check(t, err)
		if string(s.files["up"]) != want || r.ResumedAt > 0 != same {
			t.Errorf("same %v: resumed at %d", same, r.ResumedAt)
		}
	}
}

func TestCopyUploadIsNotStoredWhenTheSourceIsCut(t *testing.T) {
	a, b := newServer(map[string]string{"f": pattern(1000)}), newServer(nil)
	a.lie["f"] = 2000
	o := quick()
	_, err := Copy(t.Context(), a.end("f"), b.end("g"), &o)
	if protocols.KindOf(err) != protocols.KindProtocol || b.files["g"] != nil {
		t.Errorf("%v, stored %d", err, len(b.files["g"]))
	}
}

func TestCopyAppendIsNeverRepeated(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in")
	check(t, os.WriteFile(in, []byte("0123456789"), 0o600))
	s := newServer(nil)
	s.cuts["put up"] = []int64{4, 4, 4}
	o := quick()
	o.Append = true
	_, err := Copy(t.Context(), localEnd(in), s.end("up"), &o)
	if err == nil || s.changes != 1 {
		t.Errorf("%v after %d attempts", err, s.changes)
	}
}

func TestCopyVerify(t *testing.T) {
	s := newServer(map[string]string{"f": "good"})
	dir := t.TempDir()
	for _, verdict := range []error{nil, protocols.ProtocolError("", "", "checksum differs")} {
		o := quick()
		o.Verify = func(_ context.Context, _ protocols.Client, name string, local io.Reader) error {
			b, err := io.ReadAll(local)
			if err != nil || name != "f" || string(b) != "good" {
				t.Errorf("verified %q %q %v", name, b, err)
			}
			return verdict
		}
		_, err := Copy(t.Context(), s.end("f"), localEnd(filepath.Join(dir, "out")), &o)
		if (err == nil) != (verdict == nil) {
			t.Errorf("%v", err)
		}
	}
	onlyFile(t, dir, "out")
}

func TestCopyToGoesOn(t *testing.T) {
	s := newServer(map[string]string{"f": pattern(100_000)})
	s.cuts["f"] = []int64{60_000, 10}
	var b bytes.Buffer
	o := quick()
	r, err := CopyTo(t.Context(), s.end("f"), &b, &o)
	check(t, err)
	if b.String() != pattern(100_000) || r.Bytes != 100_000 {
		t.Errorf("%d bytes", b.Len())
	}
}

// TestCopyLast: the end of an object, also where its copy is cut.
func TestCopyLast(t *testing.T) {
	whole := pattern(100_000)
	s := newServer(map[string]string{"f": whole})
	out := filepath.Join(t.TempDir(), "out")
	for _, last := range []int64{1, 90_000, 100_000, 200_000} {
		s.cuts["f"] = []int64{60_000, 10}
		want := whole[max(len(whole)-int(last), 0):]
		o := quick()
		o.Last, o.Continue = last, true
		var b bytes.Buffer
		if _, err := CopyTo(t.Context(), s.end("f"), &b, &o); err != nil || b.String() != want {
			t.Errorf("last %d: %d bytes, %v", last, b.Len(), err)
		}
		s.cuts["f"] = []int64{60_000, 10}
		if _, err := Copy(t.Context(), s.end("f"), localEnd(out), &o); err != nil || contentOf(t, out) != want {
			t.Errorf("last %d to a file: %v", last, err)
		}
		to := newServer(map[string]string{})
		if _, err := Copy(t.Context(), s.end("f"), to.end("g"), &o); err != nil || string(to.files["g"]) != want {
			t.Errorf("last %d to a server: %v", last, err)
		}
		if o.Last != last || o.Offset != 0 {
			t.Errorf("the caller's options changed: %+v", o)
		}
	}
}

func TestCopyToWriterFails(t *testing.T) {
	s := newServer(map[string]string{"f": "x"})
	o := quick()
	_, err := CopyTo(t.Context(), s.end("f"), failing{}, &o)
	if protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("%v", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errNo }

func TestCopyInterrupted(t *testing.T) {
	s := newServer(map[string]string{"f": pattern(3 << 20)})
	ctx, cancel := context.WithCancel(t.Context())
	s.cuts["f"] = []int64{2 << 20}
	s.onGet = func(_ string, offset int64) {
		if offset > 0 {
			cancel()
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	o := quick()
	_, err := Copy(ctx, s.end("f"), localEnd(out), &o)
	if protocols.KindOf(err) != protocols.KindInterrupted {
		t.Errorf("%v", err)
	}
	if info, err := os.Stat(file.PartName(out)); err != nil || info.Size() != 2<<20 {
		t.Errorf("no part was kept: %v", err)
	}
}

func TestResultJSON(t *testing.T) {
	b, err := json.Marshal(Result{Protocol: "ftp", Source: "a", Destination: "b", Status: StatusFailed, Err: errNo, Took: time.Second, ResumedAt: 5})
	check(t, err)
	want := `{"protocol":"ftp","source":"a","destination":"b","bytes":0,"seconds":1,"resumed_at":5,"status":"failed","error":"no"}`
	if string(b) != want {
		t.Errorf("got %s", b)
	}
}

func TestCopyGetsThroughABreakingConnection(t *testing.T) {
	want := pattern(10 << 20)
	s := newServer(map[string]string{"f": want})
	for range 19 {
		s.cuts["f"] = append(s.cuts["f"], 1<<19)
	}
	out := filepath.Join(t.TempDir(), "out")
	o := quick()
	_, err := Copy(t.Context(), s.end("f"), localEnd(out), &o)
	check(t, err)
	if contentOf(t, out) != want {
		t.Error("content differs")
	}
	s.cuts["put up"] = s.cuts["f"]
	for range 19 {
		s.cuts["put up"] = append(s.cuts["put up"], 1<<19)
	}
	_, err = Copy(t.Context(), localEnd(out), s.end("up"), &o)
	check(t, err)
	if string(s.files["up"]) != want {
		t.Error("uploaded content differs")
	}
}
