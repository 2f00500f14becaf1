package show

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// How progress looks and when.
const (
	progressDelay = 700 * time.Millisecond // shorter jobs show nothing
	progressTick  = 150 * time.Millisecond
	progressLines = 8 // files at once, beside the line of the whole
	progressName  = 28
)

// Progress shows how far transfers are, on a terminal. It polls counters and
// touches no reader. A nil progress shows nothing.
type Progress struct {
	out    io.Writer
	quit   chan struct{}
	ended  chan struct{}
	once   sync.Once
	mu     sync.Mutex // guards what follows
	tasks  []*task    // under way, oldest first
	whole  meter      // all files
	files  int        // of the whole job; 0 when not known
	seen   int        // files that were started
	done   int        // files that ended well
	gone   int64      // bytes of those that ended
	above  []byte     // text to print above the lines
	closed bool       // nobody draws any more
}

// task is one transfer. A nil task counts nothing.
type task struct {
	p     *Progress
	name  string
	n     atomic.Int64
	poll  atomic.Pointer[func() int64]
	meter meter
}

// meter is a count with its smoothed rate; progress.mu guards it.
type meter struct {
	total int64 // 0 when not known
	now   int64
	rate  float64 // bytes a second
}

// NewProgress shows progress on out, a terminal, when enabled; else it returns nil,
// which is good for all calls. Lines appear after a short while, when the first
// byte has moved: never over a question for a password.
func NewProgress(out io.Writer, enabled bool) *Progress {
	if !enabled {
		return nil
	}
	p := &Progress{out: out, quit: make(chan struct{}), ended: make(chan struct{})}
	go p.run()
	return p
}

// Start begins a transfer of total bytes, 0 or less when that is not known. The
// caller ends it with Done.
func (p *Progress) Start(name string, total int64) *task {
	if p == nil {
		return nil
	}
	t := &task{p: p, name: name}
	t.meter.total = max(total, 0)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasks = append(p.tasks, t)
	p.seen++
	return t
}

// SetTotals says how much there is to do in all, 0 where that is not known yet.
// It may be called again with better numbers.
func (p *Progress) SetTotals(files int, bytes int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files = files
	p.whole.total = max(bytes, 0)
}

// Write prints whole lines above the bars, or at once when there are none.
func (p *Progress) Write(b []byte) (int, error) {
	if p == nil {
		return len(b), nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.out.Write(b)
	}
	p.above = append(p.above, b...)
	return len(b), nil
}

// Close takes the lines away and waits for the drawing to end. It may be called
// twice.
func (p *Progress) Close() {
	if p == nil {
		return
	}
	p.once.Do(func() { close(p.quit) })
	<-p.ended
}

// Set says how many bytes have moved.
func (t *task) Set(n int64) {
	if t != nil {
		t.n.Store(n)
	}
}

// Resumed says that so many bytes were there before: they are no part of the rate.
func (t *task) Resumed(n int64) {
	if t == nil {
		return
	}
	t.n.Store(n)
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.meter.now = n
	t.p.whole.now += n
}

// Poll returns a function to ask for the bytes that have moved; it must be quick
// and safe for use by another goroutine until Done.
func (t *task) Poll(f func() int64) {
	if t != nil {
		t.poll.Store(&f)
	}
}

// Done ends the transfer; one that failed does not count as a file that is done.
func (t *task) Done(err error) {
	if t == nil {
		return
	}
	n := t.count()
	p := t.p
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.tasks, t)
	if i < 0 {
		return
	}
	p.tasks = slices.Delete(p.tasks, i, i+1)
	p.gone += n
	if err == nil {
		p.done++
	}
}

func (t *task) count() int64 {
	if f := t.poll.Load(); f != nil {
		t.n.Store((*f)())
	}
	return t.n.Load()
}

