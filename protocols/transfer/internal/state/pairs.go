package state

import (
	"context"
	"iter"
)

// Pairs remembers over runs which messages of two mailboxes are the same: of each pair
// the keys on both sides, and the flags that both had when they were last equal.
//
//   - KEYS FLAGS    the keys, one after the other, of a pair
//   - KEYS          it is to be forgotten
//     = NAME VALUE    something about the whole
type Pairs struct {
	record
	texts
	N     int
	pairs []Pair
	index [2]Keys // a key's Bits are the number of the pair
}

// Pair is one message in two mailboxes.
type Pair struct {
	Keys [2]Key
	Base uint32    // number of the flags when both sides were last equal
	Now  [2]uint32 // number of the flags on each side, where it is listed
	Next uint32    // number of the flags that both sides are to have
	Seen [2]bool   // it is listed
	dead bool
}

// Unmerged is the base of a pair whose sides have never been brought together.
const Unmerged = `\*`

// pairsFormat is what the file begins with.
var pairsFormat = format{name: "state of a two-way sync", title: "# netclients two-way state 1"}

// ReadPairs reads a state without writing anything. One that is not there is empty.
func ReadPairs(ctx context.Context, path string) (*Pairs, error) {
	p := &Pairs{record: newRecord(path, pairsFormat)}
	return p, p.read(ctx, p.take)
}

// OpenPairs opens or makes a state. When another process has it open the error has
// class [protocols.ErrBusy].
func OpenPairs(ctx context.Context, path string) (*Pairs, error) {
	p := &Pairs{record: newRecord(path, pairsFormat)}
	if err := p.open(ctx, p.take); err != nil {
		return nil, err
	}
	if p.lines > 2*p.N+1000 {
		if err := p.compact(p.all); err != nil {
			_ = p.Close()
			return nil, err
		}
	}
	return p, nil
}

// take takes a line about a pair.
func (p *Pairs) take(mark, name, value string) {
	var keys [2]Key
	var ok [2]bool
	half := len(name) / 2
	keys[0], ok[0] = ParseKey(name[:half])
	keys[1], ok[1] = ParseKey(name[half:])
	if !ok[0] || !ok[1] {
		return
	}
	switch mark {
	case "+":
		p.put(keys, value)
	case "-":
		if pair := p.At(0, keys[0]); pair != nil && pair.Keys == keys {
			p.drop(pair)
		}
	}
}

// all writes the pairs.
func (p *Pairs) all() {
	for pair := range p.All() {
		p.line("+", pair.name(), p.Text(pair.Base))
	}
}

func (p *Pair) name() string { return p.Keys[0].String() + p.Keys[1].String() }

// At returns the pair of a key on one side, until the next Put; nil when there is none.
func (p *Pairs) At(side int, key Key) *Pair {
	known := p.index[side].Get(key)
	if known == nil {
		return nil
	}
	return &p.pairs[known.Bits]
}

// Put remembers a pair. What was known of either message is forgotten.
func (p *Pairs) Put(keys [2]Key, flags string) *Pair {
	pair := p.put(keys, flags)
	p.line("+", pair.name(), flags)
	return pair
}

func (p *Pairs) put(keys [2]Key, flags string) *Pair {
	for side, key := range keys {
		if old := p.At(side, key); old != nil {
			p.drop(old)
		}
	}
	for side, key := range keys {
		p.index[side].Put(key, uint32(len(p.pairs)))
	}
	p.pairs = append(p.pairs, Pair{Keys: keys, Base: p.Number(flags)})
	p.N++
	return &p.pairs[len(p.pairs)-1]
}

// Rebase says that both sides have these flags now.
func (p *Pairs) Rebase(pair *Pair, flags uint32) {
	if pair.Base != flags {
		pair.Base = flags
		p.line("+", pair.name(), p.Text(flags))
	}
}

// Forget drops a pair.
func (p *Pairs) Forget(pair *Pair) {
	p.line("-", pair.name(), "")
	p.drop(pair)
}

func (p *Pairs) drop(pair *Pair) {
	for side, key := range pair.Keys {
		p.index[side].Drop(key)
	}
	pair.dead = true
	p.N--
}

// All returns the pairs. Put must not be called meanwhile.
func (p *Pairs) All() iter.Seq[*Pair] {
	return func(yield func(*Pair) bool) {
		for i := range p.pairs {
			if pair := &p.pairs[i]; !pair.dead && !yield(pair) {
				return
			}
		}
	}
}

// Clear drops all pairs.
func (p *Pairs) Clear() {
	for pair := range p.All() {
		p.Forget(pair)
	}
}

// Unlist forgets which messages are listed.
func (p *Pairs) Unlist() {
	for pair := range p.All() {
		pair.Seen = [2]bool{}
	}
}
