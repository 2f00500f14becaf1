package transfer

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
)

// keyTable holds what is known of messages by their keys, sorted. There may be
// millions: an entry takes twenty bytes and is nothing for the garbage collector
// to look at, where a map would take five times as much.
type keyTable struct {
	parts [1 << keyBits][]keyEntry // by the first bits of the key
	n     int
}

const keyBits = 12

// keyEntry is a message that is known.
type keyEntry struct {
	key  messageKey
	bits uint32 // number of its flags' text, and keyListed
}

// keyListed marks what the source has listed in this run.
const keyListed = 1 << 31

func (t *keyTable) find(key messageKey) (part *[]keyEntry, at int, found bool) {
	part = &t.parts[binary.BigEndian.Uint16(key[:])>>(16-keyBits)]
	at, found = slices.BinarySearchFunc(*part, key, func(e keyEntry, key messageKey) int { return bytes.Compare(e.key[:], key[:]) })
	return part, at, found
}

// get returns the entry of a key, until the next change of the table; nil when there is none.
func (t *keyTable) get(key messageKey) *keyEntry {
	part, at, found := t.find(key)
	if !found {
		return nil
	}
	return &(*part)[at]
}

// put adds an entry or changes it.
func (t *keyTable) put(key messageKey, bits uint32) {
	part, at, found := t.find(key)
	if found {
		(*part)[at].bits = bits
		return
	}
	list := *part
	if n := len(list); n == cap(list) { // append would leave too much room over all
		list = append(make([]keyEntry, 0, n+n/8+4), list...)
	}
	*part = slices.Insert(list, at, keyEntry{key, bits})
	t.n++
}

func (t *keyTable) drop(key messageKey) {
	if part, at, found := t.find(key); found {
		*part = slices.Delete(*part, at, at+1)
		t.n--
	}
}

// all returns the entries by their keys. What is done with the table meanwhile is
// restricted to changing the bits of the entries.
func (t *keyTable) all() iter.Seq[*keyEntry] {
	return func(yield func(*keyEntry) bool) {
		for _, part := range &t.parts {
			for i := range part {
				if !yield(&part[i]) {
					return
				}
			}
		}
	}
}
