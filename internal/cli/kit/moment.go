package kit

import (
	"fmt"
	"strings"
	"time"
)

// Moment is a point in time as a flag: RFC 3339, a date, or a duration back from now.
type Moment struct{ time.Time }

func (m *Moment) String() string { return "" }

// Type names the value in help texts.
func (m *Moment) Type() string { return "TIME" }

func (m *Moment) Set(s string) (err error) {
	m.Time, err = ParseMoment(s, time.Now())
	return err
}

// momentForms are the ways to write a time, the two of Python's nntplib included.
var momentForms = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02", "20060102 150405", "060102 150405"}

// ParseMoment reads what a [Moment] takes.
func ParseMoment(s string, now time.Time) (time.Time, error) {
	for _, form := range momentForms {
		if t, err := time.Parse(form, s); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if d, err := ParseDuration(days + "h"); err == nil {
			return now.Add(-24 * d), nil
		}
	}
	d, err := ParseDuration(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("want a time such as 2026-01-02T15:04:05Z or 2026-01-02, or how long ago: 36h, 7d")
	}
	return now.Add(-d), nil
}
