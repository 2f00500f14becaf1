package secret

import (
	"cmp"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// leastSecret is the length from which a secret is looked for: to hide a shorter one
// would tear holes into every text.
const leastSecret = 4

// hidden are the secrets that a command has come to know. Clients do not show what
// they send of them; here they are hidden where a server says them back. It may be
// used from many goroutines.
type Mask struct {
	mu    sync.RWMutex
	forms []string // the longest first
	coded []string // what base64 of anything with a secret in it holds
}

// Learn adds a secret, as it is and in base64.
func (h *Mask) Learn(c protocols.Credential) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range []string{c.Password, c.Token, c.Account} {
		if len(secret) < leastSecret {
			continue
		}
		h.forms = append(h.forms, secret)
		for before := range 3 {
			h.coded = append(h.coded, core64(secret, before))
		}
	}
	slices.SortFunc(h.forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	h.forms = slices.Compact(h.forms)
	slices.Sort(h.coded)
	h.coded = slices.Compact(h.coded)
}

// core64 gives what is always there of a secret in base64, where so many bytes
// before it, modulo 3, are in the same text: as behind a user's name.
func core64(secret string, before int) string {
	all := base64.RawStdEncoding.EncodeToString([]byte("xxx"[:before] + secret))
	begin, end := (before*8+5)/6, len(all)
	if (before+len(secret))%3 != 0 {
		end-- // the last character depends on what comes behind
	}
	return all[begin:end]
}

// Text returns a text with all secrets hidden.
func (h *Mask) Text(s string) string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, form := range h.forms {
		s = strings.ReplaceAll(s, form, "****")
	}
	for _, core := range h.coded {
		s = mask64(s, core)
	}
	return s
}

// mask64 hides each run of base64 that holds core.
func mask64(s, core string) string {
	other := func(r rune) bool {
		return r > 'z' || !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", r)
	}
	for {
		before, after, found := strings.Cut(s, core)
		if !found {
			return s
		}
		begin, end := strings.LastIndexFunc(before, other)+1, strings.IndexFunc(after, other)
		if end < 0 {
			end = len(after)
		}
		s = before[:begin] + "****" + after[end:]
	}
}

// Err returns an error with all secrets hidden.
func (h *Mask) Err(err error) error {
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || h.Text(err.Error()) == err.Error() && h.Text(e.Hint) == e.Hint {
		return err
	}
	safe := *e
	safe.Text, safe.Hint = h.Text(e.Text), h.Text(e.Hint)
	if e.Err != nil {
		safe.Err = errors.New(h.Text(e.Err.Error()))
	}
	return &safe
}

// Trace returns a sink of events that shows no secret.
func (h *Mask) Trace(sink func(protocols.Event)) func(protocols.Event) {
	return func(ev protocols.Event) {
		ev.Text = h.Text(ev.Text)
		sink(ev)
	}
}
