// Package doctorcmd has the doctor verb: what works with a server, step by step, and a
// profile of it.
package doctorcmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/doctor"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/socket"
)

// examiner is the doctor verb with its flags.
type examiner struct {
	write string
	asked string // the last advice, which is not repeated
}

// Verbs returns the doctor verb.
func Verbs() []*kit.Verb {
	x := &examiner{}
	return []*kit.Verb{{
		Name: "doctor", Args: "URL", Short: "find out what works with a server, why the rest does not, and whom to ask for what", Generic: true,
		Works: hasHost, Flags: x.flags, Run: x.run,
		Examples: []string{"doctor ftp://alice@ftp.example.org", "doctor --write work imap://alice@mail.example.org", "doctor --json smtp://mail.example.org"},
	}}
}

// hasHost: files and datagrams have no connection to examine.
func hasHost(c protocols.Client) bool {
	return !protocols.IsLocal(c) && !kit.Is[*socket.Datagram](c) && !kit.Is[*mailstore.Maildir](c) && !kit.Is[*mailstore.Mbox](c)
}

func (x *examiner) flags(fs *pflag.FlagSet) {
	fs.StringVar(&x.write, "write", "", "add a profile `NAME` with the settings that work to the configuration file")
}

// trialTimeout is how long a connection may take that is only tried, unless the user
// says otherwise: what a firewall drops is tried in several ways.
const trialTimeout = 5 * time.Second

// stepJSON is one step.
type stepJSON struct {
	Step   string  `json:"step"`
	Status string  `json:"status"` // ok, without, failed or skipped
	Text   string  `json:"text"`
	Ask    string  `json:"ask,omitempty"`  // what to ask the administrator
	Kind   string  `json:"kind,omitempty"` // of the error
	Ms     float64 `json:"ms"`
}

// reportJSON is the last line.
type reportJSON struct {
	Summary summaryJSON       `json:"summary"`
	Profile map[string]string `json:"profile,omitempty"`
	Written string            `json:"written,omitempty"` // the file that the profile was added to
}

type summaryJSON struct {
	URL     string `json:"url"`
	OK      int    `json:"ok"`
	Without int    `json:"without"`
	Failed  int    `json:"failed"`
	Skipped int    `json:"skipped"`
	First   string `json:"first,omitempty"` // the first step that failed
	Text    string `json:"text,omitempty"`  // of it
	Ask     string `json:"ask,omitempty"`
}

func (x *examiner) run(ctx context.Context, e *kit.Env, args []string) error {
	t, err := e.Target(args[0])
	if err != nil {
		return err
	}
	if e.Can != nil {
		if err := e.Can(t.Spec, e.Verb); err != nil {
			return err
		}
	}
	o := *e.OptionsFor(t)
	if !e.Flags.Given("connect-timeout") {
		o.ConnectTimeout = trialTimeout
	}
	url := protocols.Redact(t.URL)
	r, err := doctor.Examine(ctx, doctor.Patient{Target: t, Options: &o, Open: e.DialWith}, func(r doctor.Result) error {
		return x.print(e.Out, r)
	})
	if err != nil {
		return protocols.Wrap(err, t.Spec.Name, "doctor", url)
	}
	if err := x.conclude(ctx, e, url, r); err != nil {
		return err
	}
	return protocols.Wrap(e.Out.Hidden.Error(r.Err()), t.Spec.Name, "doctor", url)
}

// labels of the results, in text.
var labels = map[doctor.Status]string{doctor.OK: "ok", doctor.Without: "works without", doctor.Failed: "fails", doctor.Skipped: "skipped"}

// colours of the results.
var colours = map[doctor.Status]string{doctor.OK: show.Green, doctor.Without: show.Cyan, doctor.Failed: show.Red}

