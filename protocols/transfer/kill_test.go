package transfer

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// TestMain makes the test binary a program that syncs, when it is told to: the
// one that is killed.
func TestMain(m *testing.M) {
	if args := os.Getenv("TRANSFER_TEST_SYNC"); args != "" {
		os.Exit(syncProgram(strings.Split(args, "\n")))
	}
	os.Exit(m.Run())
}

func syncProgram(args []string) int {
	o := &SyncOptions{Options: Options{RetryWait: time.Millisecond}, Journal: args[2]}
	src := localEnd(args[0])
	src.Open = func() (protocols.Client, error) { return slowClient{file.New(args[0], nil)}, nil }
	_, err := Sync(context.Background(), src, localEnd(args[1]), o, nil)
	return protocols.KindOf(err).Exit()
}

// slowClient returns content in small steps, so that a kill finds all states.
type slowClient struct{ *file.Client }

func (c slowClient) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	obj, err := c.Client.Get(ctx, name, o)
	if err == nil {
		obj.Body = &slowBody{obj.Body}
	}
	return obj, err
}

type slowBody struct{ io.ReadCloser }

func (b *slowBody) Read(p []byte) (int, error) {
	time.Sleep(20 * time.Microsecond)
	return b.ReadCloser.Read(p[:min(len(p), 32<<10)])
}

func TestKilledAtAnyMoment(t *testing.T) {
	src, dst := t.TempDir(), filepath.Join(t.TempDir(), "dst")
	files := many(150)
	for _, n := range []string{"big1", "x/big2", "x/y/big3"} {
		files[n] = pattern(3<<20 + len(n))
	}
	writeTree(t, src, files)
	journal := filepath.Join(t.TempDir(), "journal")
	started := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TRANSFER_TEST_SYNC="+strings.Join([]string{src, dst, journal}, "\n"))
		check(t, cmd.Start())
		return cmd
	}
	killed := 0
	for range 12 {
		cmd := started()
		timer := time.AfterFunc(time.Duration(5+rand.IntN(60))*time.Millisecond, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		killed++
		wholeFiles(t, dst, files)
	}
	if err := started().Wait(); err != nil {
		t.Fatalf("the last run: %v", err)
	}
	if killed == 0 {
		t.Log("no run lived long enough to be killed")
	}
	equalTrees(t, readTree(t, dst), files)
	sum, err := Sync(t.Context(), localEnd(src), localEnd(dst), &SyncOptions{Journal: journal}, nil)
	check(t, err)
	if sum.Done != 0 {
		t.Errorf("all was there, and yet %+v", sum)
	}
}

// wholeFiles fails when anything under a final name is not the whole file.
func wholeFiles(t *testing.T, dst string, files map[string]string) {
	t.Helper()
	if _, err := os.Stat(dst); err != nil {
		return
	}
	for name, content := range readTree(t, dst) {
		if file.IsPart(name) || strings.HasSuffix(name, "/") {
			continue
		}
		if files[name] != content {
			t.Errorf("after a kill %q has %d bytes, want %d", name, len(content), len(files[name]))
		}
	}
}
