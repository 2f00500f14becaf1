package secret

import (
	"context"
	"errors"
	"maps"
	"strings"
)

// Store is what the targets of one command share.
type Store struct {
	turn  chan struct{}        // holds one token while somebody looks
	known map[string]secretGot // guarded by turn, as told is
	told  map[string]bool
}

type secretGot struct {
	secret string
	err    error
}

// NewStore returns a store that knows nothing.
func NewStore() *Store {
	return &Store{turn: make(chan struct{}, 1), known: map[string]secretGot{}, told: map[string]bool{}}
}

// enter waits for the turn to look and ask, until the context ends.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) leave() { <-s.turn }

// once returns what get gave the first time. What the context ended is tried again.
func (s *Store) once(key string, get func() (string, error)) (string, error) {
	if g, ok := s.known[key]; ok {
		return g.secret, g.err
	}
	secret, err := get()
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		s.known[key] = secretGot{secret, err}
	}
	return secret, err
}

// ForgetCommands has commands for secrets asked again.
func (s *Store) ForgetCommands() {
	maps.DeleteFunc(s.known, func(key string, _ secretGot) bool { return strings.HasPrefix(key, byCommand) })
}

// first reports whether a text is new.
func (s *Store) first(text string) bool {
	seen := s.told[text]
	s.told[text] = true
	return !seen
}
