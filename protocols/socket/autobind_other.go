//go:build !linux

package socket

// autobind: there are no abstract names here.
const autobind = false