// print writes one step.
func (x *examiner) print(o *show.Output, r doctor.Result) error {
	text, ask := o.Hidden.Text(strings.Join(strings.Fields(r.Text), " ")), o.Hidden.Text(r.Ask)
	j := stepJSON{Step: r.Step, Status: string(r.Status), Text: strings.ToValidUTF8(text, "\uFFFD"), Ask: ask, Ms: show.Millis(r.Took)}
	if r.Err != nil {
		j.Kind = protocols.KindOf(r.Err).String()
	}
	if r.Status == doctor.Skipped && !o.JSON && !o.Verbose {
		return nil
	}
	return o.Record(j, func() string {
		line := fmt.Sprintf("%s  %-18s  %s", o.Paint.As(colours[r.Status], fmt.Sprintf("%-13s", labels[r.Status])), r.Step, show.Safe(text))
		if ask != "" && ask != x.asked {
			line += "\n" + strings.Repeat(" ", 35) + "ask " + show.Safe(ask)
		}
		x.asked = ask
		return line
	})
}

// conclude writes the summary and the profile, and stores that where asked.
func (x *examiner) conclude(ctx context.Context, e *kit.Env, url string, r *doctor.Report) error {
	j := reportJSON{Summary: summaryJSON{URL: url, OK: r.Counts[doctor.OK], Without: r.Counts[doctor.Without], Failed: r.Counts[doctor.Failed], Skipped: r.Counts[doctor.Skipped]}}
	if r.First != nil {
		j.Summary.First, j.Summary.Text, j.Summary.Ask = r.First.Step, e.Out.Hidden.Text(r.First.Text), e.Out.Hidden.Text(r.First.Ask)
	}
	settings := x.settings(e, r)
	if x.write != "" && settings == nil {
		e.Out.Warn("no profile is written: step " + r.First.Step + " does not work")
	} else if x.write != "" {
		var err error
		if j.Written, err = secret.AddProfile(ctx, x.write, settings, os.Getenv); err != nil {
			return err
		}
	}
	for _, s := range settings {
		if j.Profile == nil {
			j.Profile = map[string]string{}
		}
		j.Profile[s.Key] = s.Value
	}
	if e.Out.JSON {
		return e.Out.Object(j)
	}
	return x.tell(e.Out, j, settings)
}

// tell writes the conclusion for people.
func (x *examiner) tell(o *show.Output, j reportJSON, settings []secret.Setting) error {
	if settings == nil {
		text := "\nThe first step that fails: " + j.Summary.First + ". " + show.Safe(strings.Join(strings.Fields(j.Summary.Text), " ")) + "."
		if j.Summary.Ask != "" {
			text += "\nAsk the administrator " + show.Safe(j.Summary.Ask) + "."
		}
		return o.Line(text)
	}
	if j.Written != "" {
		return o.Line("\nProfile " + show.Safe(x.write) + " is in " + show.Safe(j.Written) + "; --profile " + show.Safe(x.write) + " uses it.")
	}
	text, err := secret.ProfileText("NAME", settings)
	if err != nil {
		return err
	}
	return o.Line("\nA profile that works (--write NAME adds it to the configuration file):\n\n" + show.SafeLines(strings.TrimSuffix(text, "\n")))
}

// settings are those of the report, and what the user's flags say: without them the
// profile would not work.
func (x *examiner) settings(e *kit.Env, r *doctor.Report) []secret.Setting {
	if r.Settings == nil {
		return nil
	}
	var all []secret.Setting
	for _, key := range secret.ProfileKeys() {
		value := e.Flags.Value(strings.ReplaceAll(key, "_", "-"))
		if value == "" || value == "-" || key == "url" || key == "allow_plaintext_auth" {
			continue
		}
		if secret.IsProfilePath(key) {
			if abs, err := filepath.Abs(value); err == nil {
				value = abs
			}
		}
		all = append(all, secret.Setting{Key: key, Value: value})
	}
	for _, s := range r.Settings {
		all = append(all, secret.Setting{Key: s.Key, Value: s.Value})
	}
	return secret.Sorted(all)
}
