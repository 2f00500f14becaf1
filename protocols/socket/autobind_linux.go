//go:build linux

package socket

// autobind: a datagram socket can have a name that is no file.
const autobind = true
