package lab

import (
	"sync"
	"time"
)

// FaultKind names a way to go wrong; the values are the names in a spec.
type FaultKind string

// The kinds of faults. See [ParseFaults] for what each means.
const (
	FaultCut       FaultKind = "cut"
	FaultClose     FaultKind = "close"
	FaultStall     FaultKind = "stall"
	FaultSlow      FaultKind = "slow"
	FaultSplit     FaultKind = "split"
	FaultDelay     FaultKind = "delay"
	FaultTruncate  FaultKind = "truncate"
	FaultRefuse    FaultKind = "refuse"
	FaultMax       FaultKind = "max"
	FaultCode      FaultKind = "code"
	FaultInject    FaultKind = "inject"
	FaultGarbage   FaultKind = "garbage"
	FaultEndless   FaultKind = "endless"
	FaultMultiline FaultKind = "multiline"
	FaultHang      FaultKind = "hang"
	FaultDrop      FaultKind = "drop"
	FaultReset     FaultKind = "reset"
)

// Scope says to which connections of a server a fault applies.
type Scope uint8

// The scopes: both kinds of connections, only those that carry commands, only
// those that carry files and listings.
const (
	ScopeBoth Scope = iota
	ScopeControl
	ScopeData
)

// Points of a dialogue that are not commands and take verb faults all the same.
const (
	PointGreeting = "GREETING" // before the greeting
	PointTLS      = "TLS"      // before a TLS handshake on the control connection
	PointEnd      = "END"      // before the reply that ends a transfer
)

// Fault is one scripted misbehaviour. Which fields count depends on Kind.
type Fault struct {
	Kind     FaultKind
	Scope    Scope
	Verb     string        // upper case command or Point; "*" is any command
	Bytes    int64         // position, rate in bytes/s, piece size or number of clients
	Duration time.Duration // of a stall or delay
	Text     string        // reply or injected bytes, without the final line end
	Times    int           // how often it happens in a server's life; 0 is always
}

// Faults is a list of them; the first that matches is used.
type Faults []Fault

// injector counts what faults have been used up in one server.
type injector struct {
	faults Faults
	mu     sync.Mutex
	used   []int
}

func newInjector(f Faults) *injector {
	return &injector{faults: f, used: make([]int, len(f))}
}

// take uses fault i once; it reports false when it is used up.
func (in *injector) take(i int) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if limit := in.faults[i].Times; limit > 0 && in.used[i] >= limit {
		return false
	}
	in.used[i]++
	return true
}

// find takes the first fault that match accepts.
func (in *injector) find(match func(Fault) bool) (Fault, bool) {
	for i, f := range in.faults {
		if match(f) && in.take(i) {
			return f, true
		}
	}
	return Fault{}, false
}

// kind takes the first fault of a kind.
func (in *injector) kind(k FaultKind) (Fault, bool) {
	return in.find(func(f Fault) bool { return f.Kind == k })
}

// verb takes the first fault to be played instead of a command's reply.
func (in *injector) verb(verb string) (Fault, bool) {
	return in.find(func(f Fault) bool { return f.at(verb) && f.Kind != FaultInject })
}

// injected takes the first fault that adds bytes behind a command's reply.
func (in *injector) injected(verb string) (Fault, bool) {
	return in.find(func(f Fault) bool { return f.at(verb) && f.Kind == FaultInject })
}

// at reports whether f belongs to a command or point.
func (f Fault) at(verb string) bool {
	if f.Verb == "*" {
		return verb != PointGreeting && verb != PointTLS && verb != PointEnd
	}
	return f.Verb != "" && f.Verb == verb
}

// clients is the number of connections allowed at a time; 0 is no limit.
func (in *injector) clients() int64 {
	for _, f := range in.faults {
		if f.Kind == FaultMax {
			return f.Bytes
		}
	}
	return 0
}
