package show

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// NewStats returns a progress that writes a line on out at each interval, for logs.
func NewStats(out io.Writer, every time.Duration) *Progress {
	p := &Progress{out: out, quit: make(chan struct{}), ended: make(chan struct{}), closed: true}
	go p.report(every)
	return p
}

// report writes lines until Close.
func (p *Progress) report(every time.Duration) {
	defer close(p.ended)
	step := min(progressTick, every)
	tick := time.NewTicker(step)
	defer tick.Stop()
	d := &drawing{p: p}
	began := time.Now()
	told, last := began, began
	for {
		select {
		case now := <-tick.C:
			d.measure(now.Sub(last))
			last = now
			if now.Sub(told) >= every {
				told = now
				fmt.Fprintf(p, "progress: %s\n", p.statsText())
			}
		case <-p.quit:
			return
		}
	}
}

// statsText returns "2/5 files, 1.5 MiB of 4 MiB, 37%, 512 KiB/s, 0:05 left", as far as
// it is known.
func (p *Progress) statsText() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.sumView()
	if p.files == 0 && p.seen == 1 && len(p.tasks) == 1 {
		t := p.tasks[0]
		v = t.meter.view(Safe(t.name))
	}
	parts := []string{strings.TrimSuffix(v.label, ", "+HumanBytes(v.total)), HumanBytes(v.now)}
	if v.total > 0 {
		parts[1] += " of " + HumanBytes(v.total)
		parts = append(parts, viewPercent(v))
	}
	if rate := viewRate(v); rate != "" {
		parts = append(parts, rate)
	}
	if left := viewETA(v); left != "" {
		parts = append(parts, left+" left")
	}
	return strings.Join(parts, ", ")
}
