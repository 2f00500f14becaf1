package state

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestKeyTable: the table is what a map would be, in the order of the keys.
func TestKeyTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]Key, 5000)
	for i := range keys {
		for k := range keys[i] {
			keys[i][k] = byte(r.Uint32())
		}
		if i%2 == 0 {
			keys[i][0], keys[i][1] = 7, 7 // many in one part
		}
	}
	table, want := &Keys{}, map[Key]uint32{}
	for range 40_000 {
		key, bits := keys[r.IntN(len(keys))], r.Uint32()
		if r.IntN(3) == 0 {
			table.Drop(key)
			delete(want, key)
		} else {
			table.Put(key, bits)
			want[key] = bits
		}
	}
	if table.N != len(want) {
		t.Fatalf("%d entries, want %d", table.N, len(want))
	}
	for _, key := range keys {
		bits, known := want[key]
		if e := table.Get(key); (e != nil) != known || known && (e.Bits != bits || e.key != key) {
			t.Fatalf("%v: %v, want %v %v", key, e, bits, known)
		}
	}
	var last Key
	n := 0
	for e := range table.all() {
		if n > 0 && bytes.Compare(last[:], e.key[:]) >= 0 {
			t.Fatalf("%v behind %v", e.key, last)
		}
		last = e.key
		n++
	}
	if n != len(want) {
		t.Errorf("%d listed, want %d", n, len(want))
	}
}
