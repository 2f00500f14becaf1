package ftp_test

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/ftplab"
)

// said is the dialogue of a client, from the hooks of its options.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (d *said) trace(e protocols.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e.Kind {
	case protocols.EventSend:
		d.lines = append(d.lines, "> "+e.Text)
	case protocols.EventRecv:
		d.lines = append(d.lines, "< "+e.Text)
	}
}

// ahead counts the files that were asked for before the one ahead of them was confirmed.
func (d *said) ahead() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	open := 0
	for _, line := range d.lines {
		switch {
		case strings.HasPrefix(line, "> RETR"):
			open++
		case strings.HasPrefix(line, "< 226"):
			if open > 1 {
				n++
			}
			open--
		}
	}
	return n
}

// TestBulkAhead: the commands for the next file go out ahead of the reply that
// confirms the one before, where the server is known to take that, and nowhere else.
func TestBulkAhead(t *testing.T) {
	files := map[string]string{"a": "aaa", "b": "bb", "c": "c", "d": "", "e/f": "deep"}
	names := []string{"a", "b", "c", "d", "e/f"}
	for _, tt := range []struct {
		name   string
		server ftplab.Options
		set    ftp.Settings
		ahead  int // of 4
	}{
		{name: "known", server: ftplab.Options{Greeting: "(vsFTPd 3.0.3)"}, ahead: 4},
		{name: "with TLS", server: ftplab.Options{Greeting: "ProFTPD Server", ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}, RequireSessionReuse: true}, ahead: 4},
		{name: "without EPSV", server: ftplab.Options{Greeting: "(vsFTPd 3.0.3)", NoEPSV: true}, ahead: 4},
		{name: "not known", server: ftplab.Options{}},
		{name: "one command at a time", server: ftplab.Options{Greeting: "(vsFTPd 3.0.3)"}, set: ftp.Settings{NoPipelining: true}},
		{name: "active", server: ftplab.Options{Greeting: "(vsFTPd 3.0.3)"}, set: ftp.Settings{Active: true}},
		{name: "with commands of the user", server: ftplab.Options{Greeting: "(vsFTPd 3.0.3)"}, set: ftp.Settings{After: []string{"NOOP"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.Tree = tree(t, files)
			d := &said{}
			c, _ := labCase{server: tt.server, set: tt.set, opts: protocols.Options{Trace: d.trace}}.start(t)
			var got []string
			err := c.BulkGet(t.Context(), slices.Values(names), func(name string, o *protocols.Object, err error) error {
				if err != nil {
					return err
				}
				b, err := io.ReadAll(o.Body)
				if string(b) != files[name] || o.Size != int64(len(b)) || o.Modified.IsZero() {
					t.Errorf("%s: %q, entry %+v", name, b, o.Entry)
				}
				got = append(got, name)
				return err
			})
			if err != nil || !slices.Equal(got, names) {
				t.Fatalf("%v, %v", got, err)
			}
			if n := d.ahead(); n != tt.ahead {
				t.Errorf("%d files were asked for ahead of a reply, want %d\n%s", n, tt.ahead, strings.Join(d.lines, "\n"))
			}
			if _, err := readAll(t.Context(), c, "a", nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBulkAheadFailures: what goes wrong with a file while the commands for the next
// one are under way stays with that file.
func TestBulkAheadFailures(t *testing.T) {
	files := map[string]string{"a": "aaa", "b": "bb", "folder/x": "x"}
	start := func(t *testing.T) *ftp.Client {
		c, _ := labCase{server: ftplab.Options{Greeting: "(vsFTPd 3.0.3)", Tree: tree(t, files)}}.start(t)
		return c
	}
	run := func(t *testing.T, c *ftp.Client, names []string, stopAt string) (results []string, err error) {
		err = c.BulkGet(t.Context(), slices.Values(names), func(name string, o *protocols.Object, err error) error {
			if err == nil {
				_, err = io.ReadAll(o.Body)
			}
			switch {
			case name == stopAt:
				return errStop
			case err != nil:
				results = append(results, name+" failed")
				return nil
			}
			results = append(results, name)
			return nil
		})
		return results, err
	}
	t.Run("missing, a folder, a bad name", func(t *testing.T) {
		c := start(t)
		names := []string{"a", "missing", "b", "folder", "a", "bad\r\nname", "b"}
		got, err := run(t, c, names, "")
		want := []string{"a", "missing failed", "b", "folder failed", "a", "bad\r\nname failed", "b"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("the caller stops", func(t *testing.T) {
		c := start(t)
		if _, err := run(t, c, []string{"a", "b", "a", "b"}, "b"); !errors.Is(err, errStop) {
			t.Errorf("%v", err)
		}
		if b, err := readAll(t.Context(), c, "a", nil); err != nil || string(b) != "aaa" {
			t.Errorf("%q, %v", b, err)
		}
		if _, err := readAll(t.Context(), c, "missing", nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	})
	t.Run("a file that is not read to its end", func(t *testing.T) {
		c := start(t)
		n := 0
		err := c.BulkGet(t.Context(), slices.Values([]string{"a", "b", "a", "b"}), func(name string, o *protocols.Object, err error) error {
			if n++; err == nil && n != 2 {
				var b []byte
				if b, err = io.ReadAll(o.Body); string(b) != files[name] {
					t.Errorf("%s: %q", name, b)
				}
			}
			return err
		})
		if err != nil || n != 4 {
			t.Errorf("%d files, %v", n, err)
		}
	})
}

var errStop = errors.New("stop")
