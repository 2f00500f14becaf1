package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// unfit checks that an error names the reason why a worker takes no jobs.
func unfit(t *testing.T, err error, words ...string) {
	t.Helper()
	if protocols.KindOf(err) != protocols.KindLocal {
		t.Fatalf("kind %v: %v", protocols.KindOf(err), err)
	}
	for _, w := range append(words, "this worker takes no jobs") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func TestFitFolder(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		make func(at string) error
		want string // empty: fit
	}{
		{"new", func(string) error { return nil }, ""},
		{"own", func(at string) error { return os.Mkdir(at, 0o700) }, ""},
		{"a file", func(at string) error { return os.WriteFile(at, nil, 0o600) }, "its folder cannot be made"},
		{"open to all", func(at string) error {
			if err := os.Mkdir(at, 0o700); err != nil {
				return err
			}
			return os.Chmod(at, 0o777)
		}, "can be written by other users"},
		{"below a file", func(at string) error {
			if err := os.WriteFile(at+".file", nil, 0o600); err != nil {
				return err
			}
			return os.Symlink(at+".file/x", at)
		}, "its folder cannot be made"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "open to all" && !privateModes {
				t.Skip("the modes of folders say nothing here")
			}
			at := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-"))
			if err := c.make(at); err != nil {
				t.Fatal(err)
			}
			err := fitFolder(at)
			if c.want != "" {
				unfit(t, err, c.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if left, err := os.ReadDir(at); err != nil || len(left) != 0 {
				t.Errorf("the check leaves %v, %v", left, err)
			}
		})
	}
}

func TestFitClock(t *testing.T) {
	for _, skew := range []time.Duration{0, mostSkew, -mostSkew, 2 * time.Second} {
		if err := fitSkew(skew); err != nil {
			t.Errorf("%v: %v", skew, err)
		}
	}
	unfit(t, fitSkew(5*time.Minute), "differ by 5m0s")
	unfit(t, fitSkew(-time.Hour), "differ by -1h0m0s")

	f, err := Open(t.Context(), Options{Broker: Broker{Dir: t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := &worker{f: f, id: workerName()}
	if err := w.fitClock(t.Context()); err != nil {
		t.Errorf("a broker of this machine: %v", err)
	}
	if skew := time.Duration(w.skew.Load()); skew.Abs() > mostSkew {
		t.Errorf("the clock of this machine differs from itself by %v", skew)
	}
}
