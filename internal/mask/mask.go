// Package mask hides secrets in what leaves a client: errors, trace events, reports.
// A client shows nothing of the secrets that it sends; a server may say them back, as
// they were sent, quoted, escaped or in base64, and so may a message that quotes what
// it is about.
package mask

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/netclients/netclients/protocols"
)

const (
	// Hidden stands in the place of a secret.
	Hidden = "****"

	// minSecret is the shortest secret that is looked for: hiding a shorter one would
	// tear holes into every text.
	minSecret = 4

	// maxSecrets is how many secrets are remembered, the newest.
	maxSecrets = 100
)

// Mask knows secrets. The zero value knows none. It is safe for concurrent use.
type Mask struct {
	mu        sync.RWMutex
	secrets   []string // the newest last
	forms     []string // ways to write them, folded
	arguments []string // in pairs: an argument, and how it is shown
	cores     []string // what base64 of any text with a secret in it holds
}

// Add makes secrets known. Short ones change nothing; one that is known becomes the
// newest.
func (m *Mask) Add(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fresh := false
	for _, s := range secrets {
		if len(s) < minSecret {
			continue
		}
		if i := slices.Index(m.secrets, s); i >= 0 {
			m.secrets = slices.Delete(m.secrets, i, i+1)
		} else {
			fresh = true
		}
		m.secrets = append(m.secrets, s)
	}
	if fresh {
		m.secrets = m.secrets[max(0, len(m.secrets)-maxSecrets):]
		m.spell()
	}
}

// spell finds the forms of all secrets.
func (m *Mask) spell() {
	m.forms, m.cores = nil, nil
	for _, s := range m.secrets {
		for _, form := range forms(s) {
			m.forms = append(m.forms, fold(form))
		}
		for before := range 3 {
			m.cores = append(m.cores, core64(base64.RawStdEncoding, s, before), core64(base64.RawURLEncoding, s, before))
		}
	}
	slices.Sort(m.forms)
	slices.Sort(m.cores)
	m.forms, m.cores = slices.Compact(m.forms), slices.Compact(m.cores)
}

// AddCredential makes the secrets of a login known.
func (m *Mask) AddCredential(c protocols.Credential) { m.Add(c.Password, c.Token, c.Account) }

// forms returns the ways in which a text may stand in a message.
func forms(s string) []string {
	inner := func(quoted string) string { return quoted[1 : len(quoted)-1] }
	quoted := inner(strconv.Quote(s))
	return []string{
		s, quoted, inner(strconv.QuoteToASCII(s)), inner(strconv.Quote(quoted)),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s), // RFC 3501 4.3
		strings.ReplaceAll(s, "\xff", "\xff\xff"),            // RFC 959, TELNET
		url.PathEscape(s), url.QueryEscape(s), hex.EncodeToString([]byte(s)), inJSON(s),
	}
}

// inJSON returns a text as it stands in a JSON string, in the form that is safe in HTML
// too. Package json would do the same, and weigh more than all else here.
func inJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch i := strings.IndexRune("\"\\\b\f\n\r\t", r); {
		case i >= 0:
			b.WriteByte('\\')
			b.WriteByte("\"\\bfnrt"[i])
		case r < ' ', r == '<', r == '>', r == '&', r == '\u2028', r == '\u2029', r == '\uFFFD':
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// core64 returns what is always there of a secret in base64, where so many bytes
// before it, modulo 3, are in the same text: as after a user's name.
func core64(enc *base64.Encoding, secret string, before int) string {
	all := enc.EncodeToString([]byte("xxx"[:before] + secret))
	begin, end := (before*8+5)/6, len(all)
	if (before+len(secret))%3 != 0 {
		end-- // the last character depends on what comes after
	}
	return all[begin:end]
}

// Error returns an error whose texts hide all secrets. It is of the same classes.
func (m *Mask) Error(err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok && m.Text(err.Error()) == err.Error() {
		return err
	}
	if !ok {
		errors.As(protocols.Wrap(err, "", "", ""), &e)
	}
	safe, changed := *e, false
	for _, text := range []*string{&safe.Text, &safe.Hint, &safe.URL, &safe.Enhanced} {
		hidden := m.Text(*text)
		changed = changed || hidden != *text
		*text = hidden
	}
	hidden, cause := m.cause(e.Err)
	if !changed && !hidden {
		return err
	}
	safe.Err = cause
	return &safe
}

// body is implemented by errors with the text of a refused answer.
type body interface {
	error
	Said() string
}

// cause returns err, or in its place an error without the secrets that it or the body
// of the answer holds, and whether there were any. Values of errors are not compared: some cannot be.
func (m *Mask) cause(err error) (hidden bool, cause error) {
	if err == nil {
		return false, nil
	}
	text, said := err.Error(), ""
	if b, ok := errors.AsType[body](err); ok {
		said = b.Said()
	}
	safeText, safeSaid := m.Text(text), m.Text(said)
	if safeText == text && safeSaid == said {
		return false, err
	}
	return true, &masked{safeText, safeSaid, err}
}

// masked is an error with other words. It is not unwrapped, which would show them.
type masked struct {
	text, said string
	err        error
}

func (e *masked) Error() string        { return e.text }
func (e *masked) Is(target error) bool { return errors.Is(e.err, target) }

// Said returns the text of the refused answer.
func (e *masked) Said() string { return e.said }

// Trace returns a sink of events that shows no secret; nil for nil.
func (m *Mask) Trace(sink func(protocols.Event)) func(protocols.Event) {
	if sink == nil {
		return nil
	}
	return func(ev protocols.Event) {
		ev.Text = m.Text(ev.Text)
		if ev.Head != "" {
			ev.Head = m.Text(ev.Head)
		}
		sink(ev)
	}
}

// Reply hides secrets in what a server said; nil means no reply.
func (m *Mask) Reply(r *protocols.Reply) {
	if r == nil {
		return
	}
	for i, l := range r.Lines {
		r.Lines[i] = m.Text(l)
	}
}

// Capabilities returns the list without secrets. The parameters may be shared: they are
// copied.
func (m *Mask) Capabilities(list []protocols.Capability) []protocols.Capability {
	list = slices.Clone(list)
	for i := range list {
		c := &list[i]
		c.Name, c.Params = m.Text(c.Name), slices.Clone(c.Params)
		for j, text := range c.Params {
			c.Params[j] = m.Text(text)
		}
	}
	return list
}
