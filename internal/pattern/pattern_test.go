package pattern

import (
	"sync"
	"testing"
)

// TestLazy: nothing is compiled before the first use, and then once.
func TestLazy(t *testing.T) {
	l := Lazy{Text: `^a+$`}
	if l.re != nil {
		t.Fatal("compiled before it is used")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if re := l.Re(); !re.MatchString("aaa") || re.MatchString("ab") {
				t.Error("another expression")
			}
		})
	}
	all.Wait()
	if first, second := l.Re(), l.Re(); first != second {
		t.Error("compiled twice")
	}
}
