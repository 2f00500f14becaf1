//go:build race

package examples

// race says that this test was built with the race detector.
const race = true
