package labapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/journal"
)

// trigger is how often a command of SMTP fails, and how, as Mailpit has it.
type trigger struct {
	ErrorCode   int
	Probability int // percent
}

// triggers are Mailpit's chaos: faults of the commands of SMTP.
type triggers struct {
	Sender, Recipient, Authentication trigger
}

// chaosWord marks the faults that are chaos in the specifications.
const chaosWord = "Chaos"

// chaosServers are the servers that chaos is for.
var chaosServers = []string{"smtp", "smtps", "submission", "lmtp"}

// rows returns the triggers with the commands that they are for, and their usual codes.
func (t *triggers) rows() []chaosRow {
	return []chaosRow{{"MAIL", 451, &t.Sender}, {"RCPT", 451, &t.Recipient}, {"AUTH", 535, &t.Authentication}}
}

// chaosRow is a trigger.
type chaosRow struct {
	verb  string
	usual int
	*trigger
}

// fault returns the specification of a trigger; empty: it never happens.
func (x chaosRow) fault() string {
	if x.Probability == 0 {
		return ""
	}
	spec := fmt.Sprintf("code:%s=%d %d.0.0 %s", x.verb, x.ErrorCode, x.ErrorCode/100, chaosWord)
	if x.Probability < 100 {
		spec += fmt.Sprintf("~%d%%", x.Probability)
	}
	return spec
}

// chaos is GET /api/v1/chaos.
func (a checks) chaos(w http.ResponseWriter, _ *http.Request) error {
	if a.SetFaults == nil || a.Servers == nil {
		return errNotFound
	}
	var t triggers
	for _, s := range a.Servers() {
		if slices.Contains(chaosServers, s.Protocol) {
			t.read(s.Fault)
			break
		}
	}
	for _, x := range t.rows() {
		if x.ErrorCode == 0 {
			x.ErrorCode = x.usual
		}
	}
	return writeJSON(w, t)
}

// read takes the triggers out of a specification.
func (t *triggers) read(spec string) {
	for _, part := range base.FaultParts(spec) {
		f, err := base.ParseFaults(part)
		if err != nil || !isChaos(part) {
			continue
		}
		for _, x := range t.rows() {
			if x.verb == f[0].Verb {
				fmt.Sscan(f[0].Text, &x.ErrorCode)
				if x.Probability = f[0].Chance; x.Probability == 0 {
					x.Probability = 100
				}
			}
		}
	}
}

// isChaos reports whether a fault of a specification is chaos.
func isChaos(part string) bool {
	text, _, _ := strings.Cut(part, "~")
	return strings.HasPrefix(part, "code:") && strings.HasSuffix(text, ".0.0 "+chaosWord)
}

// setChaos is PUT /api/v1/chaos: the other faults of the servers stay.
func (a checks) setChaos(w http.ResponseWriter, r *http.Request) error {
	if a.SetFaults == nil || a.Servers == nil {
		return errNotFound
	}
	var t triggers
	if err := readJSON(w, r, maxRequest, &t); err != nil {
		return err
	}
	var chaos []string
	for _, x := range t.rows() {
		if x.ErrorCode == 0 {
			x.ErrorCode = x.usual
		}
		switch {
		case x.ErrorCode < 400 || x.ErrorCode > 599:
			return status{http.StatusBadRequest, "ErrorCode is from 400 to 599"}
		case x.Probability < 0 || x.Probability > 100:
			return status{http.StatusBadRequest, "Probability is from 0 to 100"}
		}
		if spec := x.fault(); spec != "" {
			chaos = append(chaos, spec)
		}
	}
	specs := map[string]string{}
	for _, s := range a.Servers() {
		if slices.Contains(chaosServers, s.Protocol) {
			others := slices.DeleteFunc(base.FaultParts(s.Fault), isChaos)
			specs[s.Protocol] = strings.Join(slices.Concat(chaos, others), ",")
		}
	}
	if err := a.SetFaults(specs); err != nil {
		return status{http.StatusBadRequest, err.Error()}
	}
	a.Journal.Tell(journal.Event{Kind: "faults"})
	return a.chaos(w, r)
}
