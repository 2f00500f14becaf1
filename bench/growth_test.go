//go:build linux

package main

import (
	"encoding/xml"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/programtest"
)

// wellFormed reports whether a text is XML.
func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestChart(t *testing.T) {
	for _, tt := range []struct {
		name   string
		curves []curve
		want   []string
	}{
		{"nothing", nil, []string{"<svg", "CPU &lt; 5"}},
		{"one point", []curve{{"a & b", []point{{1000, 5}}}}, []string{"a &amp; b", `<circle cx="60.0"`}},
		{"two curves", []curve{{"a", []point{{1000, 5}, {100_000, 50}}}, {"b", []point{{1000, 0}, {100_000, 400}}}},
			[]string{">1000<", ">10000<", ">100000<", ">100<", `<polyline points="60.0,`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := chart("CPU < 5", tt.curves)
			if err := wellFormed(text); err != nil {
				t.Error(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
				t.Error(text)
			}
		})
	}
}

// TestGrowthServers: each kind of work has as many items as were asked for, on a server
// that the client can use.
func TestGrowthServers(t *testing.T) {
	program := programtest.Build(t)
	for _, g := range growth() {
		t.Run(g.name, func(t *testing.T) {
			url, end, err := g.serve(25)
			if err != nil {
				t.Fatal(err)
			}
			defer end()
			cmd := exec.Command(program, "ls", "--tls", "off", url)
			cmd.Env = append(cmd.Environ(), "NETCLIENTS_PASSWORD=secret", "HOME="+t.TempDir())
			out, err := cmd.Output()
			if n := strings.Count(string(out), "\n"); err != nil || n != 25 {
				t.Errorf("%d lines, %v\n%s", n, err, out)
			}
		})
	}
}
