package verbs

import (
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// Printed returns values of the types that --json prints, by the kind of object.
func Printed() map[string][]any {
	return map[string][]any{
		"entry":    {protocols.EntryShape()},
		"transfer": {transfer.ResultShape(), summaryJSON{}},
		"planned":  {plannedJSON{}},
		"sent":     {SentJSON{}, bytesJSON{}},
		"caps":     {protocols.Capability{}},
		"raw":      {ReplyJSON{}},
		"probe":    {probeJSON{}},
		"checksum": {sumJSON{}},
		"step":     {playedJSON{}, printJSON{}},
		"talk":     {Event{}},
	}
}
