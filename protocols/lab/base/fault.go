package base

import "time"

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
	Chance   int           // percent of the times at which it happens; 0 is always
	Times    int           // how often it happens in a server's life; 0 is always
}

// Faults is a list of them; the first that matches is used.
type Faults []Fault

// At reports whether f belongs to a command or point.
func (f Fault) At(verb string) bool {
	if f.Verb == "*" {
		return verb != PointGreeting && verb != PointTLS && verb != PointEnd
	}
	return f.Verb != "" && f.Verb == verb
}
