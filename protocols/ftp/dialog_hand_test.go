package ftp

import (
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/protocoltest"
)

// byHand are dialogues of servers that are not at hand, or that lie.
var byHand = []recording{}

var _ = protocols.TLSOff
var _ = protocoltest.Get
