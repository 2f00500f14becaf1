//go:build !unix

package cli

import "os/exec"

// There are no process groups here: the command itself is ended by its context.
func ownGroup(*exec.Cmd) {}
func endGroup(*exec.Cmd) {}
