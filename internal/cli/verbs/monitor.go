package verbs

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// The states of monitoring plug-ins; each one's index is its exit code by convention.
var nagiosStates = []string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}

const nagiosUnknown = 3

// severity orders the states: what could not be found out is less than a warning.
var severity = []int{0, 2, 3, 1}

// nagiosExit ends the program with a plug-in's code in place of our own.
type nagiosExit struct{ state int }

func (e *nagiosExit) Error() string { return "probe: " + nagiosStates[e.state] }

// ExitCode returns the plug-in's code.
func (e *nagiosExit) ExitCode() int { return e.state }

// IsPlugin reports whether a command line is a probe with --nagios.
func IsPlugin(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "probe") && (slices.Contains(args, "--nagios") || slices.Contains(args, "--nagios=true"))
}

// PluginEnd makes what kept a plug-in from probing at all, such as a wrong flag, its
// state UNKNOWN: one line on standard output, as monitoring systems read it.
func PluginEnd(w io.Writer, err error) error {
	if _, done := err.(*nagiosExit); err == nil || done {
		return err
	}
	if _, wrong := fmt.Fprintf(w, "UNKNOWN - %s\n", plainLine(err.Error())); wrong != nil {
		return err
	}
	return &nagiosExit{nagiosUnknown}
}

// plainLine is a text of a plug-in's line: the bar parts text from data.
func plainLine(text string) string {
	return strings.ReplaceAll(show.Safe(strings.Join(strings.Fields(text), " ")), "|", "/")
}

// days takes the days W or W,C before the end of a certificate from which on the
// state is WARNING and CRITICAL.
type days struct{ warn, crit int }

func (d *days) String() string { return strconv.Itoa(d.warn) + "," + strconv.Itoa(d.crit) }

// Type names the value in help texts.
func (d *days) Type() string { return "W[,C]" }

// Set reads W or W,C.
func (d *days) Set(text string) error {
	w, c, both := strings.Cut(text, ",")
	warn, err1 := strconv.Atoi(strings.TrimSpace(w))
	crit, err2 := 0, error(nil)
	if both {
		crit, err2 = strconv.Atoi(strings.TrimSpace(c))
	}
	if err1 != nil || err2 != nil || warn < 0 || warn > 10_000 || crit < 0 || crit > warn {
		return fmt.Errorf("want days as 14, or 14,7 for WARNING and CRITICAL")
	}
	d.warn, d.crit = warn, crit
	return nil
}

// left returns the whole days until the certificate ends; negative where it has ended.
func (r *result) left() int {
	left := time.Until(r.CertNotAfter)
	if left < 0 {
		return int(left/(24*time.Hour)) - 1
	}
	return int(left / (24 * time.Hour))
}

// state returns a result's place in nagiosStates, and why.
func (p *prober) state(r *result) (int, string) {
	dated := !r.CertNotAfter.IsZero()
	switch left := r.left(); {
	case !r.Up && protocols.KindOf(r.err) == protocols.KindUsage:
		return nagiosUnknown, fmt.Sprint(r.err)
	case !r.Up:
		return 2, "failed at " + r.Phase + ": " + fmt.Sprint(r.err)
	case p.crit > 0 && r.Total > time.Duration(p.crit):
		return 2, took(r) + " (more than " + p.crit.String() + ")"
	case dated && left < 0:
		return 2, "certificate ended " + r.CertNotAfter.Format(time.DateOnly)
	case dated && left < p.certDays.crit:
		return 2, fmt.Sprintf("certificate ends in %d days (%s)", left, r.CertNotAfter.Format(time.DateOnly))
	case p.warn > 0 && r.Total > time.Duration(p.warn):
		return 1, took(r) + " (more than " + p.warn.String() + ")"
	case dated && left < p.certDays.warn:
		return 1, fmt.Sprintf("certificate ends in %d days (%s)", left, r.CertNotAfter.Format(time.DateOnly))
	}
	text := took(r)
	if r.Status > 0 {
		text = "status " + strconv.Itoa(r.Status) + ", " + text
	}
	if dated {
		text += fmt.Sprintf(", certificate %d days", r.left())
	}
	return 0, text
}

// took returns the time of a result in milliseconds, with three digits.
func took(r *result) string {
	return fmt.Sprintf("%.3g ms", float64(r.Total)/float64(time.Millisecond))
}

// nagiosLine writes the one line "STATE - text | performance data"; the worst result
// decides.
func (p *prober) nagiosLine(o *show.Output, results []*result) error {
	worst := 0
	var texts, data []string
	for _, r := range results {
		state, why := p.state(r)
		if severity[state] > severity[worst] {
			worst = state
		}
		texts = append(texts, r.URL+" "+why)
		prefix := ""
		if len(results) > 1 {
			prefix = r.URL + " "
		}
		data = append(data, p.performance(prefix, r)...)
	}
	line := fmt.Sprintf("%s - %s | %s", nagiosStates[worst], plainLine(strings.Join(texts, ", ")), strings.Join(data, " "))
	if err := o.Text(line); err != nil || worst == 0 {
		return err
	}
	return &nagiosExit{worst}
}

// performance returns the data of one result: 'label'=value;warn;crit;min.
func (p *prober) performance(prefix string, r *result) []string {
	label := func(name string) string {
		if prefix == "" {
			return name
		}
		return "'" + strings.NewReplacer("'", "%27", "=", "%3D", "|", "%7C").Replace(show.Safe(prefix)) + name + "'"
	}
	data := []string{fmt.Sprintf("%s=%.6fs;%s;%s;0", label("time"), r.Total.Seconds(), seconds(p.warn), seconds(p.crit))}
	for _, ph := range r.phases() {
		if ph.took > 0 {
			data = append(data, fmt.Sprintf("%s=%.6fs;;;0", label(ph.name), ph.took.Seconds()))
		}
	}
	if r.Status > 0 {
		data = append(data, fmt.Sprintf("%s=%d", label("status"), r.Status))
	}
	if !r.CertNotAfter.IsZero() {
		data = append(data, fmt.Sprintf("%s=%d;%d:;%d:", label("cert_days"), r.left(), p.certDays.warn, p.certDays.crit))
	}
	return data
}

func seconds(d kit.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(time.Duration(d).Seconds(), 'f', -1, 64)
}
