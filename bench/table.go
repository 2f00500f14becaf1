//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

var columns = []string{
	"program", "runs", "wall s", "min to max", "CPU s", "peak MiB", "netclients / peer: wall", "CPU",
}

// table converts a result to rows of text: netclients first, then by time.
func table(r result) [][]string {
	rows := slices.Clone(r.rows)
	slices.SortStableFunc(rows, compareRows)
	ours := slices.IndexFunc(r.rows, func(r row) bool { return r.peer.ours() && len(r.samples) > 0 })
	var cells [][]string
	for _, row := range rows {
		if len(row.samples) == 0 || row.failure != "" {
			cells = append(cells, []string{row.peer.name, "0", cmp.Or(row.absent, "FAILED: "+row.failure), "", "", "", "", ""})
			continue
		}
		line := append([]string{row.peer.name}, numbers(row)...)
		if ours < 0 || row.peer.ours() {
			line = append(line, "", "")
		} else {
			line = append(line, ratio(r.rows[ours], row, wall), ratio(r.rows[ours], row, cpu))
		}
		cells = append(cells, line)
	}
	return cells
}

func compareRows(a, b row) int {
	order := func(r row) int {
		switch {
		case r.peer.ours():
			return 0
		case len(r.samples) > 0 && r.failure == "":
			return 1
		}
		return 2
	}
	if order(a) != order(b) || order(a) != 1 {
		return order(a) - order(b)
	}
	return cmp.Compare(median(a, wall), median(b, wall))
}

func wall(s sample) time.Duration { return s.wall }
func cpu(s sample) time.Duration  { return s.cpu }

func sorted(r row, of func(sample) time.Duration) []time.Duration {
	all := make([]time.Duration, len(r.samples))
	for i, s := range r.samples {
		all[i] = of(s)
	}
	slices.Sort(all)
	return all
}

func median(r row, of func(sample) time.Duration) time.Duration {
	all := sorted(r, of)
	mid := len(all) / 2
	if len(all)%2 == 1 {
		return all[mid]
	}
	return (all[mid-1] + all[mid]) / 2
}

func numbers(r row) []string {
	walls := sorted(r, wall)
	return []string{
		fmt.Sprint(len(walls)),
		seconds(median(r, wall)),
		seconds(walls[0]) + " to " + seconds(walls[len(walls)-1]),
		seconds(median(r, cpu)),
		peakMiB(r.peakKiB),
	}
}

// seconds formats d in seconds with milliseconds, or a tenth of them for very
// short times.
func seconds(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%.4f", d.Seconds())
	}
	return fmt.Sprintf("%.3f", d.Seconds())
}

func peakMiB(kib int64) string {
	if kib == 0 {
		return "?"
	}
	return fmt.Sprintf("%.1f", float64(kib)/1024)
}

// ratio is below 1 where netclients is better.
func ratio(ours, theirs row, of func(sample) time.Duration) string {
	base := median(theirs, of)
	if base <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(median(ours, of))/float64(base))
}

func writeText(w io.Writer, r result) error {
	fmt.Fprintf(w, "\n%s: %s\n", r.workload.name, r.workload.about)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(columns, "\t"))
	for _, cells := range table(r) {
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	return tw.Flush()
}
