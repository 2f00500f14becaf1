package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// watcher is a standard output that calls on each line.
type watcher struct {
	bytes.Buffer
	line func(string)
}

func (w *watcher) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		w.line(line)
	}
	return w.Buffer.Write(p)
}

// TestProbeEveryReadsFilesAnew: an authority and a token that are replaced count
// from the next round on, and a file that is missing for a moment ends nothing.
func TestProbeEveryReadsFilesAnew(t *testing.T) {
	right, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := lab.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	web, err := weblab.StartHTTP(weblab.HTTPOptions{ServerOptions: lab.ServerOptions{Authority: right, TLS: lab.TLSImplicit}})
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	ca := tempFile(t, "ca", string(wrong.CAPEM()))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var errOut watcher
	rounds := 0
	out := &watcher{line: func(line string) {
		rounds++
		switch {
		case strings.Contains(line, `"up":true`):
			stop()
		case rounds == 1:
			os.Remove(ca)
		}
	}}
	errOut.line = func(line string) {
		if strings.Contains(line, "no such file") {
			os.WriteFile(ca, right.CAPEM(), 0o600)
		}
	}
	code := Main(ctx, []string{"probe", web.URL(), "--every", "1ms", "--json", "--ca-file", ca, "--timeout", "20s"}, strings.NewReader(""), out, &errOut)
	if code != 130 || rounds != 2 || !strings.Contains(out.String(), `"phase":"tls"`) || !strings.Contains(errOut.String(), "no such file") {
		t.Errorf("%d, %d rounds, %s, %s", code, rounds, &out.Buffer, &errOut.Buffer)
	}
}

// TestProbeEveryEnd: the error of the end says what was going on.
func TestProbeEveryEnd(t *testing.T) {
	s := &fakeServer{}
	r := s.cli(t, "probe", "--every", "1ms", "--timeout", "30ms", "--json", "fake://h/x")
	var got struct{ Error show.ErrorJSON }
	if err := json.Unmarshal([]byte(r.errOut), &got); err != nil || r.code != 8 {
		t.Fatalf("%+v, %v", r, err)
	}
	if e := got.Error; e.Protocol != "fake" || e.Op != "probe" || e.URL != "fake://h/x" || e.Kind != "timeout" {
		t.Errorf("%+v", e)
	}
	s.cli(t, "probe", "--every", "1ms", "nosuch://h/").says(t, 2, "nosuch")
}
