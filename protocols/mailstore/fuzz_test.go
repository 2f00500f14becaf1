package mailstore

import (
	"bufio"
	"bytes"
	"io"
	"testing"
	"testing/iotest"
	"time"
)

// FuzzRoundTrip: any bytes, split at any place, are the same after quoting, finding
// and unquoting.
func FuzzRoundTrip(f *testing.F) {
	for _, text := range odd {
		f.Add([]byte(text), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, at int) {
		var file bytes.Buffer
		w := bufio.NewWriter(&file)
		for range 2 {
			w.WriteString("From netclients@localhost " + time.Unix(0, 0).UTC().Format(time.ANSIC) + "\n")
			q := &quoter{w: w}
			at = max(0, min(at, len(text)))
			q.Write(text[:at])
			q.Write(text[at:])
			if err := q.end(); err != nil {
				t.Fatal(err)
			}
			w.WriteByte('\n')
		}
		w.Flush()
		found := 0
		end, err := scan(bytes.NewReader(file.Bytes()), 0, func(s span) error {
			found++
			for _, r := range []io.Reader{bytes.NewReader(file.Bytes()[s.body:s.end]), iotest.OneByteReader(bytes.NewReader(file.Bytes()[s.body:s.end]))} {
				got, err := io.ReadAll(newUnquoter(r, s.end-s.body))
				if err != nil || !bytes.Equal(got, text) {
					t.Errorf("got %.200q, want %.200q, %v", got, text, err)
				}
			}
			return nil
		})
		if err != nil || found != 2 || end != int64(file.Len()) {
			t.Errorf("found %d messages in %d of %d bytes, %v", found, end, file.Len(), err)
		}
	})
}

// FuzzScan: any file is read to its end, and its messages lie in it one after the other.
func FuzzScan(f *testing.F) {
	f.Add([]byte("From a@b Sun Nov 22 09:00:00 2026\nx\n\nFrom a 10:00 2020\n"))
	f.Add([]byte("\n\nFrom a@b Sun Nov 22 09:00:00 2026"))
	f.Fuzz(func(t *testing.T, file []byte) {
		last := int64(0)
		scan(bytes.NewReader(file), 0, func(s span) error {
			if s.start < last || s.body < s.start || s.end < s.body-1 || s.end > int64(len(file)) {
				t.Errorf("message at %d, %d to %d behind %d", s.start, s.body, s.end, last)
			}
			last = s.body
			return nil
		})
	})
}

// FuzzNames: names in a maildir give keys and flags that make sense.
func FuzzNames(f *testing.F) {
	f.Add("1.M2.K" + key(0) + hostPart + ":2,FS")
	f.Fuzz(func(t *testing.T, name string) {
		if k := keyOf(name); k != "" && !isKey(k) {
			t.Errorf("key %q", k)
		}
		if base, _ := cutInfo(name); len(base) > len(name) {
			t.Errorf("base %q", base)
		}
	})
}
