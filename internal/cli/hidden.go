package cli

import (
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
type hidden struct {
	mu    sync.RWMutex
	forms []string // the longest first
}

// learn adds the forms in which a secret goes over the wire.
func (h *hidden) learn(c protocols.Credential) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range []string{c.Password, c.Token, c.Account} {
		if len(secret) < leastSecret {
			continue
		}
		h.forms = append(h.forms, secret)
		for _, coded := range []string{secret, c.AuthzID + "\x00" + c.User + "\x00" + secret, c.User + ":" + secret} {
			h.forms = append(h.forms, base64.StdEncoding.EncodeToString([]byte(coded)))
		}
	}
	slices.SortFunc(h.forms, func(a, b string) int { return len(b) - len(a) })
	h.forms = slices.Compact(h.forms)
}

// text gives a text with all secrets hidden.
func (h *hidden) text(s string) string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, form := range h.forms {
		s = strings.ReplaceAll(s, form, "****")
	}
	return s
}

// err gives an error with all secrets hidden.
func (h *hidden) err(err error) error {
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || h.text(err.Error()) == err.Error() {
		return err
	}
	safe := *e
	safe.Text = h.text(e.Text)
	if e.Err != nil {
		safe.Err = errors.New(h.text(e.Err.Error()))
	}
	return &safe
}

// trace gives a sink of events that shows no secret.
func (h *hidden) trace(sink func(protocols.Event)) func(protocols.Event) {
	return func(ev protocols.Event) {
		ev.Text = h.text(ev.Text)
		sink(ev)
	}
}
