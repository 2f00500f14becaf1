package show

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// TestStatsText: a line of --stats has what is known, and the rate leaves out what an
// earlier run moved.
func TestStatsText(t *testing.T) {
	p := NewProgress(io.Discard, true)
	defer p.Close()
	d := &drawing{p: p}
	one := p.Start("one.bin", 4<<20)
	one.Resumed(2 << 20)
	one.Set(3 << 20)
	d.measure(time.Second)
	if got := p.statsText(); got != "one.bin, 3 MiB of 4 MiB, 75%, 1 MiB/s, 0:01 left" {
		t.Error(got)
	}
	p.SetTotals(3, 10<<20)
	if got := p.statsText(); got != "0/3 files, 3 MiB of 10 MiB, 30%, 1 MiB/s, 0:07 left" {
		t.Error(got)
	}
	var none *task
	none.Resumed(1)
}

// TestStatsLines: lines come at the interval, until the end.
func TestStatsLines(t *testing.T) {
	r, w := io.Pipe()
	p := NewStats(w, time.Millisecond)
	p.Start("name\x1b[2J", 0)
	buf := make([]byte, 200)
	n, err := r.Read(buf)
	if err != nil || !bytes.HasPrefix(buf[:n], []byte("progress: ")) || !bytes.HasSuffix(buf[:n], []byte("0 B\n")) || bytes.ContainsRune(buf[:n], 0x1b) {
		t.Errorf("%q, %v", buf[:n], err)
	}
	go io.Copy(io.Discard, r)
	p.Close()
	w.Close()
}

// TestProgressEndsTheLine: what a terminal echoes for Ctrl-C is not left before the next
// line.
func TestProgressEndsTheLine(t *testing.T) {
	var b bytes.Buffer
	d := &drawing{p: &Progress{out: &b}}
	d.wipe()
	if !strings.HasPrefix(b.String(), "\r") {
		t.Errorf("%q", b.String())
	}
}
