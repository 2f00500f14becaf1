package kit

import (
	"context"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// lastClient says goodbye when all others do.
type lastClient struct{ all *sync.WaitGroup }

func (c lastClient) Probe(context.Context) (*protocols.Report, error) {
	return &protocols.Report{}, nil
}

func (c lastClient) Close() error {
	c.all.Done()
	c.all.Wait()
	return nil
}

// TestCloseTogether: each goodbye takes a round trip, and the clients do not wait for each other's.
func TestCloseTogether(t *testing.T) {
	var all sync.WaitGroup
	all.Add(5)
	c := lastClient{&all}
	e := &Env{
		Open: map[string]protocols.Client{"a": c, "b": c},
		Idle: map[string][]protocols.Client{"a": {c, c}, "b": {c}},
	}
	e.Close() // one after the other it would never return
}
