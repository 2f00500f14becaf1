package verbs

import (
	"fmt"
	"strings"

	"github.com/netclients/netclients/internal/cli/show"
)

// metric is a family of the Prometheus text format: its values for one result, each
// with the labels beside the URL.
type metric struct {
	name, help string
	values     func(r *result, add func(labels string, value float64))
}

// metricFamilies are in the order in which they are written.
var metricFamilies = []metric{
	{"netclients_probe_up", "Whether the server answered as expected: 1 or 0.", func(r *result, add func(string, float64)) {
		if r.Up {
			add("", 1)
			return
		}
		add("", 0)
	}},
	{"netclients_probe_duration_seconds", "How long the whole probe took.", func(r *result, add func(string, float64)) {
		add("", r.Total.Seconds())
	}},
	{"netclients_probe_phase_seconds", "How long each step of the probe took.", func(r *result, add func(string, float64)) {
		for _, ph := range r.phases() {
			if ph.took > 0 {
				add(`,phase="`+ph.name+`"`, ph.took.Seconds())
			}
		}
	}},
	{"netclients_probe_http_status_code", "The status of the answer.", func(r *result, add func(string, float64)) {
		if r.Status > 0 {
			add("", float64(r.Status))
		}
	}},
	{"netclients_probe_cert_not_after_timestamp_seconds", "When the server's certificate ends, in seconds since 1970.", func(r *result, add func(string, float64)) {
		if !r.CertNotAfter.IsZero() {
			add("", float64(r.CertNotAfter.Unix()))
		}
	}},
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// metrics returns results in the Prometheus text format, without the last line end:
// all series of a family stand together, as the format demands.
func metrics(results []*result) string {
	var lines []string
	for _, m := range metricFamilies {
		var series []string
		for _, r := range results {
			url := escapeLabel.Replace(show.Safe(r.URL))
			m.values(r, func(labels string, value float64) {
				series = append(series, fmt.Sprintf(`%s{url="%s"%s} %s`, m.name, url, labels, number(value)))
			})
		}
		if series != nil {
			lines = append(lines, "# HELP "+m.name+" "+m.help, "# TYPE "+m.name+" gauge")
			lines = append(lines, series...)
		}
	}
	return strings.Join(lines, "\n")
}

// number writes whole numbers without an exponent.
func number(v float64) string {
	if v == float64(int64(v)) {
		return fmt.Sprintf("%d", int64(v))
	}
	return fmt.Sprintf("%g", v)
}