// run draws until Close.
func (p *Progress) run() {
	defer close(p.ended)
	tick := time.NewTicker(progressTick)
	defer tick.Stop()
	now := time.Now()
	d := &drawing{p: p, start: now, last: now}
	defer d.end()
	for {
		select {
		case now = <-tick.C:
			d.update(now)
		case <-p.quit:
			return
		}
	}
}

// drawing is the state of the goroutine that draws.
type drawing struct {
	p           *Progress
	start, last time.Time
	box         *mpb.Progress // nil until something is shown
	slots       []*slot
	sum         *slot
}

// slot is a line of the screen. A transfer keeps its line to the end, then
// another one takes it, so that lines do not jump.
type slot struct {
	bar  *mpb.Bar
	task *task // nil when free; only the drawing goroutine uses it
	idle int   // ticks that it was free
	show atomic.Pointer[view]
}

// view is what a line shows: a copy, for mpb's goroutines.
type view struct {
	label      string
	now, total int64   // bytes
	rate       float64 // bytes a second
	done, of   int64   // what the bar shows: bytes, or files; of is 0 when not known
}

func (d *drawing) update(now time.Time) {
	started, sum := d.measure(now.Sub(d.last))
	d.last = now
	if d.box == nil && (now.Sub(d.start) < progressDelay || d.p.moved() == 0) {
		_, _ = d.p.out.Write(d.p.takeText())
		return
	}
	if d.box == nil {
		d.box = mpb.New(mpb.WithOutput(d.p.out), mpb.WithRefreshRate(progressTick))
	}
	if text := d.p.takeText(); len(text) > 0 {
		_, _ = d.box.Write(text)
	}
	d.assign(started)
	d.refresh()
	if sum != nil {
		d.sum = d.draw(d.sum, sum, progressLines)
	}
}

// measure asks all transfers how far they are, and returns the oldest ones and,
// for a job of several files, the view of the whole.
func (d *drawing) measure(step time.Duration) (oldest []*task, sum *view) {
	p := d.p
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.gone
	for _, t := range p.tasks {
		n := t.count()
		t.meter.advance(n, step)
		all += n
	}
	p.whole.advance(all, step)
	if max(p.files, p.seen) > 1 {
		sum = p.sumView()
	}
	return slices.Clone(p.tasks[:min(len(p.tasks), progressLines)]), sum
}

// sumView: the bar of the whole shows bytes, or files where bytes are not known.
func (p *Progress) sumView() *view {
	v := p.whole.view(fmt.Sprintf("%d files", p.done))
	if p.files > 0 {
		v.label = fmt.Sprintf("%d/%d files", p.done, p.files)
	}
	if p.whole.total > 0 {
		v.label += ", " + HumanBytes(p.whole.total)
	} else {
		v.done, v.of = int64(p.done), int64(p.files)
	}
	return v
}

func (m *meter) view(label string) *view {
	return &view{label: label, now: m.now, total: m.total, rate: m.rate, done: min(m.now, max(m.total, 0)), of: m.total}
}

// advance smooths the rate over about two seconds.
func (m *meter) advance(n int64, step time.Duration) {
	latest := float64(n-m.now) / max(step.Seconds(), 0.001)
	weight := 0.1
	if m.rate == 0 {
		weight = 1
	}
	m.now, m.rate = n, max(m.rate+(latest-m.rate)*weight, 0)
}

func (p *Progress) moved() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.whole.now
}

func (p *Progress) takeText() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.above
	p.above = nil
	return text
}

// assign frees the lines of transfers that ended and gives lines to new ones.
func (d *drawing) assign(tasks []*task) {
	for _, s := range d.slots {
		if s.task != nil && !slices.Contains(tasks, s.task) {
			s.task = nil
		}
	}
	for _, t := range tasks {
		if !slices.ContainsFunc(d.slots, func(s *slot) bool { return s.task == t }) {
			d.freeSlot().task = t
		}
	}
}

func (d *drawing) freeSlot() *slot {
	for _, s := range d.slots {
		if s.task == nil {
			return s
		}
	}
	s := &slot{}
	d.slots = append(d.slots, s)
	return s
}

