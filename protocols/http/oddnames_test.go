package http

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/webdav"

	"github.com/netclients/netclients/internal/oddnames"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/transfer"
)

// TestDAVSyncOddNames: a tree of difficult names goes up to a server of WebDAV and comes
// down again, byte for byte, however often a run is interrupted; another run then has
// nothing to do.
func TestDAVSyncOddNames(t *testing.T) {
	from, served, down := oddnames.Tree(t, 800, func(string) bool { return false }), t.TempDir(), t.TempDir()
	s := httptest.NewServer(&webdav.Handler{FileSystem: webdav.Dir(served), LockSystem: webdav.NewMemLS()})
	t.Cleanup(s.Close)
	at := s.URL + "/d/"
	u := labtest.URL(t, at)
	remote := transfer.Endpoint{Open: func() (protocols.Client, error) { return New(u, nil) }, Name: "d/", URL: at, Protocol: proto}
	want := oddnames.Read(t, from)
	for _, way := range []struct {
		name     string
		src, dst transfer.Endpoint
		made     string
		want     map[string]string
	}{{"up", transfer.Local(from), remote, filepath.Join(served, "d"), want}, {"down", remote, transfer.Local(down), down, oddnames.Safe(t, want)}} {
		for n := range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+30*n)*time.Millisecond)
			_, _ = transfer.Sync(ctx, way.src, way.dst, &transfer.SyncOptions{Delete: true}, nil)
			cancel()
		}
		for run := range 2 {
			sum, err := transfer.Sync(quick(t), way.src, way.dst, &transfer.SyncOptions{Delete: true}, func(r transfer.Result) {
				if r.Err != nil {
					t.Errorf("%s, run %d: %q: %v", way.name, run, r.Name, r.Err)
				}
			})
			if err != nil || run == 1 && sum.Done+sum.Deleted > 0 {
				t.Errorf("%s, run %d: %+v, %v", way.name, run, sum, err)
			}
		}
		oddnames.Same(t, oddnames.Read(t, way.made), way.want)
	}
}
