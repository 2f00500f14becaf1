package exporter

import (
	"bytes"
	_ "embed" // the page
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kept is how many probes of each target a page shows.
const Kept = 720

// History keeps the last probes of targets. It is safe for many goroutines.
type History struct {
	mu    sync.Mutex
	order []string
	of    map[string][]record // guarded by mu, as order is
}

// record is one probe.
type record struct {
	At     time.Time
	Up     bool
	Phases []Phase
	Total  time.Duration
	Text   string
}

// NewHistory returns one that is empty.
func NewHistory() *History { return &History{of: map[string][]record{}} }

// Add notes what a probe of a target came to. name and why are shown: they hold no
// secret.
func (h *History) Add(at time.Time, name string, o *Outcome, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.of[name]; !known {
		h.order = append(h.order, name)
	}
	list := append(h.of[name], record{at, o.Err == nil, phasesOf(o), total(o), why})
	if len(list) > Kept {
		list = slices.Delete(list, 0, len(list)-Kept)
	}
	h.of[name] = list
}

// row is a target on the page.
type row struct {
	Name         string
	Up           bool
	Text         string
	Last, Median string
	Percent      string
	Since        string
	Chart        template.HTML
	Legend       []string
}

//go:embed page.html.tmpl
var pageText string

// Page writes the page: for each target its state, and how long each phase of the last
// probes took.
func (h *History) Page(now time.Time) ([]byte, error) {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		When string
		Rows []row
	}{now.UTC().Format("2006-01-02 15:04:05 UTC"), h.rows()})
	return b.Bytes(), err
}

func (h *History) rows() []row {
	h.mu.Lock()
	defer h.mu.Unlock()
	var rows []row
	for _, name := range h.order {
		rows = append(rows, rowOf(name, h.of[name]))
	}
	return rows
}

func rowOf(name string, list []record) row {
	last := list[len(list)-1]
	up, times := 0, make([]time.Duration, 0, len(list))
	for _, r := range list {
		if r.Up {
			up++
		}
		times = append(times, r.Total)
	}
	slices.Sort(times)
	svg, legend := chart(list)
	return row{
		Name: name, Up: last.Up, Text: last.Text, Last: short(last.Total), Median: short(times[len(times)/2]),
		Percent: fmt.Sprintf("%.1f %%", 100*float64(up)/float64(len(list))), Since: list[0].At.UTC().Format("Jan 2 15:04:05"),
		Chart: svg, Legend: legend,
	}
}

func short(d time.Duration) string { return d.Round(max(d/1000, time.Microsecond)).String() }

// The size of a chart.
const (
	chartWidth  = 720
	chartHeight = 120
)

// chart draws the probes as stacked bars, a colour for each phase; those that failed
// have a mark at the bottom. The scale leaves the slowest few out.
func chart(list []record) (template.HTML, []string) {
	var names []string
	times := make([]time.Duration, 0, len(list))
	for _, r := range list {
		times = append(times, r.Total)
		for _, p := range r.Phases {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	slices.Sort(times)
	top := max(times[len(times)*98/100], time.Microsecond)
	width := float64(chartWidth) / float64(max(len(list), 30))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="time of each probe"><text x="4" y="12">%s</text>`, chartWidth, chartHeight, short(top))
	for i, r := range list {
		drawBar(&b, r, names, float64(i)*width, width, top)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()), names // numbers and class names only
}

func drawBar(b *strings.Builder, r record, names []string, x, width float64, top time.Duration) {
	y := float64(chartHeight - 6)
	for _, p := range r.Phases {
		h := min(float64(p.Took)/float64(top)*(chartHeight-20), y)
		y -= h
		fmt.Fprintf(b, `<rect class="p%d" x="%.2f" y="%.2f" width="%.2f" height="%.2f"/>`, slices.Index(names, p.Name)%8, x, y, width*0.92, h)
	}
	state := "up"
	if !r.Up {
		state = "down"
	}
	fmt.Fprintf(b, `<rect class="%s" x="%.2f" y="%d" width="%.2f" height="4"><title>%s  %s  %s</title></rect>`,
		state, x, chartHeight-4, width*0.92, r.At.UTC().Format("15:04:05"), short(r.Total), template.HTMLEscapeString(r.Text))
}

// page answers /.
func (x *Exporter) page(w http.ResponseWriter, _ *http.Request) {
	h := x.o.History
	if h == nil {
		h = NewHistory()
	}
	b, err := h.Page(time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	if _, err := w.Write(b); err != nil && x.o.Note != nil {
		x.o.Note("the page was not sent whole: " + err.Error())
	}
}
