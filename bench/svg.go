//go:build linux

package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// curve is one line of a chart.
type curve struct {
	name   string
	points []point
}

// point is a value at a number of items.
type point struct {
	n int
	y float64
}

// The size of a chart, and of the room around its plot, in pixels.
const (
	chartWidth, chartHeight = 760, 380
	plotLeft, plotRight     = 60, 330 // names stand on the right
	plotTop, plotBottom     = 40, 40
)

var curveColors = []string{"#1f6feb", "#cf222e", "#1a7f37", "#9a6700"}

// scale is a logarithmic axis: from the lowest to the highest power of ten, and pixels.
type scale struct{ low, high, from, to float64 }

// scaleOf returns the axis that shows all values, with some room.
func scaleOf(values []float64, room, from, to float64) scale {
	low, high := slices.Min(values), slices.Max(values)
	return scale{math.Log10(max(low, 1e-3)) - room, math.Log10(max(high, 1e-3)) + room, from, to}
}

func (s scale) at(v float64) float64 {
	return s.from + (math.Log10(max(v, 1e-3))-s.low)/max(s.high-s.low, 0.1)*(s.to-s.from)
}

// marks returns the round numbers on the axis: steps times powers of ten.
func (s scale) marks(steps ...float64) (all []float64) {
	for power := math.Floor(s.low); power <= s.high; power++ {
		for _, step := range steps {
			if v := step * math.Pow(10, power); math.Log10(v) >= s.low-1e-9 && math.Log10(v) <= s.high+1e-9 {
				all = append(all, v)
			}
		}
	}
	return all
}

// chart draws curves over logarithmic axes, as SVG.
func chart(title string, curves []curve) string {
	var xs, ys []float64
	for _, c := range curves {
		for _, p := range c.points {
			xs, ys = append(xs, float64(p.n)), append(ys, p.y)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", chartWidth, chartHeight)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#ffffff"/><text x="%d" y="22" font-size="15">%s</text>`+"\n", plotLeft, html.EscapeString(title))
	if len(xs) == 0 {
		return b.String() + "</svg>\n"
	}
	x := scaleOf(xs, 0, plotLeft, chartWidth-plotRight)
	y := scaleOf(ys, 0.1, chartHeight-plotBottom, plotTop)
	for _, v := range y.marks(1, 1.5, 2, 3, 5, 7) {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#d0d7de"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", plotLeft, y.at(v), chartWidth-plotRight, plotLeft-6, y.at(v)+4, v)
	}
	for _, v := range x.marks(1) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%.0f</text>`+"\n", x.at(v), chartHeight-plotBottom+18, v)
	}
	for i, c := range curves {
		color := curveColors[i%len(curveColors)]
		var path []string
		for _, p := range c.points {
			px, py := x.at(float64(p.n)), y.at(p.y)
			path = append(path, fmt.Sprintf("%.1f,%.1f", px, py))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, px, py, color)
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`, strings.Join(path, " "), color)
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", chartWidth-plotRight+16, plotTop+20+20*i, color, html.EscapeString(c.name))
	}
	b.WriteString("</svg>\n")
	return b.String()
}
