package transfer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestRemovePartials: what a copy that failed leaves, on either side.
func TestRemovePartials(t *testing.T) {
	content := []byte(strings.Repeat("0123456789", 400_000))
	for _, remove := range []bool{false, true} {
		for _, up := range []bool{false, true} {
			tree := base.NewTree()
			tree.WriteFile("big.bin", content)
			s := labtest.Start(t, ftplab.Start, ftplab.Options{Tree: tree, ServerOptions: base.ServerOptions{Faults: labtest.Faults(t, "data.cut=2M")}})
			catalog, err := protocols.NewRegistry(ftp.Spec())
			if err != nil {
				t.Fatal(err)
			}
			target, err := catalog.Parse(strings.TrimSuffix(labtest.WithUser(s.URL()), "/")+"/up.bin", "")
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			remote := At(target, nil, func(c protocols.Client) error {
				f, ok := protocols.As[*ftp.Client](c)
				if !ok {
					return errors.New("another client")
				}
				f.Settings.NoMLSD = true
				asked++
				return nil
			})
			dir := t.TempDir()
			local := Local(filepath.Join(dir, "down.bin"))
			if up {
				if err := os.WriteFile(filepath.Join(dir, "down.bin"), content, 0o600); err != nil {
					t.Fatal(err)
				}
			} else {
				remote.Name = "big.bin"
			}
			o := &Options{Retries: -1, RemovePartials: remove, TempName: func(name string) string { return name + ".tmp" }}
			src, dst := remote, local
			if up {
				src, dst = local, remote
			}
			if _, err := Copy(t.Context(), src, dst, o); err == nil {
				t.Fatal("the copy did not fail")
			}
			left := names(t, dir)
			there, err := tree.ReadDir("")
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range there {
				left += " " + e.Name
			}
			if got := strings.Contains(left, ".ncpart") || strings.Contains(left, ".tmp"); got == remove || asked == 0 {
				t.Errorf("upload %v, remove %v: there is %s; %d clients set up", up, remove, left, asked)
			}
		}
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestRetry(t *testing.T) {
	again := &protocols.Error{Kind: protocols.KindTemporary, Retryable: true}
	for name, row := range map[string]struct {
		fails []error
		o     *Options
		calls int
		ok    bool
	}{
		"at once":    {nil, nil, 1, true},
		"later":      {[]error{again, again}, &Options{RetryWait: time.Millisecond}, 3, true},
		"too often":  {[]error{again, again, again}, &Options{RetryWait: time.Millisecond, Retries: 2}, 3, false},
		"never":      {[]error{again}, &Options{Retries: -1}, 1, false},
		"no passing": {[]error{errors.New("no")}, &Options{RetryWait: time.Millisecond}, 1, false},
	} {
		calls := 0
		err := Retry(t.Context(), row.o, func(context.Context) error {
			if calls++; calls <= len(row.fails) {
				return row.fails[calls-1]
			}
			return nil
		})
		if calls != row.calls || (err == nil) != row.ok {
			t.Errorf("%s: %d calls, %v", name, calls, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := Retry(ctx, nil, func(context.Context) error { cancel(); return again }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
