// Package pattern holds regular expressions that are compiled when they are first used:
// every command of the program would else pay for those that only a few need.
package pattern

import (
	"regexp"
	"sync"
)

// Lazy is a regular expression that package regexp accepts; else Re panics. It is safe for
// use by several goroutines, and must not be copied.
type Lazy struct {
	Text string

	once sync.Once
	re   *regexp.Regexp
}

// Re returns the compiled expression.
func (l *Lazy) Re() *regexp.Regexp {
	l.once.Do(func() { l.re = regexp.MustCompile(l.Text) })
	return l.re
}
