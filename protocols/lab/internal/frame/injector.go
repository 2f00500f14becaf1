package frame

import (
	"sync"

	"github.com/netclients/netclients/protocols/lab/base"
)

// Injector counts what faults have been used up in one server.
type Injector struct {
	list base.Faults
	mu   sync.Mutex
	used []int
}

// NewInjector returns an injector of the faults in f, none of them used.
func NewInjector(f base.Faults) *Injector {
	return &Injector{list: f, used: make([]int, len(f))}
}

// take uses fault i once; it reports false when it is used up.
func (in *Injector) take(i int) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if limit := in.list[i].Times; limit > 0 && in.used[i] >= limit {
		return false
	}
	in.used[i]++
	return true
}

// find takes the first fault that match accepts.
func (in *Injector) find(match func(base.Fault) bool) (base.Fault, bool) {
	for i, f := range in.list {
		if match(f) && in.take(i) {
			return f, true
		}
	}
	return base.Fault{}, false
}

// Kind takes the first fault of a kind.
func (in *Injector) Kind(k base.FaultKind) (base.Fault, bool) {
	return in.find(func(f base.Fault) bool { return f.Kind == k })
}

// Verb takes the first fault to be played instead of a command's reply.
func (in *Injector) Verb(verb string) (base.Fault, bool) {
	return in.find(func(f base.Fault) bool { return f.At(verb) && f.Kind != base.FaultInject })
}

// Injected takes the first fault that adds bytes after a command's reply.
func (in *Injector) Injected(verb string) (base.Fault, bool) {
	return in.find(func(f base.Fault) bool { return f.At(verb) && f.Kind == base.FaultInject })
}

// clients is the number of connections allowed at a time; 0 means no limit.
func (in *Injector) clients() int64 {
	for _, f := range in.list {
		if f.Kind == base.FaultMax {
			return f.Bytes
		}
	}
	return 0
}
