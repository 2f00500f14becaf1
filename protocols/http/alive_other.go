//go:build !linux

package http

import "github.com/netclients/netclients/protocols/transport"

// alive and waiting: elsewhere the socket is not looked at.
func alive(*transport.Conn) bool   { return true }
func waiting(*transport.Conn) bool { return false }
