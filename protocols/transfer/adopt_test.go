package transfer

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestContinuePlainDownload: a shorter file under the final name, as another program
// leaves it, is gone on from when its end is that of the object there.
func TestContinuePlainDownload(t *testing.T) {
	whole := pattern(10_000)
	late := then.Add(time.Hour)
	for _, tt := range []struct {
		name    string
		have    string
		at      time.Time // of the local file
		remote  time.Time
		from    int64 // where the download began
		skipped bool
	}{
		{"a shorter one", whole[:5000], late, then, 5000, false},
		{"a very short one", whole[:7], late, then, 7, false},
		{"no time at the server", whole[:5000], late, time.Time{}, 5000, false},
		{"another end", whole[:4999] + "?", late, then, 0, false},
		{"another beginning", "?" + whole[1:5000], late, then, 5000, false}, // what only a checksum could tell
		{"the object is newer", whole[:5000], then, late, 0, false},
		{"a longer one", whole + "and more", late, then, 0, false},
		{"an empty one", "", late, then, 0, false},
		{"a whole one", whole, late, then, 0, true},
		{"a whole one of the same time", whole, then, then, 0, true},
		{"a whole one, no time", whole, late, time.Time{}, 0, true},
		{"as long, with another end", whole[:9999] + "?", late, then, 0, false},
		{"as long and older", whole, then, late, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			check(t, os.WriteFile(path, []byte(tt.have), 0o666))
			check(t, os.Chtimes(path, tt.at, tt.at))
			s := newServer(map[string]string{"f": whole})
			s.times["f"] = tt.remote
			o := quick()
			o.Continue = true
			r, err := Copy(t.Context(), s.end("f"), localEnd(path), &o)
			check(t, err)
			want := whole
			if tt.name == "another beginning" {
				want = "?" + whole[1:]
			}
			if got, _ := os.ReadFile(path); string(got) != want {
				t.Errorf("%d bytes", len(got))
			}
			if (r.Status == StatusSkipped) != tt.skipped || r.ResumedAt != tt.from || !tt.skipped && r.Bytes != int64(len(whole))-tt.from {
				t.Errorf("%+v", r)
			}
			if left, _ := filepath.Glob(dir + "/*"); len(left) != 1 {
				t.Errorf("left: %q", left)
			}
		})
	}
}

// TestContinuePlainDownloadFails: the file stays as it was when the rest does not come.
func TestContinuePlainDownloadFails(t *testing.T) {
	whole := pattern(10_000)
	path := filepath.Join(t.TempDir(), "f")
	check(t, os.WriteFile(path, []byte(whole[:5000]), 0o666))
	s := newServer(map[string]string{"f": whole})
	s.cuts["f"] = []int64{1 << 20, 100, 100} // the end that is compared comes whole
	o := quick()
	o.Continue, o.Retries = true, -1
	if _, err := Copy(t.Context(), s.end("f"), localEnd(path), &o); err == nil {
		t.Fatal("no error")
	}
	if got, _ := os.ReadFile(path); string(got) != whole[:5000] {
		t.Errorf("%d bytes", len(got))
	}
}

// TestContinuePlainUpload: the same at the destination, where the file is gone on from
// in its place.
func TestContinuePlainUpload(t *testing.T) {
	whole := pattern(10_000)
	for _, tt := range []struct {
		name    string
		have    string
		from    int64
		skipped bool
	}{
		{"a shorter one", whole[:5000], 5000, false},
		{"another end", whole[:4999] + "?", 0, false},
		{"a longer one", whole + "and more", 0, false},
		{"a whole one", whole, 0, true},
		{"as long, with another end", whole[:9999] + "?", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			check(t, os.WriteFile(path, []byte(whole), 0o666))
			s := newServer(map[string]string{"f": tt.have})
			s.times["f"] = time.Time{}
			o := quick()
			o.Continue = true
			r, err := Copy(t.Context(), localEnd(path), s.end("f"), &o)
			check(t, err)
			if !bytes.Equal(s.files["f"], []byte(whole)) || len(s.files) != 1 {
				t.Errorf("%d bytes, %d files", len(s.files["f"]), len(s.files))
			}
			if (r.Status == StatusSkipped) != tt.skipped || r.ResumedAt != tt.from {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestContinueWithoutSource: a missing local file is an error before the destination is
// asked for anything.
func TestContinueWithoutSource(t *testing.T) {
	s := newServer(nil)
	o := quick()
	o.Continue = true
	_, err := Copy(t.Context(), localEnd(filepath.Join(t.TempDir(), "none")), s.end("f"), &o)
	if !errors.Is(err, fs.ErrNotExist) || s.logins > 0 {
		t.Errorf("%v; %d logins", err, s.logins)
	}
}
