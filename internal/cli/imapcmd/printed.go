package imapcmd

import "github.com/netclients/netclients/protocols/imap"

// Printed returns values of the types that --json prints, by the kind of object.
func Printed() map[string][]any {
	return map[string][]any{"space": {imap.Namespace{}}, "quota": {imap.Quota{}}, "right": {imap.Right{}, grantable{}}}
}
