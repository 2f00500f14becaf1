package gophercmd

import "github.com/netclients/netclients/protocols/gopher"

// Printed returns values of the types that --json prints, by the kind of object.
func Printed() map[string][]any {
	return map[string][]any{"attribute": {gopher.Attribute{}}}
}
