// Package outside is a module of its own, as programs are that import this one: a pool
// under many goroutines, a server as a file system, and spans of OpenTelemetry for the
// operations of a sync. It is a set of tests; a test of the parent folder runs them.
package outside
