package state

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func pairOf(i int) [2]Key { return [2]Key{HashKey("a", fmt.Sprint(i)), HashKey("b", fmt.Sprint(i))} }

// TestPairs: pairs are found from either side, also by the next run; a message is of one
// pair at a time, and what was forgotten stays so.
func TestPairs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	p, err := OpenPairs(t.Context(), path)
	check(t, err)
	for i := range 3000 {
		p.Put(pairOf(i), fmt.Sprint("flag", i%3))
		if i >= 10 {
			p.Forget(p.At(i%2, pairOf(i)[i%2]))
		}
	}
	p.Rebase(p.At(1, pairOf(4)[1]), p.Number(`\Seen`))
	p.Put([2]Key{pairOf(5)[0], pairOf(6)[1]}, "new") // of two that are void then
	p.Set("open", "yes")
	check(t, p.Close())
	for _, open := range []func() (*Pairs, error){
		func() (*Pairs, error) { return ReadPairs(t.Context(), path) },
		func() (*Pairs, error) { return OpenPairs(t.Context(), path) }, // compacts it
		func() (*Pairs, error) { return OpenPairs(t.Context(), path) },
	} {
		if p, err = open(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for range p.All() {
			n++
		}
		if p.N != 9 || n != 9 || p.Value("open") != "yes" {
			t.Errorf("%d pairs, %d listed, %v", p.N, n, p.Values)
		}
		if pair := p.At(0, pairOf(4)[0]); pair == nil || pair.Keys != pairOf(4) || p.Text(pair.Base) != `\Seen` {
			t.Errorf("%v", pair)
		}
		if p.At(1, pairOf(5)[1]) != nil || p.At(0, pairOf(6)[0]) != nil || p.At(0, pairOf(5)[0]) != p.At(1, pairOf(6)[1]) {
			t.Error("a message is of two pairs")
		}
		check(t, p.Close())
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 2000 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestPairsOfAnotherFile: what is not such a state is not changed.
func TestPairsOfAnotherFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "photo")
	check(t, os.WriteFile(path, []byte("precious\n"), 0o600))
	if _, err := OpenPairs(t.Context(), path); err == nil || contentOf(t, path) != "precious\n" {
		t.Errorf("%v", err)
	}
}
