//go:build !unix

package kit

import "os/exec"

// OwnGroup does nothing: there are no process groups here, and the command itself
// is ended by its context.
func OwnGroup(*exec.Cmd) {}

// EndGroup does nothing.
func EndGroup(*exec.Cmd) {}
