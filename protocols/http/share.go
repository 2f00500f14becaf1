package http

import (
	"context"
	"sync"
)

// Connections are connections of HTTP/2 and HTTP/3 that clients share, by
// [Settings].Share: many requests go over one at the same time. The zero value is ready
// for use. Its owner closes it after the clients.
type Connections struct {
	mu     sync.Mutex
	open   map[string]*shared // by origin
	closed bool
}

// shared is a connection with its users.
type shared struct {
	connection
	from  *Connections
	key   string
	users int
	done  chan struct{} // closed when it was dialed, or that has failed
	err   error
}

// take returns the connection of an origin; the first that wants one dials it.
func (s *Connections) take(ctx context.Context, key string, dial func() (connection, error)) (connection, error) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, closedError()
		}
		c := s.open[key]
		if c == nil {
			c = &shared{from: s, key: key, users: 1, done: make(chan struct{})}
			if s.open == nil {
				s.open = map[string]*shared{}
			}
			s.open[key] = c
			s.mu.Unlock()
			return c.dial(dial)
		}
		s.mu.Unlock()
		select {
		case <-c.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if c.err == nil && c.join() {
			return c, nil
		} // else the one that dialed has failed, perhaps by its own context
	}
}

func (c *shared) dial(dial func() (connection, error)) (connection, error) {
	c.connection, c.err = dial()
	c.from.mu.Lock()
	closed := c.from.closed
	if c.err != nil && c.from.open[c.key] == c {
		delete(c.from.open, c.key)
	}
	c.from.mu.Unlock()
	close(c.done)
	if c.err == nil && closed {
		c.close()
		return nil, closedError()
	}
	if c.err != nil {
		return nil, c.err
	}
	return c, nil
}

// join adds a user. One that takes no more requests is left to those that it has.
func (c *shared) join() bool {
	c.from.mu.Lock()
	defer c.from.mu.Unlock()
	if c.from.open[c.key] != c {
		return false
	}
	if !c.ready() {
		delete(c.from.open, c.key)
		if c.users == 0 {
			c.close()
		}
		return false
	}
	c.users++
	return true
}

// leave takes a user away.
func (c *shared) leave() {
	c.from.mu.Lock()
	defer c.from.mu.Unlock()
	c.users--
	if c.from.open[c.key] == c && !c.usable() {
		delete(c.from.open, c.key)
	}
	if c.users == 0 && c.from.open[c.key] != c {
		c.close()
	}
}

// Close closes all connections; requests that go over them fail. It always returns nil.
func (s *Connections) Close() error {
	s.mu.Lock()
	open := s.open
	s.open, s.closed = nil, true
	s.mu.Unlock()
	for _, c := range open {
		select {
		case <-c.done:
			if c.err == nil {
				c.close()
			}
		default: // who dials it closes it
		}
	}
	return nil
}
