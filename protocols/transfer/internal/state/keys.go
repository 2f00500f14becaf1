package state

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
)

// Keys holds what is known of messages by their keys, sorted. There may be
// millions: an entry takes twenty bytes and is nothing for the garbage collector
// to look at, where a map would take five times as much.
type Keys struct {
	parts [1 << keyBits][]Known // by the first bits of the key
	N     int
}

const keyBits = 12

// Known is a message that is known.
type Known struct {
	key  Key
	Bits uint32 // number of its flags' text, and Listed
}

// Listed marks what the source has listed in this run.
const Listed = 1 << 31

func (t *Keys) find(key Key) (part *[]Known, at int, found bool) {
	part = &t.parts[binary.BigEndian.Uint16(key[:])>>(16-keyBits)]
	at, found = slices.BinarySearchFunc(*part, key, func(e Known, key Key) int { return bytes.Compare(e.key[:], key[:]) })
	return part, at, found
}

// Get returns the entry of a key, until the next change of the table; nil when there is none.
func (t *Keys) Get(key Key) *Known {
	part, at, found := t.find(key)
	if !found {
		return nil
	}
	return &(*part)[at]
}

// Put adds an entry or changes it.
func (t *Keys) Put(key Key, bits uint32) {
	part, at, found := t.find(key)
	if found {
		(*part)[at].Bits = bits
		return
	}
	list := *part
	if n := len(list); n == cap(list) { // append would leave too much room over all
		list = append(make([]Known, 0, n+n/8+4), list...)
	}
	*part = slices.Insert(list, at, Known{key, bits})
	t.N++
}

// Drop removes an entry, if it is there.
func (t *Keys) Drop(key Key) {
	if part, at, found := t.find(key); found {
		*part = slices.Delete(*part, at, at+1)
		t.N--
	}
}

// all returns the entries by their keys. What is done with the table meanwhile is
// restricted to changing the bits of the entries.
func (t *Keys) all() iter.Seq[*Known] {
	return func(yield func(*Known) bool) {
		for _, part := range &t.parts {
			for i := range part {
				if !yield(&part[i]) {
					return
				}
			}
		}
	}
}