// slotPatience is how many ticks a free line stays, empty.
const slotPatience = 4

func (d *drawing) refresh() {
	for i, s := range d.slots {
		if s.task == nil {
			s.idle++
			s.draw(&view{})
			continue
		}
		s.idle = 0
		d.p.mu.Lock()
		v := s.task.meter.view(clipName(s.task.name))
		d.p.mu.Unlock()
		d.draw(s, v, i)
	}
	d.slots = slices.DeleteFunc(d.slots, func(s *slot) bool {
		if s.idle > slotPatience {
			s.bar.Abort(true)
		}
		return s.idle > slotPatience
	})
}

// draw makes the line when it is new, and shows v in it.
func (d *drawing) draw(s *slot, v *view, place int) *slot {
	if s == nil {
		s = &slot{}
	}
	s.show.Store(v)
	if s.bar == nil {
		s.bar = d.box.MustAdd(0, s.filler(), mpb.BarPriority(place),
			mpb.PrependDecorators(s.text(progressName, false, viewLabel)),
			mpb.AppendDecorators(s.text(4, true, viewPercent), s.text(11, true, viewBytes), s.text(13, true, viewRate), s.text(9, true, viewETA)))
	}
	s.draw(v)
	return s
}

func (s *slot) draw(v *view) {
	s.show.Store(v)
	s.bar.SetTotal(v.of, false)
	s.bar.SetCurrent(v.done)
}

// text is a column of fixed width.
func (s *slot) text(width int, right bool, show func(*view) string) decor.Decorator {
	wc := decor.WC{W: width}
	if !right {
		wc.C = decor.DindentRight
	}
	return decor.Any(func(decor.Statistics) string { return show(s.show.Load()) }, wc)
}

// filler is a bar, or as many spaces where the end is not known.
func (s *slot) filler() mpb.BarFiller {
	bar := mpb.BarStyle().Padding(" ").Build()
	return mpb.BarFillerFunc(func(w io.Writer, st decor.Statistics) error {
		if s.show.Load().of > 0 {
			return bar.Fill(w, st)
		}
		_, err := io.WriteString(w, strings.Repeat(" ", max(st.AvailableWidth, 0)))
		return err
	})
}

// viewLabel begins at the left edge: the terminal may have echoed ^C there.
func viewLabel(v *view) string { return "\r" + v.label }

func viewPercent(v *view) string {
	if v.of <= 0 {
		return ""
	}
	return fmt.Sprintf("%d%%", min(int64(float64(v.done)/float64(v.of)*100), 100))
}

func viewBytes(v *view) string {
	if v.label == "" {
		return ""
	}
	return HumanBytes(v.now)
}

func viewRate(v *view) string {
	if v.rate < 1 {
		return ""
	}
	return HumanBytes(int64(v.rate)) + "/s"
}

// viewETA returns the time that is left, "0:12" or "1:02:03".
func viewETA(v *view) string {
	left := float64(v.total-v.now) / v.rate
	if v.total <= 0 || v.now >= v.total || v.rate < 1 || left > 99*3600 {
		return ""
	}
	s := int64(left + 0.999)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// clipName makes a name harmless and keeps its end, where the file's own name is.
func clipName(name string) string {
	name = Safe(name)
	if w := runewidth.StringWidth(name); w > progressName {
		name = runewidth.TruncateLeft(name, w-progressName+1, "…")
	}
	return name
}

// wipe clears the line of the cursor, where a terminal may have echoed Ctrl-C.
func (d *drawing) wipe() { _, _ = io.WriteString(d.p.out, "\r\x1b[J") }

// end takes all lines away.
func (d *drawing) end() {
	if d.box != nil {
		for _, s := range append(d.slots, d.sum) {
			if s != nil {
				s.bar.Abort(true)
			}
		}
		d.box.Wait()
		d.wipe()
	}
	p := d.p
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = p.out.Write(p.above)
	p.above, p.closed = nil, true
}
