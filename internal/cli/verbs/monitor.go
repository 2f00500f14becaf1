package verbs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
)

// The exit codes that monitoring plug-ins have by convention.
var nagiosStates = []string{"OK", "WARNING", "CRITICAL"}

// nagiosExit ends the program with a plug-in's code in place of our own.
type nagiosExit struct{ state int }

func (e *nagiosExit) Error() string { return "probe: " + nagiosStates[e.state] }

// ExitCode returns the plug-in's code.
func (e *nagiosExit) ExitCode() int { return e.state }

// state returns a result's place in nagiosStates, and why.
func (p *prober) state(r *result) (int, string) {
	left := time.Until(r.CertNotAfter)
	switch {
	case !r.Up:
		return 2, "failed at " + r.Phase + ": " + fmt.Sprint(r.err)
	case p.crit > 0 && r.Total > time.Duration(p.crit):
		return 2, "took longer than " + p.crit.String()
	case !r.CertNotAfter.IsZero() && left < 0:
		return 2, "certificate ended " + r.CertNotAfter.Format(time.DateOnly)
	case p.warn > 0 && r.Total > time.Duration(p.warn):
		return 1, "took longer than " + p.warn.String()
	case !r.CertNotAfter.IsZero() && left < time.Duration(p.certDays.Value)*24*time.Hour:
		return 1, "certificate ends " + r.CertNotAfter.Format(time.DateOnly)
	}
	return 0, "up"
}

// nagiosLine writes the one line "STATE - text | performance data"; the worst
// result decides.
func (p *prober) nagiosLine(o *show.Output, results []*result) error {
	worst := 0
	var texts, data []string
	for i, r := range results {
		state, why := p.state(r)
		worst = max(worst, state)
		texts = append(texts, r.URL+" "+strings.Join(strings.Fields(why), " "))
		label := "time"
		if len(results) > 1 {
			label += strconv.Itoa(i + 1)
		}
		data = append(data, fmt.Sprintf("%s=%.6fs;%s;%s;0", label, r.Total.Seconds(), seconds(p.warn), seconds(p.crit)))
	}
	// The bar parts text from data.
	text := strings.ReplaceAll(strings.Join(texts, ", "), "|", "/")
	line := fmt.Sprintf("%s - %s | %s", nagiosStates[worst], text, strings.Join(data, " "))
	if err := o.Text(line); err != nil || worst == 0 {
		return err
	}
	return &nagiosExit{worst}
}

func seconds(d kit.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(time.Duration(d).Seconds(), 'f', -1, 64)
}

// metrics returns one result in the Prometheus text format, without a line end.
func metrics(r *result) string {
	label := `{url="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(show.Safe(r.URL)) + `"`
	up := 0
	if r.Up {
		up = 1
	}
	lines := []string{fmt.Sprintf("netclients_probe_up%s} %d", label, up),
		fmt.Sprintf("netclients_probe_duration_seconds%s} %g", label, r.Total.Seconds())}
	for _, ph := range r.phases() {
		if ph.took > 0 {
			lines = append(lines, fmt.Sprintf("netclients_probe_phase_seconds%s,phase=%q} %g", label, ph.name, ph.took.Seconds()))
		}
	}
	if !r.CertNotAfter.IsZero() {
		lines = append(lines, fmt.Sprintf("netclients_probe_cert_not_after_seconds%s} %d", label, r.CertNotAfter.Unix()))
	}
	return strings.Join(lines, "\n")
}
