package frame

import (
	"math/rand/v2"
	"sync"

	"github.com/netclients/netclients/protocols/lab/base"
)

// Injector has the faults of one server, which may be replaced while it runs, and
// counts what has been used up of them.
type Injector struct {
	mu  sync.Mutex
	set *faultSet
}

// faultSet are faults with their counts. A connection keeps the set that it began with.
type faultSet struct {
	list base.Faults
	mu   sync.Mutex
	used []int
}

// NewInjector returns an injector of the faults in f, none of them used.
func NewInjector(f base.Faults) *Injector {
	in := &Injector{}
	in.Set(f)
	return in
}

// Set replaces the faults. Those of commands are for open connections too, those of
// byte streams for new ones.
func (in *Injector) Set(f base.Faults) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.set = &faultSet{list: f, used: make([]int, len(f))}
}

func (in *Injector) now() *faultSet {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.set
}

// take uses fault i once; it reports false when it is used up, or chance is against it.
func (s *faultSet) take(i int) bool {
	if chance := s.list[i].Chance; chance > 0 && rand.IntN(100) >= chance {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if limit := s.list[i].Times; limit > 0 && s.used[i] >= limit {
		return false
	}
	s.used[i]++
	return true
}

// find takes the first fault that match accepts.
func (in *Injector) find(match func(base.Fault) bool) (base.Fault, bool) {
	s := in.now()
	for i, f := range s.list {
		if match(f) && s.take(i) {
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
	for _, f := range in.now().list {
		if f.Kind == base.FaultMax {
			return f.Bytes
		}
	}
	return 0
}
