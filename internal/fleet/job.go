package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Job is one verb with its arguments, as a line of a jobs file has it.
type Job struct {
	ID      string            `json:"id,omitempty"`
	Verb    string            `json:"verb"` // "sync", or with its protocol "imap status"
	Args    []string          `json:"args"`
	Flags   map[string]any    `json:"flags,omitempty"`   // by name without dashes; a list is a flag given several times
	Secrets map[string]string `json:"secrets,omitempty"` // "src" and "dst": where a worker finds the secret of the first and the last server
	Lane    string            `json:"lane,omitempty"`
}

// The words of Job.Secrets.
const (
	Source      = "src"
	Destination = "dst"
)

// maxJob bounds a job as it is stored.
const maxJob = 256 << 10

// Key returns the name of a job in the fleet's objects, of 32 hexadecimal digits.
func (j *Job) Key() string { return hash("id", j.ID) }

// filesKey returns the name for what a run of the job must remember: the same for all
// jobs with this verb and these arguments, whatever their flags.
func (j *Job) filesKey() string { return hash(append([]string{"files", j.Verb}, j.Args...)...) }

// hash names a list of texts.
func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// fill sets what a job leaves out. The id is made of what the job does, so that the same
// one is the same job.
func (j *Job) fill(lane string) error {
	if j.Lane == "" {
		j.Lane = lane
	}
	if j.ID == "" {
		flags, err := json.Marshal(j.Flags) // with sorted keys
		if err != nil {
			return err
		}
		j.ID = hash(append([]string{j.Verb, string(flags)}, j.Args...)...)
	}
	return nil
}

// Words returns the command line of the job, without the program's name.
func (j *Job) Words() ([]string, error) {
	out := strings.Fields(j.Verb)
	for _, name := range slices.Sorted(maps.Keys(j.Flags)) {
		list, many := j.Flags[name].([]any)
		if !many {
			list = []any{j.Flags[name]}
		}
		for _, v := range list {
			text, err := flagText(v)
			if err != nil {
				return nil, usage("flag %q: %v", name, err)
			}
			out = append(out, "--"+name+"="+text)
		}
	}
	return append(append(out, "--"), j.Args...), nil
}

func flagText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("want a text, a number, true or false, or a list of them")
}

// ownFlags are those that a fleet sets itself, or that would be of no use in a job.
var ownFlags = map[string]string{
	"json": "a job's results are JSON always", "jq": "filter what fleet results prints", "quiet": "", "verbose": "", "no-progress": "", "stats": "", "color": "", "help": "",
}

// Check returns an error for a job that no worker could or should run. It does not know
// the verbs: see [Host].
func (j *Job) Check() error {
	switch {
	case j.Verb == "":
		return usage(`"verb" is missing`)
	case len(j.Verb) > 100 || strings.HasPrefix(j.Verb, "-"):
		return usage(`"verb" is no verb`)
	case len(j.ID) > 200 || strings.ContainsAny(j.ID, "\r\n\x00"):
		return usage(`"id" is too long or holds a line end`)
	}
	if j.Lane != "" {
		if err := CheckWord("lane", j.Lane); err != nil {
			return err
		}
	}
	if err := j.withoutSecrets(); err != nil {
		return err
	}
	for name := range j.Flags {
		if why, own := ownFlags[name]; own {
			return usage("flag %q is not for jobs%s", name, because(why))
		}
	}
	for name := range j.Secrets {
		if name != Source && name != Destination {
			return usage(`secrets has %q: want "src" and "dst"`, name)
		}
	}
	return nil
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// secretHeaders are the header fields that hold secrets.
var secretHeaders = []string{"authorization:", "proxy-authorization:", "cookie:", "x-api-key:"}

// withoutSecrets refuses what would put a secret into the queue: a password in a URL, or
// a header field that holds one. The error repeats no part of it.
func (j *Job) withoutSecrets() error {
	texts := slices.Clone(j.Args)
	for _, v := range j.Flags {
		list, many := v.([]any)
		if !many {
			list = []any{v}
		}
		for _, v := range list {
			if s, ok := v.(string); ok {
				texts = append(texts, s)
			}
		}
	}
	for _, text := range append(texts, j.ID, j.Verb) {
		if hasPassword(text) {
			return usage("a URL holds a password, which must not enter the queue: name where a worker finds it in \"secrets\" (profile:, env:, file:, command:, csv:, keyring)")
		}
		lower := strings.ToLower(strings.TrimSpace(text))
		if slices.ContainsFunc(secretHeaders, func(h string) bool { return strings.HasPrefix(lower, h) && len(lower) > len(h) }) {
			return usage("a header field holds a secret, which must not enter the queue: use a token file or a profile of the worker")
		}
	}
	return nil
}

func hasPassword(text string) bool {
	if protocols.RedactText(text) != text {
		return true
	}
	if u, err := protocols.ParseURL(text, ""); err == nil && u.User != nil {
		_, has := u.User.Password()
		return has
	}
	return false
}
