//go:build linux

package socket

// autobind: a datagram socket can have a name that is not a file.
const autobind = true
